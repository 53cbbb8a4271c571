"""Follows the team files of all sources and says what stands each time they change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from fairihub_auth.following import Follower
from fairihub_auth.merging import merged
from fairihub_auth.sources import Source
from fairihub_core import clock
from fairihub_core.errors import BadInput
from fairihub_core.files import write_whole
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Team

POLL_SECONDS = 1.0

Changed = Callable[[tuple[Team, ...], tuple[FileReport, ...]], None]

log = logging.getLogger("fairihub.teams")


class TeamWatch:
    """The teams as their files describe them, whatever source they come from.

    Each source is followed in a thread of its own, so that one that hangs holds up no other.

    Args:
        sources: where the team files are, in the order of the teams; each has another name.
        changed: called with all teams and a report of each file, first in `start` and then in a
            thread of the watch; never twice at a time, and called again as long as it fails.
        kept: a file for the last state, so that the last good state of a broken file, or of a
            source that is away, outlives a restart of the hub; None keeps it in memory only.
    """

    def __init__(
        self, sources: Sequence[Source], changed: Changed, kept: Path | None = None
    ) -> None:
        names = [source.name for source in sources]
        if len(set(names)) < len(names):
            raise BadInput("same-source", f"Two sources of team files are one: {', '.join(names)}.")
        self._changed = changed
        self._kept = kept
        self._state = Snapshot(number=0, taken=clock.now())
        self._told = False
        self._telling = threading.Lock()
        self._stopping = threading.Event()
        self._followers = [Follower(source, self._stopping) for source in sources]
        self._threads = {
            f.source.name: _Thread(target=self._follow, args=(f,)) for f in self._followers
        }

    def start(self) -> None:
        """Reads everything once, so that nobody is refused for want of a first snapshot."""
        self._state = _remembered(self._kept)
        for follower in self._followers:
            follower.source.start(self._threads[follower.source.name].woken.set)
        for follower in self._followers:
            follower.look()
        self._tell()
        for thread in self._threads.values():
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads.values():
            thread.woken.set()
        for follower in self._followers:
            follower.source.stop()
        for thread in self._threads.values():
            thread.join(timeout=10)

    def poke(self, source: str | None = None) -> bool:
        """Somebody says that there is news in `source`, or in any: it is looked at at once.

        Does not block. False if there is no such source.
        """
        followers = [f for f in self._followers if source in (None, f.source.name)]
        for follower in followers:
            follower.source.poke()
            self._threads[follower.source.name].woken.set()
        return bool(followers)

    def _follow(self, follower: Follower) -> None:
        woken = self._threads[follower.source.name].woken
        defect = ""
        while True:
            woken.wait(POLL_SECONDS)
            woken.clear()
            if self._stopping.is_set():
                return
            try:
                if follower.look() or not self._told:
                    self._tell()
                defect = ""
            except Exception as problem:  # a defect here must not freeze who may come in
                if repr(problem) != defect:
                    log.exception("The team files could not be followed; trying again")
                defect = repr(problem)

    def _tell(self) -> None:
        """Passes on what stands now, if it is anything new."""
        with self._telling:
            before = self._state
            state = merged(before, [f.listing for f in self._followers], clock.now())
            if self._told and state.directory == before.directory and state.files == before.files:
                return
            self._told = False
            self._state = state
            _remember(state, self._kept)
            self._changed(state.directory.teams, state.files)
            self._told = True


class _Thread(threading.Thread):
    """Follows one source; `woken` lets it look before its time."""

    def __init__(self, target: Callable[..., None], args: tuple[Follower]) -> None:
        super().__init__(target=target, args=args, name="team-watch", daemon=True)
        self.woken = threading.Event()


def _remembered(kept: Path | None) -> Snapshot:
    nothing = Snapshot(number=0, taken=clock.now())
    if kept is None:
        return nothing
    try:
        return Snapshot.model_validate_json(kept.read_bytes())
    except FileNotFoundError:
        return nothing
    except (OSError, ValidationError):
        log.warning("The last state in %s cannot be read; only the team files count", kept)
        return nothing


def _remember(state: Snapshot, kept: Path | None) -> None:
    if kept is None:
        return
    try:
        write_whole(kept, state.model_dump_json().encode())
    except OSError as problem:
        log.warning("The state of the teams could not be kept in %s: %s", kept, problem.strerror)
