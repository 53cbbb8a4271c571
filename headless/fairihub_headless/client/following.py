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
from fairihub_headless.client.models import JobStatus
from fairihub_headless.client.sse import Message, messages
from fairihub_headless.client.transport import Transport, is_away

_SILENCE = 45.0
"""Seconds without a sign of life after which a connection is taken for lost."""
_FRUITLESS = 3
"""So often in a row a connection ends without an event; then the client asks instead."""
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
        self._job: JobStatus | None = None
        self._last_id: str | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read = 0
        """So many bytes of the log have been told."""

    @property
    def ended(self) -> bool:
        return self._job is not None and self._job.status.ended

    def by_events(self) -> Iterator[Event]:
        """Ends with the run, or where events do not come through."""
        fruitless, pauses = 0, self._transport.pauses()
        while not self.ended and fruitless < _FRUITLESS:
            came = False
            try:
                for event in self._one_connection():
                    came = True
                    yield event
                    self._check_time()
            except RunsError as problem:
                if problem.code in ("no-such-address", "no-such-method"):
                    return  # a service of before events
                if not is_away(problem):
                    raise
                pause = next(pauses, None)
                if pause is None:
                    raise
                self._check_time()
                time.sleep(pause)
            if came:
                pauses = self._transport.pauses()
            fruitless = 0 if came else fruitless + 1

    def _one_connection(self) -> Iterator[Event]:
        resumed = {"Last-Event-ID": self._last_id} if self._last_id else {}
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store", **resumed}
        with self._transport.opened(f"{self._path}/events", headers, self._silence()) as answer:
            if answer.headers.get("Content-Type", "").partition(";")[0] != "text/event-stream":
                return
            for message in messages(answer.iter_raw()):
                self._last_id = message.id
                yield from self._meant(message)
                if self.ended:
                    return

    def _meant(self, message: Message) -> Iterator[Event]:
        """What a message says, in types."""
        told: Any = json.loads(message.data)
        if message.event == "status":
            yield from self._stands(JobStatus.model_validate(told))
        elif message.event == "cell":
            yield CellDone(told["done"], told["cells"])
        elif message.event == "progress":
            yield Progress(told["fraction"], told.get("message", ""))
        elif message.event == "output":
            self._read = told["position"]
            yield Output(told["text"])

    def by_asking(self) -> Iterator[Event]:
        """The same by asking how it stands, again and again."""
        pause = _FIRST_PAUSE
        while not self.ended:
            before = self._job
            job = JobStatus.model_validate(self._transport.ask("GET", self._path).json())
            cells_before = before.cell if before else 0
            if (job.cell, job.cells) != (cells_before, before.cells if before else 0):
                yield CellDone(job.cell, job.cells)
            yield from self._printed()
            changed = list(self._stands(job))
            yield from changed
            self._check_time()
            pause = _FIRST_PAUSE if changed else min(1.3 * pause, _LONGEST_PAUSE)
            if not self.ended:
                time.sleep(self._at_most(pause))

    def _stands(self, job: JobStatus) -> Iterator[Event]:
        before, self._job = self._job, job
        if before is None or _standing(before) != _standing(job):
            yield StatusChanged(job)

    def _printed(self) -> Iterator[Event]:
        """What has come to the log since the last time."""
        headers = {"Accept": "*/*", "Range": f"bytes={self._read}-"}
        with self._transport.opened(f"{self._path}/logs", headers) as answer:
            content = b"" if answer.status_code == 416 else answer.read()
            new = content if answer.status_code == 206 else content[self._read :]
        if new:
            self._read += len(new)
            yield Output(self._decoder.decode(new))

    def _silence(self) -> float:
        return self._at_most(_SILENCE)

    def _at_most(self, seconds: float) -> float:
        left = seconds if self._until is None else self._until - time.monotonic()
        return max(0.05, min(seconds, left))

    def _check_time(self) -> None:
        if self._until is not None and time.monotonic() > self._until and not self.ended:
            raise RunsError("not-ended", f"The run has not ended within {self._timeout:g} s.")


def _standing(job: JobStatus) -> tuple[Any, ...]:
    return job.status, job.message, job.attempt
