"""What a worker writes while it works: a log with an end, without secrets and colours."""

from __future__ import annotations

import os
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from queue import SimpleQueue

from fairihub_core.hiding_streams import HidingStream
from fairihub_headless.masking import Masker

_CHUNK = 64 * 1024
_CLOSING = 10.0
_OURS = "[fairihub] "
_OWN, _OWN_ROOM = "own", 16 * 1024
_COLOURS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")


def without_colours(text: str) -> str:
    return _COLOURS.sub("", text)


class CappedLog:
    """A text file that takes so much and no more, and says when it was full.

    What the worker says has a little room beyond: it is heard whatever the notebook prints.

    A thread of its own writes it, all at once that has come meanwhile; so nothing that is told
    here waits for a disk, and signal handlers may speak.
    """

    def __init__(self, path: Path, limit: int, masker: Masker) -> None:
        self.trouble: OSError | None = None
        """Why some of the log is missing."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._limit = self._left = limit
        self._own_left = _OWN_ROOM
        self._accepted = 0
        self._within_line = False
        # One for each source: what comes between the halves of a secret does not save it.
        self._streams: defaultdict[str, HidingStream] = defaultdict(
            lambda: HidingStream(masker.hider)
        )
        self._waiting: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._keep_writing, daemon=True)
        self._writer.start()

    def write(self, text: str, source: str = _OWN) -> None:
        # What is too much is not even kept until it is written.
        if self._accepted <= self._limit or source == _OWN:
            text = text[: self._limit + 1]
            self._accepted += len(text)
            self._waiting.put((source, text))

    def say(self, text: str) -> None:
        """A line of the worker's own, in a new line."""
        self.write(f"{_OURS}{text}\n")

    def close(self) -> None:
        """All that was told is in the file on return."""
        self._waiting.put(None)
        self._writer.join(_CLOSING)

    def _keep_writing(self) -> None:
        ended = False
        while not ended:
            said = [self._waiting.get()]
            while not self._waiting.empty():
                said.append(self._waiting.get())
            ended = None in said
            for source, told in self._told(filter(None, said)):
                self._put(source, told)
            if ended:
                for source, stream in self._streams.items():
                    self._put(source, f"{rest}\n" if (rest := stream.end()) else "")
        os.close(self._file)

    def _told(self, said: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """What can be told; what one source says in a row is looked at as one."""
        for source, texts in groupby(said, key=itemgetter(0)):
            yield source, self._streams[source].feed(without_colours("".join(t for _, t in texts)))

    def _put(self, source: str, told: str) -> None:
        if self._within_line and source == _OWN and told.startswith(_OURS):
            told = f"\n{told}"
        raw = told.encode("utf-8", "replace")
        if self._left > 0:
            part = raw[: self._left]
            self._left -= len(raw)
            if self._left < 0:
                part += f"\n[fairihub] The log is cut here: {self._limit} bytes.\n".encode()
        else:
            part = raw[: self._own_left] if source == _OWN else b""
            self._own_left -= len(part)
        self._within_line = not part.endswith(b"\n") if part else self._within_line
        while part:
            try:
                part = part[os.write(self._file, part) :]
            except OSError as problem:
                self.trouble = problem
                return


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
        log.write(chunk.decode("utf-8", "replace"), "processes")
