"""What a worker writes while it works: a log with an end and without secrets."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairihub_headless.masking import Masker

_CHUNK = 64 * 1024


class CappedLog:
    """A text file that takes so much and no more, and says when it was full.

    Written line by line, so that a secret is never cut in two before it is looked for.
    """

    def __init__(self, path: Path, limit: int, masker: Masker) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")
        self._left = limit
        self._limit = limit
        self._masker = masker
        self._rest = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        with self._lock:
            if self._left <= 0:
                return
            *lines, self._rest = (self._rest + text).split("\n")
            if lines:
                self._put("\n".join(lines) + "\n")
            elif len(self._rest) > _CHUNK:
                self._put(self._rest)
                self._rest = ""

    def say(self, text: str) -> None:
        """One line of the worker's own."""
        self.write(f"[fairihub] {text}\n")

    def close(self) -> None:
        with self._lock:
            if self._rest and self._left > 0:
                self._put(self._rest + "\n")
            self._rest = ""
            self._file.flush()

    def _put(self, text: str) -> None:
        raw = self._masker.text(text).encode("utf-8", "replace")
        self._file.write(raw[: self._left])
        self._left -= len(raw)
        if self._left <= 0:
            self._file.write(f"\n[fairihub] The log is cut here: {self._limit} bytes.\n".encode())
        self._file.flush()


@contextmanager
def captured(log: CappedLog) -> Iterator[None]:
    """Everything that this process and its children print goes to `log`."""
    reading, writing = os.pipe()
    for descriptor in (1, 2):
        os.dup2(writing, descriptor)
    os.close(writing)
    pump = threading.Thread(target=_pump, args=(reading, log), daemon=True)
    pump.start()
    try:
        yield
    finally:
        null = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        # A process that outlives the run may hold the pipe open; its words are not waited for.
        pump.join(timeout=1.0)
        log.close()


def _pump(reading: int, log: CappedLog) -> None:
    while chunk := os.read(reading, _CHUNK):
        log.write(chunk.decode("utf-8", "replace"))
