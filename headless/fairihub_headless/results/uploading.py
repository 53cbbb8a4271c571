"""Brings what runs left into their teams' buckets, one run after another, behind the runs."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from fairihub_core.clock import now
from fairihub_headless.folders import RunFolder
from fairihub_headless.results.bucket import Buckets, manifest_of
from fairihub_headless.store.runs import Store

log = logging.getLogger("fairihub.headless")

EVERY = 5.0
"""Seconds between two looks."""
_LOOKED_BACK = timedelta(days=1)
_OVERLAP = timedelta(minutes=5)
_LONGEST_PAUSE = 3600.0


@dataclass
class Uploading:
    """Looks for runs that have ended; what fails is tried again for a day, ever more seldom.

    Args:
        pause: seconds until what failed is tried again for the first time.
    """

    store: Store
    buckets: Buckets
    root: Path
    pause: float = EVERY
    _since: datetime | None = None
    _again: dict[str, _RetryAt] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    async def look(self) -> None:
        """Brings everything that has ended since the last look."""
        began = now()
        since = self._since or began - _LOOKED_BACK
        found = await asyncio.to_thread(self.store.keeping.ended_since, since)
        for run_id in found:
            again = self._again.get(run_id)
            if run_id not in self._done and (again is None or again.at <= time.monotonic()):
                await asyncio.to_thread(self._bring, run_id)
        self._done &= set(found)
        if not self._again:
            self._since = began - _OVERLAP

    def _bring(self, run_id: str) -> None:
        run, folder = self.store.get(run_id), RunFolder.of(self.root, run_id)
        if run is None or run.expired is not None or manifest_of(folder).bucket:
            self._again.pop(run_id, None)
            self._done.add(run_id)
            return
        try:
            self.buckets.put(run, folder)
        except Exception as problem:  # the border to S3
            if now() < (run.finished or run.updated) + _LOOKED_BACK:
                before = self._again.get(run_id)
                pause = self.pause if before is None else min(2 * before.pause, _LONGEST_PAUSE)
                self._again[run_id] = _RetryAt(pause, time.monotonic() + pause)
                return
            kind = type(problem).__name__
            log.warning("run %s stays on the disk, its bucket takes nothing: %s", run_id, kind)
        self._again.pop(run_id, None)
        self._done.add(run_id)


class _RetryAt(NamedTuple):
    """When what failed is tried again."""

    pause: float
    at: float
