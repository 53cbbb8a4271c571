"""What an attempt came to, and whether and when the run is begun again after it; pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fairihub_headless.models import ECHO, ExitRecord, Failure, Run

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
class Retry:
    """The run waits for so many seconds, then begins again."""

    pause: float
    lost: bool
    """Whether the attempt is not counted, since the notebook had not started."""
    waited: bool = False
    """Whether it found no room on the disk: that is waited for as long as it takes."""


@dataclass(frozen=True)
class Failed:
    """The attempt came to nothing."""

    failure: Failure
    again: Retry | None
    """None if that was the end of the run."""


def verdict(
    run: Run, witness: ExitRecord | None, ending: Failure | None, code: int | None, *, started: bool
) -> ExitRecord | Failed:
    """What an attempt at `run` came to: the record of its success, or what follows from failure.

    Args:
        witness: the worker's last words, if it had any that are believed. They go before all else.
        ending: why we have ended it ourselves.
        code: with which the worker ended, if that is known.
        started: whether code of the notebook may have run; an echo has none.
    """
    if witness is not None and witness.state == "successful":
        return witness
    failure = ending or (witness and witness.failure) or _unexplained(code)
    started = started and run.process != ECHO
    return Failed(failure, after_failure(run, failure, started=started))


def after_failure(run: Run, failure: Failure, *, started: bool) -> Retry | None:
    """What follows from a failed attempt of `run`; None if that was its end.

    Args:
        run: as it was while the attempt was made.
        started: whether code of the notebook may have run.
    """
    if failure.code == _FULL and not started:  # until there is room: others wait for that as well
        return Retry(_pause(run, _FULL_PAUSE, 0), lost=True, waited=True)
    if failure.code not in _WORTH:
        return None
    if not started:
        died = run.lost - run.waited
        if died >= MOST_LOST:
            return None
        at_once = failure.code == "service-stopped"
        return Retry(0.0 if at_once else _pause(run, _FIRST_LOST_PAUSE, died), lost=True)
    begun = run.attempt - run.lost
    return Retry(_pause(run, _FIRST_PAUSE, begun - 1), lost=False) if begun <= run.retries else None


def _unexplained(code: int | None) -> Failure:
    """For a worker that left no record; mostly the system ended it for want of memory."""
    how = f" by signal {-code}" if code is not None and code < 0 else ""
    return Failure(
        code="worker-died",
        message=f"The process of this run was ended{how} before it could say why; often the "
        "machine was short of memory.",
    )


def _pause(run: Run, first: float, before: int) -> float:
    """Twice as long each time, and not the same for runs that failed together."""
    seed = hashlib.sha256(f"{run.id} {run.attempt}".encode()).digest()
    jitter = int.from_bytes(seed[:4], "big") / 2**32
    return float(min(LONGEST_PAUSE, first * 2**before) * (0.75 + jitter / 2))
