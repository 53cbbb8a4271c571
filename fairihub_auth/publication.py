"""The numbered snapshots that the hub goes by, and that services wait for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from fairihub_auth.merging import changes
from fairihub_core import clock
from fairihub_core.logins import printable
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import TeamDirectory

MAX_LOGGED = 600

Told = Callable[[Snapshot, Snapshot], object]
"""Hears of a change: the snapshot before it, and the one after."""

log = logging.getLogger("fairihub.teams")


class Publication:
    """Who may come in at this moment, as one numbered snapshot after the other.

    Safe to use from any thread.
    """

    def __init__(self) -> None:
        self._snapshot = Snapshot(number=0, taken=clock.now())
        self._listeners: list[Told] = []
        self._untold: deque[tuple[Snapshot, Snapshot]] = deque()
        self._telling = False
        self._putting = threading.RLock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._lock = threading.Lock()

    def snapshot(self) -> Snapshot:
        """The last snapshot; a reference, from memory. Number 0 means that none was put yet."""
        return self._snapshot

    def subscribe(self, told: Told) -> None:
        """Calls `told` with each change from now on, in the thread that put it.

        Every listener hears of the changes in their order, also of those that a listener makes.
        """
        with self._putting:
            self._listeners.append(told)

    def put(self, directory: TeamDirectory, files: tuple[FileReport, ...]) -> None:
        """Makes this what counts; a new number only if something has changed.

        Blocks while listeners hear of it: not for an event loop.
        """
        with self._putting:
            before = self._snapshot
            if before.number and directory == before.directory and files == before.files:
                return
            # Numbers begin with the time, so that they grow over restarts too.
            number = before.number + 1 if before.number else time.time_ns() // 1_000_000
            after = Snapshot(number=number, taken=clock.now(), directory=directory, files=files)
            self._snapshot = after
            self._wake()
            self._untold.append((before, after))
            self._tell()

    async def wait_newer(self, after: int, timeout: float) -> Snapshot | None:
        """The snapshot, as soon as its number is another than `after`; None after `timeout` s.

        Another, not only a greater one: whoever remembers a number of a hub whose clock was
        wrong must not wait for it to come round again.
        """
        woken = asyncio.Event()
        waiter = (asyncio.get_running_loop(), woken)
        with self._lock:
            self._waiting.add(waiter)
        try:
            if self._snapshot.number == after:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(woken.wait(), timeout)
        finally:
            with self._lock:
                self._waiting.discard(waiter)
        snapshot = self._snapshot
        return snapshot if snapshot.number != after else None

    def _wake(self) -> None:
        with self._lock:
            waiting = tuple(self._waiting)
        for loop, woken in waiting:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits any more
                loop.call_soon_threadsafe(woken.set)

    def _tell(self) -> None:
        if self._telling:  # a listener has put this: it is told once the others know of the last
            return
        self._telling = True
        try:
            while self._untold:
                before, after = self._untold.popleft()
                _log(before, after)
                for listener in tuple(self._listeners):
                    self._tell_one(listener, before, after)
        finally:
            self._telling = False

    def _tell_one(self, listener: Told, before: Snapshot, after: Snapshot) -> None:
        try:
            listener(before, after)
        except Exception:  # what one makes of it is no matter of the others
            log.exception("A change of the teams could not be followed up")


def _log(before: Snapshot, after: Snapshot) -> None:
    for wants_attention, line in changes(before, after):
        log.log(
            logging.WARNING if wants_attention else logging.INFO,
            "%s",
            printable(line, MAX_LOGGED),
        )
