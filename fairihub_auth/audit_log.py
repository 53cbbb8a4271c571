"""The audit log: lines that are only ever added to, and the same entries in a table."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from fairihub_core import clock
from fairihub_core.audit import Entry
from fairihub_core.outbox import BOUND, Outbox

LINES = "audit.jsonl"
MAX_BYTES = 16 * 1024 * 1024
KEPT_FILES = 64
MINUTE = timedelta(minutes=1)
MAX_REFUSED = 1000

Write = Callable[[Sequence[Entry]], None]
"""Writes entries into the table, or raises; may block."""


class Recorder:
    """Writes each entry as a line and into the table, each at its own pace.

    A disk that is full or a database that is away holds up neither the other nor any sign-in.

    Args:
        folder: where `audit.jsonl` is, and the older files beside it.
        write: puts entries into the table.
        bound: how many entries may wait for either.
    """

    def __init__(
        self,
        folder: Path,
        write: Write,
        *,
        max_bytes: int = MAX_BYTES,
        kept_files: int = KEPT_FILES,
        bound: int = BOUND,
    ) -> None:
        self._refusals = Refusals()
        self._file = LineFile(folder, max_bytes=max_bytes, kept_files=kept_files)
        self._table = Outbox("audit table", write, bound=bound)
        # One at a time: of several, those before a failure would be written again.
        self._lines = Outbox(
            LINES, self._file.append, bound=bound, at_once=1, tick=self._say_repeated
        )

    def record(self, entry: Entry) -> None:
        """Takes the entry and returns at once, from any thread."""
        self._put(self._refusals.to_write(entry))

    def close(self, limit: float = 5.0) -> bool:
        """Whether all is written; waits for lines and table, `limit` seconds for each."""
        self._put(self._refusals.repeated())
        written = self._lines.close(limit)
        self._file.close()
        return self._table.close(limit) and written

    def _say_repeated(self) -> None:
        self._put(self._refusals.repeated(clock.now()))

    def _put(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._lines.put(entry)
            self._table.put(entry)


class Refusals:
    """The refusals of the last minute: one that comes again and again is counted, not repeated."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Entry] = {}
        self._more: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def to_write(self, entry: Entry) -> list[Entry]:
        """What to write now: other than a repeated refusal, the entry itself."""
        if entry.action != "refused":
            return [entry]
        with self._lock:
            earlier = self._ended(entry.at)
            key = self._key(entry)
            if key in self._first:
                self._more[key] += 1
                return earlier
            self._first[key], self._more[key] = entry, 0
            return [*earlier, entry]

    def repeated(self, now: datetime | None = None) -> list[Entry]:
        """How often those came again whose minute is over; of all, if no time is given."""
        with self._lock:
            return self._ended(now)

    def _key(self, entry: Entry) -> tuple[str, str]:
        key = (entry.login, entry.code)
        # However many names a stranger tries, memory and log stay small.
        return key if key in self._first or len(self._first) < MAX_REFUSED else ("", "")

    def _ended(self, now: datetime | None) -> list[Entry]:
        over = [k for k, first in self._first.items() if now is None or now >= first.at + MINUTE]
        told = [_again(key, self._first[key], self._more[key]) for key in over if self._more[key]]
        for key in over:
            del self._first[key], self._more[key]
        return told


def _again(key: tuple[str, str], first: Entry, more: int) -> Entry:
    times = "once more" if more == 1 else f"{more:,} times more"
    if not key[0]:
        first = first.model_copy(update={"login": "", "code": ""})
        times = f"other logins: {times}"
    return first.model_copy(
        update={"at": clock.now(), "detail": f"Refused within a minute, {times}."}
    )


class LineFile:
    """A file of JSON lines that only grows; full, it is put aside under the time of that.

    Whoever removes or moves the file finds a new one at the next entry.
    """

    def __init__(self, folder: Path, *, max_bytes: int, kept_files: int) -> None:
        self._path = folder / LINES
        self._max_bytes = max_bytes
        self._kept_files = kept_files
        self._handle: int | None = None

    def append(self, entries: Sequence[Entry]) -> None:
        """Adds a line for each, every line in one write.

        Raises:
            OSError: the disk is full, the folder gone; the entry that failed is to be tried again.
        """
        for entry in entries:
            line = entry.model_dump_json().encode() + b"\n"
            try:
                written = os.write(self._opened(len(line)), line)
                if written < len(line):
                    raise OSError(f"only {written} of {len(line)} bytes of a line were written")
            except OSError:
                self.close()  # opened again it is looked at: is its last line whole?
                raise

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _opened(self, needed: int) -> int:
        if self._handle is not None and not self._is_in_place(self._handle):
            self.close()
        if self._handle is None:
            self._handle = self._open()
        size = os.fstat(self._handle).st_size
        if size and size + needed > self._max_bytes:
            self.close()
            self._put_aside()
            self._handle = self._open()
        return self._handle

    def _open(self) -> int:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(self._path, flags, 0o600)
        os.fchmod(handle, 0o600)
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            os.write(handle, b"\n")  # a line that was cut off spoils itself only
        return handle

    def _is_in_place(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self._path, follow_symlinks=False))
        except FileNotFoundError:
            return False

    def _put_aside(self) -> None:
        # To the microsecond, so that no older file is ever written over.
        aside = f"audit-{clock.now():%Y%m%dT%H%M%S.%fZ}.jsonl"
        self._path.rename(self._path.with_name(aside))
        older = sorted(self._path.parent.glob("audit-*.jsonl"))
        for path in older[: max(0, len(older) - self._kept_files)]:
            path.unlink(missing_ok=True)
