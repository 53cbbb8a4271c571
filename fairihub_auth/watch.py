"""Follows the team files of a source and publishes each state as a numbered snapshot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path

from pydantic import ValidationError

from fairihub_auth.merging import changes, merged, unlisted
from fairihub_auth.sources import Source
from fairihub_core import clock
from fairihub_core.customer import Reading, read_customer
from fairihub_core.errors import FairihubError
from fairihub_core.files import write_whole
from fairihub_core.findings import Finding
from fairihub_core.logins import printable
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import TeamDirectory

POLL_SECONDS = 1.0
SETTLE_SECONDS = 0.2
SETTLE_ROUNDS = 8
MAX_LOGGED = 600

log = logging.getLogger("fairihub.teams")


class TeamWatch:
    """The teams of this moment, as the source describes them.

    Args:
        source: where the team files are.
        published: called with each new snapshot, in the thread that read it.
        kept: a file for the last snapshot, so that the last good state of a broken file
            outlives a restart of the hub; None keeps it in memory only.
    """

    def __init__(
        self,
        source: Source,
        published: Callable[[Snapshot], None] | None = None,
        kept: Path | None = None,
    ) -> None:
        self._source = source
        self._published = published
        self._kept = kept
        self._stamps: Mapping[str, Hashable] = {}
        self._listed = False
        self._numbered = False
        self._readings: dict[str, Reading] = {}
        self._snapshot = Snapshot(number=0, taken=clock.now())
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="team-watch", daemon=True)

    def start(self) -> None:
        """Reads everything once, so that nobody is refused for want of a first snapshot."""
        self._snapshot = _remembered(self._kept)
        self._look()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)

    def snapshot(self) -> Snapshot:
        """The last snapshot; a reference, from memory."""
        return self._snapshot

    async def wait_newer(self, after: int, timeout: float) -> Snapshot | None:
        """The snapshot, as soon as its number is another than `after`; None after `timeout` s.

        Another, not only a greater one: whoever remembers a number of a hub whose clock was
        wrong must not wait for it to come round again.
        """
        woken = asyncio.Event()
        waiter = (asyncio.get_running_loop(), woken)
        with self._lock:
            self._waiting.add(waiter)
        try:
            if self._snapshot.number == after:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(woken.wait(), timeout)
        finally:
            with self._lock:
                self._waiting.discard(waiter)
        snapshot = self._snapshot
        return snapshot if snapshot.number != after else None

    def _follow(self) -> None:
        defect = ""
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self._look()
                defect = ""
            except Exception as problem:  # a defect here must not freeze who may come in
                if repr(problem) != defect:
                    log.exception("The team files could not be followed; trying again")
                defect = repr(problem)

    def _look(self) -> None:
        """Publishes what has changed since the last look, if anything has."""
        try:
            stamps = self._settled()
        except FairihubError as problem:
            self._listed = False
            files = unlisted(self._snapshot.files, self._source.name, _finding(problem))
            self._publish(self._snapshot.directory, files)
            return
        if self._listed and stamps == self._stamps:
            return
        self._readings = {
            name: self._readings[name] if self._stamps.get(name) == stamp else self._read(name)
            for name, stamp in stamps.items()
        }
        self._stamps, self._listed = stamps, True
        self._publish(*merged(self._snapshot, list(self._readings.values())))

    def _settled(self) -> Mapping[str, Hashable]:
        """The stamps, once they stay the same for a moment.

        An editor that replaces a file removes it first, and a copy is written piece by piece:
        neither half-way state is what anybody meant.
        """
        seen = self._source.stamps()
        for _ in range(SETTLE_ROUNDS):
            if seen == self._stamps or self._stopping.wait(SETTLE_SECONDS):
                break
            before, seen = seen, self._source.stamps()
            if seen == before:
                break
        return seen

    def _read(self, name: str) -> Reading:
        try:
            text = self._source.read(name)
        except FairihubError as problem:
            return Reading(path=name, findings=(_finding(problem),))
        return read_customer(text, name)

    def _publish(self, directory: TeamDirectory, files: tuple[FileReport, ...]) -> None:
        before = self._snapshot
        if before.number and directory.teams == before.directory.teams and files == before.files:
            return
        # Numbers begin with the time, so that they grow over restarts too.
        number = max(before.number + 1, 0 if self._numbered else time.time_ns() // 1_000_000)
        self._numbered = True
        snapshot = Snapshot(number=number, taken=clock.now(), directory=directory, files=files)
        _remember(snapshot, self._kept)
        self._snapshot = snapshot
        for wants_attention, line in changes(before, snapshot):
            log.log(
                logging.WARNING if wants_attention else logging.INFO,
                "%s",
                printable(line, MAX_LOGGED),
            )
        with self._lock:
            waiting = tuple(self._waiting)
        for loop, woken in waiting:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits any more
                loop.call_soon_threadsafe(woken.set)
        if self._published is not None:
            self._published(snapshot)


def _finding(problem: FairihubError) -> Finding:
    return Finding(severity="error", code=problem.code, message=problem.message)


def _remembered(kept: Path | None) -> Snapshot:
    nothing = Snapshot(number=0, taken=clock.now())
    if kept is None:
        return nothing
    try:
        return Snapshot.model_validate_json(kept.read_bytes())
    except FileNotFoundError:
        return nothing
    except (OSError, ValidationError):
        log.warning("The last snapshot in %s cannot be read; only the team files count", kept)
        return nothing


def _remember(snapshot: Snapshot, kept: Path | None) -> None:
    if kept is None:
        return
    try:
        write_whole(kept, snapshot.model_dump_json().encode())
    except OSError as problem:
        log.warning("The snapshot could not be kept in %s: %s", kept, problem.strerror)
