"""Which processes a member is offered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fairihub_core.errors import Missing
from fairihub_core.offers import offers_for
from fairihub_headless.callers import Caller
from fairihub_headless.processes.echo import ECHO_PROCESS
from fairihub_headless.processes.execute_notebook import execute_notebook
from fairihub_headless.processes.model import Process
from fairihub_headless.settings import HeadlessSettings


def offered(caller: Caller, settings: HeadlessSettings, today: date) -> tuple[Process, ...]:
    """The processes, described for this caller."""
    offers = offers_for(caller.login, caller.directory, today)
    notebook = execute_notebook(offers, settings.max_hours)
    return (notebook, ECHO_PROCESS) if settings.echo else (notebook,)


def named(name: str, processes: Sequence[Process]) -> Process:
    """The process of that id.

    Raises:
        Missing: `no-such-process`.
    """
    found = next((process for process in processes if process.id == name), None)
    if found is None:
        raise Missing("no-such-process", f"There is no process “{name[:120]}”.")
    return found
