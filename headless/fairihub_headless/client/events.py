"""What can happen to a run, typed for those who follow it."""

from __future__ import annotations

from dataclasses import dataclass

from fairihub_headless.client.models import StatusInfo


@dataclass(frozen=True)
class StatusChanged:
    """It stands otherwise: it began, waits again for a retry, or has ended."""

    job: StatusInfo


@dataclass(frozen=True)
class CellDone:
    """So many cells of the notebook are done."""

    done: int
    cells: int


@dataclass(frozen=True)
class Progress:
    """What the notebook itself reports, from 0 to 1."""

    fraction: float
    message: str = ""


@dataclass(frozen=True)
class Output:
    """More of what the run has printed, as it stands in its log."""

    text: str


Event = StatusChanged | CellDone | Progress | Output
