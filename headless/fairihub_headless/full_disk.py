"""A disk that is full: how it shows, and what it means for a run."""

from __future__ import annotations

import errno

from fairihub_headless.models import Failure

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def is_full(problem: OSError) -> bool:
    """Whether there was no room for what was written, on the disk or in a quota."""
    return problem.errno in _FULL


def no_room(what: str) -> Failure:
    """The failure of a run for which there was no room."""
    return Failure(
        code="no-room",
        message=f"The disk is full: {what} could not be written as a whole.",
    )
