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
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from fairihub_core.clock import now
from fairihub_core.files import write_whole
from fairihub_headless.folders import REPORTS, RUNS, place_of
from fairihub_headless.results.retention import due
from fairihub_headless.settings import Rules
from fairihub_headless.store.keeping import Keeping

log = logging.getLogger("fairihub.headless")

LAST = "last-run"
"""Holds the id of the run that was accepted last before a pass, which the right database knows."""
EVERY = 3600.0
"""Seconds between two passes."""
LOOKS = 15.0
"""Seconds between two looks for runs that have ended, which may make others too many."""
_OVERLAP = timedelta(minutes=1)
_PAUSE = 0.05
_ORPHAN_AGE = 24 * 3600.0
_UNTOUCHED = 3600.0
_MOST_UNKNOWN = 20


@dataclass
class Tidying:
    """Looks after the folders of runs, one small step after another, off the event loop.

    Args:
        root: the folder of the service; runs lie in `runs`, their reports in `reports`.
        untouched: seconds after the start in which nothing goes that no record knows of: time to
            see that the database is the wrong one, or an old one.
        forget: removes what lies elsewhere of a run whose folder is about to go. While it says
            that it could not, the folder stays, since only it says what lies there.
    """

    keeping: Keeping
    root: Path
    rules: Rules
    orphan_age: float = _ORPHAN_AGE
    untouched: float = _UNTOUCHED
    forget: Callable[[str], bool] | None = None
    _looked: datetime = field(default_factory=now)
    _begun: float = field(default_factory=time.monotonic)

    async def make_room(self) -> None:
        """Removes what has become too much by the runs that have ended since the last look."""
        since, self._looked = self._looked, now()
        most = self.rules.per_team
        if most is not None:
            await self._expire(
                await asyncio.to_thread(self.keeping.too_many, since - _OVERLAP, most)
            )

    async def _expire_due(self) -> int:
        return await self._expire(
            await asyncio.to_thread(lambda: due(self.keeping.ended(), self.rules, now()))
        )

    async def _expire(self, found: list[str]) -> int:
        removed = 0
        for run_id in found:
            removed += await asyncio.to_thread(self.expire, run_id)
            await asyncio.sleep(_PAUSE)
        return removed

    async def tidy(self) -> int:
        """One pass; how many folders it removed."""
        removed = await self._expire_due()
        is_right = await asyncio.to_thread(self._is_right_database)
        known, unknown = 0, set[str]()
        for place in (RUNS, REPORTS):
            for folder in await asyncio.to_thread(_folders, self.root / place):
                swept = await asyncio.to_thread(self._sweep, folder)
                removed, known = removed + swept.removed, known + swept.known
                unknown |= swept.unknown
                await asyncio.sleep(_PAUSE)
        return removed + (await self._remove_unknown(unknown, known) if is_right else 0)

    def _is_right_database(self) -> bool:
        """Whether it still knows the run that was the last one before: no other does. Blocks."""
        file = self.root / LAST
        try:
            last = file.read_text("ascii").strip()
        except FileNotFoundError:
            last = ""
        if last and last not in self.keeping.standing([last]):
            log.error(
                "the database does not know run %s, as it did before: it is another one, or an "
                "older copy. No folder without a record is removed until %s is.", last, file,
            )  # fmt: skip
            return False
        newest = self.keeping.newest()
        if newest is not None and newest != last:
            with contextlib.suppress(OSError):  # a full disk is why there is tidying
                write_whole(file, newest.encode())
        return True

    async def _remove_unknown(self, unknown: set[str], known: int) -> int:
        """Removes a few of what no record knows of, unless it looks like the wrong database."""
        if len(unknown) > max(known, _MOST_UNKNOWN):
            log.error(
                "%d of the folders of runs are not known to the database, which knows %d: "
                "nothing of them is removed. Is it the right one?", len(unknown), known,
            )  # fmt: skip
            return 0
        if time.monotonic() < self._begun + self.untouched:
            return 0
        few = sorted(unknown)[:_MOST_UNKNOWN]
        for run_id in few:
            log.info("removed what was left of run %s, which nobody knows", run_id)
            await asyncio.to_thread(self._remove, run_id)
            await asyncio.sleep(_PAUSE)
        return len(few)

    def expire(self, run_id: str) -> bool:
        """Removes what one run left, unless it was pinned meanwhile. Blocks."""
        if not self.keeping.expire(run_id):
            return False
        self._remove(run_id)
        return True

    def _remove(self, run_id: str) -> None:
        if self.forget is not None and not self.forget(run_id):
            return
        for kind in (RUNS, REPORTS):
            remove(place_of(self.root / kind, run_id))

    def _sweep(self, folder: Path) -> _Swept:
        """Removes what has expired; says what has been without a record for a day. Blocks."""
        names = [name for name in _names(folder) if _is_run(name)]
        known = self.keeping.standing(names)
        gone = [name for name in names if known.get(name)]
        for name in gone:
            log.info("removed what was left of run %s", name)
            self._remove(name)
        unknown = {
            name for name in names if name not in known and _age(folder / name) > self.orphan_age
        }
        return _Swept(len(gone), len(known), unknown)


class _Swept(NamedTuple):
    """What was found in one folder of runs."""

    removed: int
    known: int
    unknown: set[str]


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
