"""Audit entries on their way to a place that may be slow or away: whoever puts one never waits."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from fairihub_core import clock
from fairihub_core.audit import Entry
from fairihub_core.logins import printable

BOUND = 4096
AT_ONCE = 100
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
TICK = 5.0

log = logging.getLogger("fairihub.audit")


class Undeliverable(Exception):
    """These entries will never be taken; to try again would hold up all that follow."""


class Outbox:
    """Sends entries in their order, from a thread of its own; kept and tried again on failure.

    Args:
        name: what the place is called, in the log.
        send: takes some entries there, and may block. An exception means that it took none;
            `Undeliverable`, that it never will.
        bound: how many may wait. Beyond it the oldest are lost, and an entry says how many.
        at_once: how many `send` is given at most, beside the entry about lost ones.
        tick: called every few seconds in the same thread.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[Sequence[Entry]], None],
        *,
        bound: int = BOUND,
        at_once: int = AT_ONCE,
        tick: Callable[[], None] | None = None,
    ) -> None:
        self._name, self._send, self._tick = name, send, tick
        self._bound, self._at_once = bound, at_once
        self._waiting: deque[Entry] = deque()
        self._lost = 0
        self._pause = 0.0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"outbox-{name}", daemon=True)
        self._thread.start()

    def put(self, entry: Entry) -> None:
        """Takes the entry and returns at once, from any thread."""
        with self._changed:
            self._waiting.append(entry)
            self._within_bound()
            self._changed.notify()

    def close(self, limit: float = 5.0) -> bool:
        """Tries once more to send what waits; whether all of it went, within `limit` seconds."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(limit)
        return not self._thread.is_alive() and not self._waiting

    def _work(self) -> None:
        ticked = time.monotonic()
        while True:
            batch, lost = self._next()
            if batch and not self._sent(batch, lost) and self._closing.is_set():
                return
            if not batch and self._closing.is_set():
                return
            if self._tick is not None and time.monotonic() - ticked >= TICK:
                ticked = time.monotonic()
                self._tick()

    def _next(self) -> tuple[list[Entry], int]:
        """What to send now, and how many were lost before it; nothing after a while without any."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set(), TICK)
            batch = [self._waiting.popleft() for _ in range(min(self._at_once, len(self._waiting)))]
            lost, self._lost = (self._lost, 0) if batch else (0, self._lost)
        return batch, lost

    def _sent(self, batch: Sequence[Entry], lost: int) -> bool:
        try:
            self._send([*_about(lost, self._name), *batch])
        except Undeliverable as problem:
            log.error("%s: %d entries are refused for good: %s", self._name, len(batch), problem)
        except Exception as problem:  # whatever is wrong there, sign-in goes on here
            self._again(batch, lost, problem)
            return False
        if self._pause:
            log.info("%s: goes on", self._name)
            self._pause = 0.0
        return True

    def _again(self, batch: Sequence[Entry], lost: int, problem: Exception) -> None:
        if not self._pause:
            log.warning("%s: entries have to wait: %s", self._name, printable(str(problem), 300))
        with self._changed:
            self._waiting.extendleft(reversed(batch))
            self._lost += lost
            self._within_bound()
        self._pause = min(self._pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        self._closing.wait(self._pause)

    def _within_bound(self) -> None:
        while len(self._waiting) > self._bound:
            self._waiting.popleft()
            self._lost += 1


def _about(lost: int, name: str) -> tuple[Entry, ...]:
    if not lost:
        return ()
    detail = f"{lost:,} entries came too fast, or while this log was away, and are lost."
    return (Entry(at=clock.now(), action="entries-lost", by=name, detail=detail),)
