"""What becomes of the start of a server: its steps, what went wrong, and who can mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer

from fairihub_core import clock
from fairihub_core.servers import last_choice, started_at, state_of
from fairihub_core.start_cause import Phase, Who
from fairihub_core.start_causes import CAUSES, NOTICES
from fairihub_core.teams import Frozen

StepName = Literal["scheduling", "volume", "image", "container", "server"]
StepState = Literal["waiting", "running", "done", "failed"]
STEPS: tuple[StepName, ...] = ("scheduling", "volume", "image", "container", "server")
MAX_DETAIL = 12_000
"""Characters of `Diagnosis.detail`: forty lines of three hundred."""

Values = Annotated[
    Mapping[str, str],
    AfterValidator(lambda given: MappingProxyType(dict(given))),
    PlainSerializer(dict, return_type=dict[str, str]),
]


def _no_values() -> Mapping[str, str]:
    return MappingProxyType({})


class Diagnosis(Frozen):
    """Why a server does not start: in plain words, with what to do, and whose turn it is."""

    phase: Phase
    code: str
    """Has a heading in the reference."""
    who: Who
    """Who can mend it."""
    message: str
    remedy: str
    detail: str = ""
    """What the cluster or the container said, cleaned and bounded; read by the owner, the admins
    of the server's team and operators."""
    values: Values = Field(default_factory=_no_values)
    """What stands in the message, for pages that say it in another language."""
    final: bool
    """Whether the start is lost; else it may still pass."""
    since: datetime
    queue: int | None = None
    """How many other servers wait for the same; None if that is of no interest."""

    @property
    def said(self) -> str:
        """All that there is to say in one text, as errors have it."""
        return f"{self.message} {self.remedy}".strip()

    def for_answers(self) -> dict[str, Any]:
        """Without `detail`, for whoever may start the server, which need not be its owner."""
        return self.model_dump(mode="json", exclude={"detail"})


class Step(Frozen):
    """One step of a start; the steps come one after the other."""

    name: StepName
    state: StepState
    message: str = ""
    note: str = ""
    """The name of the message in `start_causes.NOTES`."""
    values: Values = Field(default_factory=_no_values)
    seconds: float | None = None
    """How long the step took, or has taken so far."""


class Notice(Frozen):
    """What the owner of a server is to know though it starts."""

    code: str
    """Stands in `start_causes.NOTICES`."""
    message: str
    values: Values = Field(default_factory=_no_values)


class Start(Frozen):
    """The last start of a server."""

    server: str
    """The name of the server; empty for the one that every member has."""
    profile: str
    """`team.slug`"""
    began: datetime
    ended: datetime | None = None
    state: Literal["starting", "ready", "failed"]
    diagnosis: Diagnosis | None = None
    """Of a start that failed why; of one that goes on what keeps it for now."""
    steps: tuple[Step, ...] = ()
    notices: tuple[Notice, ...] = ()


def notice(code: str, **values: str) -> Notice:
    """The notice of that code; `values` are what its words leave open."""
    return Notice(code=code, message=NOTICES[code] % values, values=values)


def diagnosed(
    code: str,
    since: datetime,
    *,
    final: bool,
    detail: str = "",
    queue: int | None = None,
    values: Mapping[str, str] | None = None,
) -> Diagnosis:
    """The diagnosis of a cause that stands in the table.

    Args:
        since: when it was first known.
        values: what the words of the table leave open.
    """
    cause = CAUSES[code]
    words, remedy = cause.words(final)
    message = words % values if values else words
    return Diagnosis(
        phase=cause.phase,
        code=code,
        who=cause.who,
        message=f"{message} {waiting_too(queue)}".strip(),
        remedy=remedy,
        detail=detail[:MAX_DETAIL],
        values=values or {},
        final=final,
        since=since,
        queue=queue,
    )


def for_good(found: Diagnosis) -> Diagnosis:
    """What kept a start that is lost now, in words that say so."""
    cause = CAUSES.get(found.code)
    told: dict[str, Any] = {"final": True}
    if not found.final and cause is not None and cause.lost is not None:
        told["message"], told["remedy"] = cause.lost
    return found.model_copy(update=told)


def waiting_too(queue: int | None) -> str:
    """The queue for nodes, in words."""
    if not queue:
        return ""
    return "One other server waits, too." if queue == 1 else f"{queue} other servers wait, too."


def refused(
    code: str, message: str, since: datetime, details: Mapping[str, Any] | None = None
) -> Diagnosis:
    """The diagnosis of a start that an error of the house refused, by its code and message.

    A code that is not in the table is explained with the other error codes.

    Args:
        details: of the error: what the words of the table leave open.
    """
    if code in CAUSES:
        values = {name: str(value) for name, value in (details or {}).items()}
        return diagnosed(code, since, final=True, detail=message, values=values)
    if not message:
        return diagnosed("start-failed", since, final=True)
    words = CAUSES["start-refused"]
    return Diagnosis(
        phase=words.phase,
        code=code or "start-refused",
        who=words.who,
        message=message,
        remedy=words.remedy,
        final=True,
        since=since,
    )


def start_of(spawner: Any) -> Start | None:
    """What the hub knows of a server's last start; None if it knows of none.

    A spawner that keeps an account of it says so in `last_start`. Of others there is what the
    hub itself keeps: whether the server runs, and with which error the start ended.
    """
    future, state = spawner._spawn_future, state_of(spawner)
    if future is not None and future.cancelled():
        return None  # cancelled by whoever asked for it
    recorded = getattr(spawner, "last_start", None)
    if isinstance(recorded, Start) and not _is_of_before(recorded, spawner):
        return _interrupted(recorded) if state == "stopped" else recorded
    profile = last_choice(spawner) or ""
    if state in ("starting", "running"):
        began = started_at(spawner) or clock.now()
        told: Literal["starting", "ready"] = "starting" if state == "starting" else "ready"
        return Start(server=spawner.name, profile=profile, began=began, state=told)
    error = future.exception() if future and future.done() else None
    if error is None:
        return None
    at = started_at(spawner) or clock.now()
    return Start(
        server=spawner.name,
        profile=profile,
        began=at,
        state="failed",
        diagnosis=diagnosis_of(error, at),
    )


def _is_of_before(start: Start, spawner: Any) -> bool:
    """Whether the next start has begun, of which nobody keeps an account yet.

    Then JupyterHub has no address for the server; one that is taken up has that of its first hub.
    """
    return start.ended is not None and spawner.pending == "spawn" and spawner.server is None


def _interrupted(start: Start) -> Start:
    """A start that nobody goes on with: the hub ended in the middle of it."""
    if start.state != "starting":
        return start
    why = diagnosed("start-interrupted", start.began, final=True)
    told = {"state": "failed", "diagnosis": why, "steps": ended(start.steps)}
    return start.model_copy(update=told)


def ended(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of a start that is over: none goes on; the one that did is where it failed."""
    failed = {"state": "failed", "message": "", "note": "", "values": {}}
    return tuple(s.model_copy(update=failed) if s.state == "running" else s for s in steps)


_CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*")


def diagnosis_of(error: BaseException, at: datetime) -> Diagnosis:
    """Why a start ended with that error, of which only what its author meant for people is told."""
    told = getattr(error, "diagnosis", None)
    if isinstance(told, Diagnosis):
        return told
    reason = str(getattr(error, "reason", None) or "")
    code = reason if _CODE.fullmatch(reason) else ""
    return refused(code, str(getattr(error, "jupyterhub_message", None) or ""), at)
