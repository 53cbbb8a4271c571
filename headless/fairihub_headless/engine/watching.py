"""Looks after followed runs on behalf of all who follow them: at their logs and at the store.

What this process does itself is told as it happens. This look is for what others do: the worker
writes the log, and another engine on the same database executes the run. One look serves
everybody, and there is none while nobody follows anything.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fairihub_headless.engine.changes import CellDone, Changes, Ended, Output, StateChanged
from fairihub_headless.store.listing import Listing, Standing

log = logging.getLogger("fairihub.headless")

_TICK = 0.25
_STORE_EVERY = 6
"""Ticks between two looks at the store."""


class Watch:
    """Tells `changes` what it would not hear otherwise.

    Args:
        log_of: where the log of a run is, if it is on this disk.
    """

    def __init__(
        self, listing: Listing, changes: Changes, log_of: Callable[[str], Path], tick: float = _TICK
    ) -> None:
        self._listing = listing
        self._changes = changes
        self._log_of = log_of
        self._tick = tick
        self._sizes: dict[str, int] = {}
        self._stood: dict[str, Standing] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        turn = 0
        while True:
            await self._changes.somebody()
            followed = self._changes.followed()
            try:
                await asyncio.to_thread(self._look, followed, turn % _STORE_EVERY == 0)
            except Exception:
                log.exception("followed runs could not be looked at")
            turn += 1
            await asyncio.sleep(self._tick)

    def _look(self, followed: tuple[str, ...], also_at_the_store: bool) -> None:
        self._sizes = {run: self._sizes.get(run, 0) for run in followed}
        self._stood = {run: self._stood[run] for run in followed if run in self._stood}
        for run in followed:
            with suppress(OSError):  # not begun, or on another disk
                size = os.stat(self._log_of(run), follow_symlinks=False).st_size
                if size != self._sizes[run]:
                    self._sizes[run] = size
                    self._changes.tell(run, Output(size))
        if also_at_the_store:
            for standing in self._listing.standing(followed):
                self._tell(standing, self._stood.get(standing.id))
                self._stood[standing.id] = standing

    def _tell(self, now: Standing, before: Standing | None) -> None:
        if now == before:
            return
        if now.state.ended:
            self._changes.tell(now.id, Ended(now.state))
            return
        if before is None or (now.state, now.attempt) != (before.state, before.attempt):
            self._changes.tell(now.id, StateChanged(now.state, now.message, now.attempt))
        if now.cells and (before is None or now.cell != before.cell):
            self._changes.tell(now.id, CellDone(now.cell, now.cells))
