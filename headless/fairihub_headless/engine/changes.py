"""What happens to runs, told to those who follow them: within this process, and never kept.

The store remembers; this only spares everybody from asking it. So whoever follows a run begins to
listen first and looks at the store next, and misses nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from fairihub_headless.models import RunState

_MOST_REMEMBERED = 1000


@dataclass(frozen=True)
class StateChanged:
    """The run stands otherwise, but has not ended: it began, or waits again for a retry."""

    state: RunState
    message: str = ""
    attempt: int = 0


@dataclass(frozen=True)
class CellDone:
    """So many cells of the notebook are done."""

    done: int
    cells: int


@dataclass(frozen=True)
class Progress:
    """What the notebook itself reports; its message is masked already."""

    fraction: float
    message: str = ""


@dataclass(frozen=True)
class Output:
    """The log of the run has so many bytes by now."""

    position: int


@dataclass(frozen=True)
class Ended:
    """The run has come to its end state, which the store holds already. Nothing follows."""

    state: RunState


Event = StateChanged | CellDone | Progress | Output | Ended


class Told:
    """What one follower has been told and has not taken yet: the latest of each kind.

    So a slow follower loses what lay between, never the last word, and holds five events at most.
    """

    def __init__(self) -> None:
        self._waiting: dict[type[Event], Event] = {}
        self._some = asyncio.Event()

    async def next(self, seconds: float | None = None) -> list[Event]:
        """The events since the last time, in their order; none if there are none for so long."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._some.wait(), seconds)
        return self.taken()

    def taken(self) -> list[Event]:
        """The events since the last time, without waiting."""
        found = list(self._waiting.values())
        self._waiting.clear()
        self._some.clear()
        return found

    async def end(self, seconds: float) -> bool:
        """Whether the run ended within so many seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            if any(isinstance(event, Ended) for event in await self.next(left)):
                return True
        return False

    def wake(self) -> None:
        """Ends the wait for the next event, though there is none."""
        self._some.set()

    def put(self, event: Event) -> None:
        if Ended not in self._waiting:
            self._waiting.pop(type(event), None)  # the latest goes to the end of the line
            self._waiting[type(event)] = event
            self._some.set()


class Changes:
    """Who follows which run of this process's followers, and how they hear of it."""

    def __init__(self) -> None:
        self._followers: dict[str, set[Told]] = {}
        self._reported: dict[str, Progress] = {}
        self._some = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def tell(self, run_id: str, event: Event) -> None:
        """Tells all who follow the run; from any thread, and at no cost if nobody does.

        What the store keeps is written there before it is told here.
        """
        self._remember(run_id, event)
        if run_id not in self._followers or self._loop is None:
            return
        if threading.get_ident() == self._thread:
            self._deliver(run_id, event)
        else:
            with suppress(RuntimeError):  # the loop has closed, and with it all who followed
                self._loop.call_soon_threadsafe(self._deliver, run_id, event)

    @contextmanager
    def listening(self, run_id: str) -> Iterator[Told]:
        """Follows a run for as long as the block lasts."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        told = Told()
        self._followers.setdefault(run_id, set()).add(told)
        self._some.set()
        try:
            yield told
        finally:
            followers = self._followers[run_id]
            followers.discard(told)
            if not followers:
                del self._followers[run_id]
            if not self._followers:
                self._some.clear()

    async def somebody(self) -> None:
        """Returns as soon as anybody follows anything."""
        await self._some.wait()

    def followed(self) -> tuple[str, ...]:
        """The runs that somebody follows at this moment."""
        return tuple(self._followers)

    def reported(self, run_id: str) -> Progress | None:
        """What a running notebook reported last, for those who begin to follow it."""
        return self._reported.get(run_id)

    def _remember(self, run_id: str, event: Event) -> None:
        if isinstance(event, Progress):
            self._reported.pop(run_id, None)
            self._reported[run_id] = event
            while len(self._reported) > _MOST_REMEMBERED:
                with suppress(KeyError, RuntimeError):
                    del self._reported[next(iter(self._reported))]
        elif isinstance(event, Ended | StateChanged):
            self._reported.pop(run_id, None)

    def _deliver(self, run_id: str, event: Event) -> None:
        for told in self._followers.get(run_id, ()):
            told.put(event)
