"""The account of a server's last start, and how it survives the hub: in the spawner's state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from fairihub_core.start_causes import NOTES
from fairihub_core.starts import STEPS, Diagnosis, Notice, Start, Step, ended, for_good

STATE_KEY = "last_start"
"""Where a spawner's state holds it."""
MAX_DETAIL_KEPT = 4_000


def begun(server: str, profile: str, at: datetime) -> Start:
    return Start(server=server, profile=profile, began=at, state="starting")


def going_on(start: Start, steps: tuple[Step, ...], diagnosis: Diagnosis | None) -> Start:
    """A start at this moment, with what keeps it."""
    return start.model_copy(update={"steps": steps, "diagnosis": diagnosis})


def kept_by(start: Start, trouble: Diagnosis | None) -> Start:
    """A start whose steps wait for an answer of the cluster; None says that it has come."""
    before = start.diagnosis
    if start.state != "starting" or (trouble is None and before is None):
        return start
    if trouble is not None and before is not None and trouble.code == before.code:
        trouble = trouble.model_copy(update={"since": before.since})
    waiting = start if start.steps else held_up(start, "start-checked")
    return waiting.model_copy(update={"diagnosis": trouble})


def noticed(start: Start, notice: Notice) -> Start:
    """A start with one thing more that its owner is to know."""
    return start.model_copy(update={"notices": (*start.notices, notice)})


def ran_out(seconds: float, limit: float) -> bool:
    """Whether a start that was cancelled after so many seconds, of a clock that nobody sets, had
    used up JupyterHub's limit; else somebody called it off.
    """
    # JupyterHub begins to count a moment before.
    return seconds >= limit - 1


def stopped(start: Start) -> Start | None:
    """A start whose server has ended: of the stop there is nothing more to say.

    None for one that ended before it was looked at, of which JupyterHub alone knows why.
    """
    if start.state == "starting" and not start.profile:
        return None
    left = tuple(n for n in start.notices if not n.code.startswith("stop-"))
    return start.model_copy(update={"notices": left})


def succeeded(start: Start, steps: tuple[Step, ...], at: datetime) -> Start:
    """Nothing keeps it any more."""
    told = {"state": "ready", "ended": at, "steps": steps, "diagnosis": None}
    return start.model_copy(update=told)


def failed(start: Start, diagnosis: Diagnosis, at: datetime) -> Start:
    """A start that is over, and why, with the steps that were known last."""
    lost = for_good(diagnosis)
    told = {"state": "failed", "ended": at, "diagnosis": lost, "steps": ended(start.steps)}
    return start.model_copy(update=told)


def held_up(start: Start, note: str) -> Start:
    """A start whose first step waits for something that is no part of it."""
    first, *later = STEPS
    waits = Step(name=first, state="running", message=NOTES[note], note=note)
    steps = (waits, *(Step(name=name, state="waiting") for name in later))
    return start.model_copy(update={"steps": steps})


def to_state(start: Start | None) -> dict[str, Any]:
    """For the spawner's state: nothing, or one entry that holds the start."""
    if start is None:
        return {}
    told = start.diagnosis
    if told is not None and len(told.detail) > MAX_DETAIL_KEPT:
        # The end of a log says more than its beginning.
        short = told.model_copy(update={"detail": told.detail[-MAX_DETAIL_KEPT:]})
        start = start.model_copy(update={"diagnosis": short})
    return {STATE_KEY: start.model_dump(mode="json")}


def from_state(state: Mapping[str, Any]) -> Start | None:
    """The start that a spawner's state holds; None if it holds none that can be read."""
    try:
        return Start.model_validate(state[STATE_KEY])
    except (KeyError, ValidationError):
        return None
