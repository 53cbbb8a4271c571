"""Work that is done again and again beside all else, on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fairihub_core.errors import Unavailable


class Periodically:
    """Does `work` from `start` to `stop`, with pauses; a trouble is told, and never ends it.

    Args:
        every: seconds of a pause.
        trouble: what is said of a work that failed.
        log: where it is said.
    """

    def __init__(
        self,
        work: Callable[[], Awaitable[object]],
        every: float,
        trouble: str,
        log: logging.Logger,
    ) -> None:
        self._work = work
        self._every = every
        self._trouble = trouble
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Does it for the first time at once; it may be called only where a loop runs."""
        self._task = asyncio.create_task(self._go_on())

    def stop(self) -> None:
        """Ends it, also in the middle of its work; it may not have been started."""
        if self._task is not None:
            self._task.cancel()

    async def _go_on(self) -> None:
        while True:
            try:
                await self._work()
            except Unavailable as problem:
                self._log.warning("%s; that is tried again: %s", self._trouble, problem.message)
            except Exception:
                self._log.exception("%s; that is tried again", self._trouble)
            await asyncio.sleep(self._every)
