"""Whether a run is begun again after an attempt failed, and when; pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fairihub_headless.models import Failure, Run

MOST_LOST = 5
"""So often a run is begun again whose notebook had not started: that costs nobody anything."""
LONGEST_PAUSE = 300.0
_FIRST_PAUSE = 2.0
_FIRST_LOST_PAUSE = 0.5
_WORTH = frozenset({"worker-died", "kernel-died", "service-stopped", "engine-failed"})
"""What may not happen again; a notebook that fails by itself would fail again."""
_FULL = "no-room"
_FULL_PAUSE = 20.0


@dataclass(frozen=True)
class Again:
    """The run waits for so many seconds, then begins again."""

    pause: float
    lost: bool
    """Whether the attempt is not counted, since the notebook had not started."""


def after_failure(run: Run, failure: Failure, *, started: bool) -> Again | None:
    """What follows from a failed attempt of `run`; None if that was its end.

    Args:
        run: as it was while the attempt was made.
        started: whether code of the notebook may have run.
    """
    if failure.code == _FULL and not started:  # until there is room: others wait for that as well
        return Again(_pause(run, _FULL_PAUSE, 0), lost=True)
    if failure.code not in _WORTH:
        return None
    if not started:
        if run.lost >= MOST_LOST:
            return None
        at_once = failure.code == "service-stopped"
        return Again(0.0 if at_once else _pause(run, _FIRST_LOST_PAUSE, run.lost), lost=True)
    begun = run.attempt - run.lost
    return Again(_pause(run, _FIRST_PAUSE, begun - 1), lost=False) if begun <= run.retries else None


def _pause(run: Run, first: float, before: int) -> float:
    """Twice as long each time, and not the same for runs that failed together."""
    seed = hashlib.sha256(f"{run.id} {run.attempt}".encode()).digest()
    jitter = int.from_bytes(seed[:4], "big") / 2**32
    return float(min(LONGEST_PAUSE, first * 2**before) * (0.75 + jitter / 2))
