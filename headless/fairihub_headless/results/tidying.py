"""Makes room: removes what runs left when its time has come, and what nobody knows any more.

A run is noted as expired before anything of it goes, so that a service that dies in between never
shows half of it; what is left then is removed by the next pass.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fairihub_core.clock import now
from fairihub_headless.folders import REPORTS, RUNS, place_of
from fairihub_headless.results.retention import due
from fairihub_headless.settings import Rules
from fairihub_headless.store.keeping import Keeping

log = logging.getLogger("fairihub.headless")

_EVERY = 3600.0
_PAUSE = 0.05
_ORPHAN_AGE = 24 * 3600.0


@dataclass
class Tidying:
    """Looks after the folders of runs, one small step after another, off the event loop.

    Args:
        root: the folder of the service; runs lie in `runs`, their reports in `reports`.
        before: is told of a run whose folder is about to go, to remove what lies elsewhere.
    """

    keeping: Keeping
    root: Path
    rules: Rules
    every: float = _EVERY
    orphan_age: float = _ORPHAN_AGE
    before: Callable[[str], None] | None = None
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._tidy_on())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _tidy_on(self) -> None:
        while True:
            try:
                await self.tidy()
            except Exception:
                log.exception("runs could not be tidied; that is tried again")
            await asyncio.sleep(self.every)

    async def tidy(self) -> int:
        """One pass; how many folders it removed."""
        found = await asyncio.to_thread(lambda: due(self.keeping.ended(), self.rules, now()))
        removed = 0
        for run_id in found:
            removed += await asyncio.to_thread(self.expire, run_id)
            await asyncio.sleep(_PAUSE)
        for place in (RUNS, REPORTS):
            for folder in await asyncio.to_thread(_folders, self.root / place):
                removed += await asyncio.to_thread(self._sweep, folder)
                await asyncio.sleep(_PAUSE)
        return removed

    def expire(self, run_id: str) -> bool:
        """Removes what one run left, unless it was pinned meanwhile. Blocks."""
        if not self.keeping.expire(run_id):
            return False
        self._remove(run_id)
        return True

    def _remove(self, run_id: str) -> None:
        if self.before is not None:
            self.before(run_id)
        for kind in (RUNS, REPORTS):
            remove(place_of(self.root / kind, run_id))

    def _sweep(self, folder: Path) -> int:
        """Removes what has expired, or has been without a record for a day. Blocks."""
        names = [name for name in _names(folder) if _is_run(name)]
        known = self.keeping.standing(names)
        removed = 0
        for name in names:
            gone = known.get(name)
            if gone or (gone is None and _age(folder / name) > self.orphan_age):
                log.info("removed what was left of run %s", name)
                self._remove(name)
                removed += 1
        return removed


def remove(folder: Path) -> None:
    """Removes a folder with all that is in it; no link is followed."""
    if folder.is_symlink() or not folder.is_dir():
        with contextlib.suppress(OSError):
            folder.unlink()
        return
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        _open_up(folder)
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        log.warning("%s cannot be removed as a whole", folder)


def _open_up(folder: Path) -> None:
    """A notebook can take rights away from its own folders."""
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        with contextlib.suppress(OSError):
            place.chmod(0o700)
            with os.scandir(place) as entries:
                waiting += [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False)]


def _folders(root: Path) -> list[Path]:
    return [root / name for name in sorted(_names(root)) if (root / name).is_dir()]


def _names(folder: Path) -> Iterator[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from [entry.name for entry in entries]


def _is_run(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0
