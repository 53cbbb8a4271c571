"""What goes wrong with runs, in kinds that every part of the room can raise."""

from __future__ import annotations

from typing import ClassVar

from fairihub_core.errors import FairihubError, Missing, TooMany, Unavailable
from fairihub_headless.models import Run


class Gone(FairihubError):
    """It was there, and was dismissed or deleted."""

    status: ClassVar[int] = 410


class RunFailed(FairihubError):
    """The results of a run that failed by its notebook, its parameters or its limits."""

    status: ClassVar[int] = 422


class RunLost(FairihubError):
    """The results of a run that failed through no fault of its own."""

    status: ClassVar[int] = 500


class NoReport(FairihubError):
    """The notebook cannot be rendered, or not in time."""

    status: ClassVar[int] = 422


class NoSuchRange(FairihubError):
    """The file is shorter than what was asked for of it."""

    status: ClassVar[int] = 416


class Defect(FairihubError):
    """A mistake of ours; its text stays in the log."""

    status: ClassVar[int] = 500


def no_such_job(job: str) -> Missing:
    """Said alike of jobs that never were and of jobs of others."""
    return Missing("no-such-job", f"There is no job “{job[:64]}” for you.")


def gone(run: Run) -> Gone:
    """What the run left is needed, and is no longer there."""
    return Gone("expired", f"What job “{run.id}” left was deleted to make room.")


def unreadable() -> Unavailable:
    """What a run left is there by its record, and cannot be read: never the same as nothing."""
    return Unavailable(
        "results-unreadable",
        "What this job left cannot be read now. If it stays so, tell the operators of the hub.",
    )


def too_many_runs(most: int) -> TooMany:
    return TooMany("too-many-runs", f"You have {most} runs waiting; wait for some or cancel some.")
