"""Whose turn it is: what costs much is done for each member in turn; nobody takes it all."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from fairihub_core.errors import TooMany

_TRIES = 60
_SECONDS = 600.0
_IN_LINE = 8


class Readings:
    """One reading of a member's notebook at a time, and so many in ten minutes.

    Those that are refused in the end count as well: they cost as much. Of one event loop.
    """

    def __init__(self, tries: int = _TRIES, clock: Callable[[], float] = time.monotonic) -> None:
        self._tries = tries
        self._clock = clock
        self._busy: set[str] = set()
        self._begun: dict[str, deque[float]] = {}

    def begin(self, login: str) -> None:
        """Begins one; `end` must follow.

        Raises:
            TooMany: `one-at-a-time`, `too-many-tries`.
        """
        if login in self._busy:
            raise TooMany(
                "one-at-a-time",
                "A notebook is being read for you already. Wait until that is done and try again.",
            )
        begun, now = self._begun.setdefault(login, deque()), self._clock()
        while begun and begun[0] <= now - _SECONDS:
            begun.popleft()
        if len(begun) >= self._tries:
            minutes = int((begun[0] + _SECONDS - now) // 60) + 1
            raise TooMany(
                "too-many-tries",
                f"{self._tries} notebooks were read for you within {_SECONDS / 60:.0f} minutes. "
                f"Try again in {minutes} min.",
            )
        begun.append(now)
        self._busy.add(login)

    def end(self, login: str) -> None:
        self._busy.discard(login)


@dataclass
class _Line:
    length: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Lines:
    """A line for each member: what they ask for is done one after the other. Of one event loop."""

    def __init__(self, most: int = _IN_LINE) -> None:
        self._most = most
        self._lines: dict[str, _Line] = {}

    @contextlib.asynccontextmanager
    async def turn(self, login: str) -> AsyncIterator[None]:
        """Waits for the member's turn.

        Raises:
            TooMany: `too-many-previews`, the member's line is full.
        """
        line = self._lines.setdefault(login, _Line())
        if line.length >= self._most:
            raise TooMany(
                "too-many-previews",
                f"{self._most} previews are being made for you already. Wait for one of them.",
            )
        line.length += 1
        try:
            async with line.lock:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[login]
