"""What a person sees of a run that is followed: on stderr, so that stdout has the results alone."""

from __future__ import annotations

import re
import sys
from typing import Any, TextIO

from fairihub_core.logins import printable
from fairihub_core.run_words import RUN_WORDS
from fairihub_headless.client import (
    CellDone,
    Event,
    Output,
    Progress,
    State,
    StatusChanged,
    StatusInfo,
)

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_STEPS = 10
"""Where there is no terminal, so many lines tell how far it is."""


class Screen:
    """A bar in a terminal, else lines; what the run prints, if that is wanted."""

    def __init__(self, *, logs: bool, stream: TextIO | None = None) -> None:
        self._logs = logs
        self._stream = stream or sys.stderr
        self._bar: Any = None
        """In a terminal, as soon as there are cells."""
        self._step = 0
        self._told = ""

    def show(self, event: Event) -> None:
        if isinstance(event, StatusChanged):
            self._stands(event.job)
        elif isinstance(event, CellDone):
            self._cells(event)
        elif isinstance(event, Progress):
            self._reports(event)
        elif isinstance(event, Output) and self._logs:
            self.say(shown(event.text.removesuffix("\n")))

    def say(self, line: str) -> None:
        """A line of its own, above the bar."""
        if self._bar is None:
            print(line, file=self._stream, flush=True)
        else:
            self._bar.write(line, file=self._stream)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _stands(self, job: StatusInfo) -> None:
        words = standing(job)
        if words != self._told:
            self.say(words)
        self._told = words

    def _cells(self, event: CellDone) -> None:
        if self._bar is None and self._stream.isatty():
            self._bar = _bar(self._stream)
        if self._bar is not None:
            self._bar.total, self._bar.n = event.cells, event.done
            self._bar.refresh()
            return
        step = _STEPS * event.done // max(event.cells, 1)
        if step != self._step:
            self._step = step
            self.say(f"cell {event.done} of {event.cells}")

    def _reports(self, event: Progress) -> None:
        words = f"{event.fraction:.0%} {shown(event.message)}".strip()
        if self._bar is not None:
            self._bar.set_postfix_str(words)
        else:
            self.say(words)


def standing(job: StatusInfo) -> str:
    """How a run stands, on one line."""
    words = f"{job.jobID} {word(job.status)}"
    if job.attempt > 1 and not job.status.ended:
        words += f", attempt {job.attempt}"
    if job.status is State.accepted and not job.message:
        return f"{words}: {job.parameters.get('notebook', '')} with {job.profile}"
    return f"{words}: {shown(job.message)}" if job.message else words


def word(state: State) -> str:
    """What people read of it, here as in the hub's pages."""
    return RUN_WORDS[state.value]


def failure(job: StatusInfo) -> str:
    """Why a run did not succeed: the cell and the traceback, where there are some."""
    told = job.failure
    if told is None:
        return shown(job.message)
    where = f"Cell {told.cell} of {told.cells} failed. " if told.cell and told.cells else ""
    return "\n".join(filter(None, [f"{where}{shown(told.message)}", shown(told.traceback or "")]))


def shown(text: str) -> str:
    """A text of a notebook without what would act on the terminal."""
    plain = _COLOURS.sub("", text).expandtabs(4).replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(printable(line, len(line)) for line in plain.split("\n"))


def _bar(stream: TextIO) -> Any:
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread beside
    form = "{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} cells, {elapsed}{postfix}"
    return tqdm(total=1, file=stream, leave=False, bar_format=form, dynamic_ncols=True)
