"""One source of team files as it was looked at last; what has not changed is not read again."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Mapping

from fairihub_auth.merging import FileRead, Listing
from fairihub_auth.sources import Source
from fairihub_core.customer import Reading, read_customer
from fairihub_core.errors import FairihubError
from fairihub_core.findings import Finding

SETTLE_SECONDS = 0.2
SETTLE_ROUNDS = 8


class Follower:
    """What `source` came to, for whoever puts the sources together.

    One thread calls `look`; `listing` may be read from any.
    """

    def __init__(self, source: Source, stopping: threading.Event) -> None:
        self.source = source
        self.listing = Listing(source.name, files=None)
        self._stopping = stopping
        self._stamps: Mapping[str, Hashable] = {}
        self._files: dict[str, FileRead] = {}

    def look(self) -> bool:
        """Reads what has changed since the last look; whether anything has."""
        before = self.listing
        try:
            self._read_again(self._settled())
            away = self.source.away()
            files = tuple(self._files.values())
            self.listing = Listing(self.source.name, files, _finding(away) if away else None)
        except FairihubError as problem:
            self.listing = Listing(self.source.name, files=None, problem=_finding(problem))
        return self.listing != before

    def _read_again(self, stamps: Mapping[str, Hashable]) -> None:
        if stamps == self._stamps:
            return
        self._files = {
            name: self._files[name] if self._stamps.get(name) == stamp else self._read(name)
            for name, stamp in stamps.items()
        }
        self._stamps = stamps

    def _settled(self) -> Mapping[str, Hashable]:
        """The stamps, once they stay the same for a moment.

        An editor that replaces a file removes it first, and a copy is written piece by piece:
        neither half-way state is what anybody meant.
        """
        seen = self.source.stamps()
        for _ in range(SETTLE_ROUNDS):
            if seen == self._stamps or self._stopping.wait(SETTLE_SECONDS):
                break
            before, seen = seen, self.source.stamps()
            if seen == before:
                break
        return seen

    def _read(self, name: str) -> FileRead:
        revision = self.source.revision(name)
        try:
            text = self.source.read(name)
        except FairihubError as problem:
            return FileRead(Reading(path=name, findings=(_finding(problem),)), revision)
        time.sleep(0)  # an event loop that waits for the interpreter has its turn between files
        return FileRead(self.source.judged(read_customer(text, name)), revision)


def _finding(problem: FairihubError) -> Finding:
    return Finding(severity="error", code=problem.code, message=problem.message)
