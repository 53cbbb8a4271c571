"""What pages show of the start of a server: its steps, and what keeps it or made it fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairihub_core.servers import keeps_log
from fairihub_core.start_causes import CAUSES, NOTES, NOTICES, STATES, WHO
from fairihub_core.starts import STEPS, Diagnosis, Start, Step, StepName, StepState, start_of
from fairihub_portal.texts import N_

STEP_NAMES: Mapping[StepName, str] = {
    "scheduling": N_("Find a node"),
    "volume": N_("Connect your files"),
    "image": N_("Fetch the image"),
    "container": N_("Make the container"),
    "server": N_("Start JupyterLab"),
}


@dataclass(frozen=True)
class Told:
    """A diagnosis as a page says it; `message` and `remedy` are translated there."""

    code: str
    message: str
    values: Mapping[str, str]
    remedy: str
    who: str
    detail: str
    queue: int
    final: bool


@dataclass(frozen=True)
class StepRow:
    """A step in words; the note is translated where it is shown."""

    name: StepName
    title: str
    state: StepState
    said: str
    note: str
    values: Mapping[str, str]
    seconds: int | None


@dataclass(frozen=True)
class LastStart:
    """The last start of a server, and what it was asked for."""

    state: str
    profile: str
    steps: tuple[StepRow, ...]
    diagnosis: Told | None
    notices: tuple[tuple[str, Mapping[str, str]], ...]
    """What the owner is to know, each a text to be translated and what it leaves open."""

    @property
    def cancelled(self) -> bool:
        """Whether somebody wanted its end, so that there is nothing to mend."""
        return self.diagnosis is not None and self.diagnosis.code == "start-cancelled"


class Starts:
    """For the templates: what the hub knows of the server of a page's user."""

    def of(self, user: Any) -> LastStart | None:
        start = start_of(user.spawner) if user else None
        return last_start(start) if start else None

    def of_error(self, user: Any, error_message: str) -> LastStart | None:
        """The last start, if it is what the hub's own answer `error_message` tells of."""
        start = start_of(user.spawner) if user and error_message else None
        told_of = start and start.diagnosis and start.diagnosis.said == error_message
        return last_start(start) if start and told_of else None

    def has_log(self, user: Any) -> bool:
        """Whether the server's log can be read on a page."""
        return user is not None and keeps_log(user.spawner)

    def awaited(self) -> tuple[StepRow, ...]:
        """The steps of a start that has not said anything yet."""
        return tuple(_row(Step(name=name, state="waiting")) for name in STEPS)


def last_start(start: Start) -> LastStart:
    return LastStart(
        state=start.state,
        profile=start.profile,
        steps=tuple(_row(step) for step in start.steps),
        diagnosis=told(start.diagnosis) if start.diagnosis else None,
        notices=tuple((NOTICES.get(n.code, n.message), n.values) for n in start.notices),
    )


def told(diagnosis: Diagnosis) -> Told:
    """With the words of the table, which are translated; else with the diagnosis's own."""
    cause = CAUSES.get(diagnosis.code)
    words = cause.words(diagnosis.final)[0] if cause else ""
    return Told(
        code=diagnosis.code,
        message=words or diagnosis.message,
        values=diagnosis.values if words else {},
        remedy=diagnosis.remedy,
        who=WHO[diagnosis.who],
        detail=diagnosis.detail,
        queue=diagnosis.queue or 0,
        final=diagnosis.final,
    )


def _row(step: Step) -> StepRow:
    return StepRow(
        name=step.name,
        title=STEP_NAMES[step.name],
        state=step.state,
        said=STATES[step.state],
        note=NOTES.get(step.note, ""),
        values=step.values,
        seconds=None if step.seconds is None else round(step.seconds),
    )
