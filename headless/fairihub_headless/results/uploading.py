"""Brings what runs left into their teams' buckets, one run after another, behind the runs."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from fairihub_core.clock import now
from fairihub_headless.folders import RunFolder
from fairihub_headless.results.bucket import Buckets, manifest_of
from fairihub_headless.store.runs import Store

log = logging.getLogger("fairihub.headless")

EVERY = 5.0
"""Seconds between two looks."""
_LOOKED_BACK = timedelta(days=1)
_OVERLAP = timedelta(minutes=5)
_MOST_TRIES = 5


@dataclass
class Uploading:
    """Looks for runs that have ended; what fails is tried again a few times."""

    store: Store
    buckets: Buckets
    root: Path
    _since: datetime | None = None
    _tries: Counter[str] = field(default_factory=Counter)
    _done: set[str] = field(default_factory=set)

    async def look(self) -> None:
        """Brings everything that has ended since the last look."""
        began = now()
        since = self._since or began - _LOOKED_BACK
        found = await asyncio.to_thread(self.store.keeping.ended_since, since)
        for run_id in found:
            if run_id not in self._done:
                await asyncio.to_thread(self._bring, run_id)
        self._done &= set(found)
        if not self._tries:
            self._since = began - _OVERLAP

    def _bring(self, run_id: str) -> None:
        run, folder = self.store.get(run_id), RunFolder.of(self.root, run_id)
        if run is None or run.expired is not None or manifest_of(folder).bucket:
            self._done.add(run_id)
            return
        try:
            self.buckets.put(run, folder)
        except Exception as problem:  # the border to S3
            self._tries[run_id] += 1
            if self._tries[run_id] < _MOST_TRIES:
                return
            kind = type(problem).__name__
            log.warning("run %s stays on the disk, its bucket takes nothing: %s", run_id, kind)
        del self._tries[run_id]
        self._done.add(run_id)
