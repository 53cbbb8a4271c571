"""How much room on the disk the results of a run take while they grow."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from fairihub_core.units import human_bytes
from fairihub_headless.models import Failure

_EVERY = 10.0
_SHARE = 20
"""To look takes at most this part of the time."""
_BLOCK = 512


class Room:
    """Looked at now and then, more seldom where there are so many files that it takes long.

    Args:
        folder: RESULTS_DIRECTORY.
        most: bytes that all in it may take on the disk.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        self._next = 0.0

    def look(self) -> Failure | None:
        """Why the run is to be ended, if it has taken too much. Blocks."""
        began = time.monotonic()
        if began < self._next:
            return None
        used = used_by(self._folder, self._most)
        took = time.monotonic() - began
        self._next = began + max(_EVERY, _SHARE * took)
        return _too_large(self._most) if used > self._most else None


def used_by(folder: Path, most: int) -> int:
    """The bytes that all below `folder` takes, counted until they are more than `most`. Blocks."""
    used = 0
    with contextlib.suppress(OSError):
        for _, _, names, place in os.fwalk(folder):
            for name in names:
                with contextlib.suppress(OSError):
                    used += _BLOCK * os.stat(name, dir_fd=place, follow_symlinks=False).st_blocks
            if used > most:
                break
    return used


def _too_large(most: int) -> Failure:
    return Failure(
        code="results-too-large",
        message=f"The run has written more than {human_bytes(most)} into RESULTS_DIRECTORY, the "
        "most of this hub, and was ended.",
    )
