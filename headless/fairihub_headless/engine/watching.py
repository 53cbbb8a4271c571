"""Looks after followed runs on behalf of all who follow them: at their logs and at the store.

What this process does itself is told as it happens. This look is for what others do: the worker
writes the log, and another engine on the same database executes the run. One look serves
everybody, and there is none while nobody follows anything.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fairihub_headless.engine.changes import CellDone, Changes, Ended, Output, StateChanged
from fairihub_headless.store.listing import Listing, Standing

TICK = 0.25
"""Seconds between two looks."""
_STORE_EVERY = 6
"""Looks between two at the store."""


class Watch:
    """Tells `changes` what it would not hear otherwise.

    Args:
        log_of: where the log of a run is, if it is on this disk.
    """

    def __init__(self, listing: Listing, changes: Changes, log_of: Callable[[str], Path]) -> None:
        self._listing = listing
        self._changes = changes
        self._log_of = log_of
        self._turn = -1
        self._sizes: dict[str, int] = {}
        self._stood: dict[str, Standing] = {}

    async def look(self) -> None:
        """One look, as soon as anybody follows anything."""
        await self._changes.somebody()
        self._turn += 1
        await asyncio.to_thread(
            self._look, self._changes.followed(), self._turn % _STORE_EVERY == 0
        )

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
