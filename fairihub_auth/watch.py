"""Follows the team files of the sources and says what stands each time they change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from fairihub_auth.merging import merged, unlisted
from fairihub_auth.sources import Source
from fairihub_core import clock
from fairihub_core.customer import Reading, read_customer
from fairihub_core.errors import FairihubError
from fairihub_core.files import write_whole
from fairihub_core.findings import Finding
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Team, TeamDirectory

POLL_SECONDS = 1.0
SETTLE_SECONDS = 0.2
SETTLE_ROUNDS = 8

Changed = Callable[[tuple[Team, ...], tuple[FileReport, ...]], None]

log = logging.getLogger("fairihub.teams")


class TeamWatch:
    """Reads the sources again whenever their files change, and says what stands.

    Args:
        sources: where the team files are, in the order of the teams.
        changed: called with all teams and a report of each file, first in `start` and then in
            the watch's own thread; called again as long as it fails.
        kept: a file for the last state, so that the last good state of a broken file outlives a
            restart of the hub; None keeps it in memory only.
    """

    def __init__(
        self, sources: Sequence[Source], changed: Changed, kept: Path | None = None
    ) -> None:
        (self._source,) = sources
        self._changed = changed
        self._kept = kept
        self._stamps: Mapping[str, Hashable] = {}
        self._listed = False
        self._readings: dict[str, Reading] = {}
        self._state = Snapshot(number=0, taken=clock.now())
        self._told = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="team-watch", daemon=True)

    def start(self) -> None:
        """Reads everything once, so that nobody is refused for want of a first snapshot."""
        self._state = _remembered(self._kept)
        self._look()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)

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
        """Passes on what has changed since the last look, if anything has."""
        try:
            stamps = self._settled()
        except FairihubError as problem:
            self._listed = False
            files = unlisted(self._state.files, self._source.name, _finding(problem))
            self._pass_on(self._state.directory, files)
            return
        if self._told and self._listed and stamps == self._stamps:
            return
        self._readings = {
            name: self._readings[name] if self._stamps.get(name) == stamp else self._read(name)
            for name, stamp in stamps.items()
        }
        self._stamps, self._listed = stamps, True
        self._pass_on(*merged(self._state, list(self._readings.values())))

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

    def _pass_on(self, directory: TeamDirectory, files: tuple[FileReport, ...]) -> None:
        before = self._state
        if self._told and directory.teams == before.directory.teams and files == before.files:
            return
        self._told = False
        self._state = Snapshot(number=0, taken=clock.now(), directory=directory, files=files)
        _remember(self._state, self._kept)
        self._changed(directory.teams, files)
        self._told = True


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
        log.warning("The last state in %s cannot be read; only the team files count", kept)
        return nothing


def _remember(snapshot: Snapshot, kept: Path | None) -> None:
    if kept is None:
        return
    try:
        write_whole(kept, snapshot.model_dump_json().encode())
    except OSError as problem:
        log.warning("The state of the teams could not be kept in %s: %s", kept, problem.strerror)
