"""A run as it happens: by the service's events where they come through, else by asking.

A connection that breaks is made again where it broke. Where no events come through, as behind a
proxy that holds answers back, the run is asked how it stands every now and then.
"""

from __future__ import annotations

import codecs
import json
import time
from collections.abc import Iterator
from typing import Any

from fairihub_headless.client.errors import RunsError
from fairihub_headless.client.events import CellDone, Event, Output, Progress, StatusChanged
from fairihub_headless.client.models import State, StatusInfo
from fairihub_headless.client.sse import Message, messages
from fairihub_headless.client.transport import Transport, is_away

_SILENCE = 45.0
"""Seconds without a sign of life after which a connection is taken for lost."""
_FIRST_SILENCE = 10.0
"""The same before anything was heard: the first word comes at once, if any comes through."""
_SOON, _SOON_SILENCE = 60.0, 2.0
"""When so many seconds are left, a silence is over soon, so that the end comes when it should."""
_FRUITLESS = 3
"""So often in a row a connection ends soon and brings nothing; then the client asks instead."""
_SHORT = 1.5
_NO_EVENTS = frozenset({"no-such-address", "no-such-method", "too-many-followers"})
"""A service of before events, or one that gives no more of them to this person."""
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 3.0


def followed(transport: Transport, path: str, timeout: float | None) -> Iterator[Event]:
    """What happens to the job at `path`, until its end.

    Raises:
        RunsError: as the service refuses; `not-ended`; `hub-unreachable`.
    """
    following = _Following(transport, path, timeout)
    yield from following.by_events()
    if not following.ended:
        yield from following.by_asking()


class _Following:
    """One follower: what it knows of the job, and up to where it has read."""

    def __init__(self, transport: Transport, path: str, timeout: float | None) -> None:
        self._transport = transport
        self._path = path
        self._until = None if timeout is None else time.monotonic() + timeout
        self._timeout = timeout
        self._job: StatusInfo | None = None
        self._cells = (0, 0)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read = 0
        """So many bytes of the log have been told."""
        self._heard = False
        """Whether anything has ever come through."""
        self.ended = False
        """Whether all has been told, up to the end of the run."""

    def by_events(self) -> Iterator[Event]:
        """Ends with the run, or where events do not come through."""
        now = self._asked()
        if not now.status.ended:  # else that is told last, after what it has printed
            yield from self._stands(now)
        fruitless, pauses = 0, self._transport.pauses()
        while fruitless < _FRUITLESS:
            came, began, pause = False, time.monotonic(), None
            try:
                for event in self._one_connection():
                    came = True
                    yield event
            except RunsError as problem:
                if problem.code in _NO_EVENTS:
                    return
                self._check_time()
                pause = next(pauses, None)
                if pause is None or not is_away(problem):
                    raise
            if self.ended:
                return
            self._check_time()
            if came or time.monotonic() - began > _SHORT:
                fruitless, pauses = 0, self._transport.pauses()
            else:
                fruitless += 1 if self._heard else _FRUITLESS
            time.sleep(self._at_most(_FIRST_PAUSE if pause is None else pause))

    def _one_connection(self) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self._read)}
        soon = self._left() < _SOON
        longest = _SILENCE if self._heard else _FIRST_SILENCE
        silence = self._at_most(_SOON_SILENCE if soon else longest)
        with self._transport.opened(f"{self._path}/events", headers, silence) as answer:
            if answer.headers.get("Content-Type", "").partition(";")[0] != "text/event-stream":
                return
            for message in messages(self._in_time(answer.iter_bytes(), soon)):
                try:
                    yield from self._meant(message)
                except (ValueError, KeyError, TypeError):  # no event of this service
                    return
                self._heard = True
                if self.ended:
                    return

    def _in_time(self, chunks: Iterator[bytes], soon: bool) -> Iterator[bytes]:
        """The bytes as they come; ends where it is time to listen with less patience."""
        for chunk in chunks:
            yield chunk
            self._check_time()
            if not soon and self._left() < _SOON:
                return

    def _meant(self, message: Message) -> Iterator[Event]:
        """What a message says, in types; a kind that is not known says nothing."""
        told: Any = json.loads(message.data)
        if message.event == "end":
            job = StatusInfo.model_validate(told)
            yield from self._done(job.cell, job.cells)
            yield from self._stands(job)
            self.ended = True
        elif message.event == "state" and self._job is not None:
            if not State(told["status"]).ended:  # with the end, all that is left of the log comes
                yield from self._stands(self._job.model_copy(update={
                    **told, "status": State(told["status"])}))  # fmt: skip
        elif message.event == "cell":
            yield from self._done(told["cell"], told["cells"])
        elif message.event == "progress":
            yield Progress(told["fraction"], told.get("message", ""))
        elif message.event == "output":
            self._read = int(message.id or 0)
            yield Output(told["text"])
        elif message.event == "refused":
            raise RunsError(told["code"], told["message"])

    def by_asking(self) -> Iterator[Event]:
        """The same by asking how it stands, again and again."""
        pause = _FIRST_PAUSE
        while not self.ended:
            job = self._asked()
            yield from self._done(job.cell, job.cells)
            yield from self._printed()
            changed = list(self._stands(job))
            yield from changed
            self.ended = job.status.ended
            if not self.ended:
                self._check_time()
                pause = _FIRST_PAUSE if changed else min(1.3 * pause, _LONGEST_PAUSE)
                time.sleep(self._at_most(pause))

    def _asked(self) -> StatusInfo:
        return self._transport.told(StatusInfo, "GET", self._path)

    def _stands(self, job: StatusInfo) -> Iterator[Event]:
        before, self._job = self._job, job
        if before is not None and before.attempt != job.attempt:
            self._cells = (0, 0)
        if before is None or _standing(before) != _standing(job):
            yield StatusChanged(job)

    def _done(self, cell: int, cells: int) -> Iterator[Event]:
        """The cell, unless it is known: what a new connection tells first may be a moment old."""
        if cells != self._cells[1] or cell > self._cells[0]:
            self._cells = cell, cells
            yield CellDone(cell, cells)

    def _printed(self) -> Iterator[Event]:
        """What has come to the log since the last time."""
        headers = {"Accept": "*/*", "Range": f"bytes={self._read}-"}
        with self._transport.opened(f"{self._path}/logs", headers) as answer:
            content = b"" if answer.status_code == 416 else answer.read()
            new = content if answer.status_code == 206 else content[self._read :]
        if new:
            self._read += len(new)
            yield Output(self._decoder.decode(new))

    def _at_most(self, seconds: float) -> float:
        return max(0.05, min(seconds, self._left()))

    def _left(self) -> float:
        return float("inf") if self._until is None else self._until - time.monotonic()

    def _check_time(self) -> None:
        if self._left() < 0:
            raise RunsError("not-ended", f"The run has not ended within {self._timeout:g} s.")


def _standing(job: StatusInfo) -> tuple[Any, ...]:
    return job.status, job.message, job.attempt
