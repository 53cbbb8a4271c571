"""The library: folders that are looked at every few seconds, and what was found there."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fairihub_catalog.index import Change, Index, Seen
from fairihub_catalog.models import Origin
from fairihub_catalog.reader import Reader
from fairihub_core.errors import FairihubError, Missing, TooLarge, Unavailable
from fairihub_core.findings import Finding
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES

_EVERY = 2.0
_MAX_FILES = 200_000
_MAX_DEPTH = 8
_AT_ONCE = 200
"""Files after which what was read so far is put into the index."""

log = logging.getLogger("fairihub.catalog")


@dataclass(frozen=True)
class Source:
    """A folder of notebooks, and the team that sees them (`public`: everyone signed in)."""

    key: str
    team: str
    folder: Path
    origin: Origin = "library"


class Library:
    """Keeps the index in step with the sources, in one thread.

    Args:
        sources: the sources at this moment; None while nobody can say which there are.
    """

    def __init__(self, index: Index, sources: Callable[[], tuple[Source, ...] | None]) -> None:
        self._index = index
        self._sources = sources
        self._reader = Reader()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="library", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._reader.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def folder_of(self, key: str) -> Path | None:
        """The folder of a source that is still one."""
        return next((s.folder for s in self._sources() or () if s.key == key), None)

    def look_again(self) -> None:
        """Has the sources looked at now, not only when it is time again."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            began = time.monotonic()
            try:
                self.scan()
            except Exception:
                log.exception("the library could not be scanned; trying again")
            # A large library on a slow disk must not keep a core busy.
            self._wake.wait(max(_EVERY, 10 * (time.monotonic() - began)))
            self._wake.clear()

    def scan(self) -> None:
        """Brings the index up to date: only files that changed are read."""
        sources = self._sources()
        if sources is None:
            return
        known = self._index.seen()
        self._index.forget_sources_but([s.key for s in sources])
        for source in sources:
            before = known.get(source.key, {})
            now = dict(files_of(source.folder))
            changed = [p for p, stamp in sorted(now.items()) if before.get(p) != stamp]
            gone = [p for p in before if p not in now]
            self._index.apply(source.key, [], gone)
            self._read(source, {p: now[p] for p in changed})

    def _read(self, source: Source, files: dict[str, Seen]) -> None:
        batch: list[Change] = []
        for path, stamp in files.items():
            if self._stopping:
                return
            change = self._change(source, path, stamp)
            if change is not None:
                batch.append(change)
            if len(batch) >= _AT_ONCE:
                self._index.apply(source.key, batch, [])
                batch = []
        self._index.apply(source.key, batch, [])

    def _change(self, source: Source, path: str, stamp: Seen) -> Change | None:
        """What has become of a file; None if it is gone meanwhile, or nobody can read now."""
        try:
            if stamp.size > MAX_NOTEBOOK_BYTES:
                most = f"{MAX_NOTEBOOK_BYTES / 2**20:.0f} MiB"
                raise TooLarge("too-large", f"It has {stamp.size / 2**20:.0f} MiB; {most} at most.")
            facts = self._reader.facts(source.folder, path)
        except (Missing, Unavailable):
            return None
        except FairihubError as error:
            log.warning("not in the catalogue: %s %r: %s", source.key, path[:200], error.message)
            finding = Finding(severity="error", code=error.code, message=error.message)
            return Change(source.team, source.origin, path, stamp, None, finding)
        return Change(source.team, source.origin, path, stamp, facts, None)


def files_of(folder: Path) -> Iterator[tuple[str, Seen]]:
    """The notebooks below `folder`, by path, with what tells that they changed.

    No link is followed, nothing hidden is entered, depth and number are bounded.
    """
    count = 0
    waiting = [("", 0)]
    while waiting:
        below, depth = waiting.pop()
        for entry in _entries(folder / below):
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.name.startswith(".") or not _is_text(path):
                continue
            if entry.is_dir(follow_symlinks=False) and depth < _MAX_DEPTH:
                waiting.append((path, depth + 1))
            elif entry.name.endswith(".ipynb") and entry.is_file(follow_symlinks=False):
                seen = _seen(entry)
                if seen is not None:
                    yield path, seen
                    count += 1
            if count >= _MAX_FILES:
                log.warning("more than %d notebooks in %s; the rest is left out", count, folder)
                return


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _seen(entry: os.DirEntry[str]) -> Seen | None:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return Seen(found.st_mtime_ns, found.st_size, found.st_ino)


def _is_text(path: str) -> bool:
    """Whether the name is UTF-8; others cannot be named in a URL or in JSON."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
