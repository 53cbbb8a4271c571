"""Programs that read what strangers send: they wait for it, and are killed if it takes too long.

Each forks a process for what it is to read, which has limits, and of which nothing is left.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from threading import Timer
from typing import BinaryIO

from fairihub_core.children import child_environment, limit_this_process

_HEAD = struct.Struct("!16sQ")
"""What is wanted, or nothing in an answer; and how many bytes follow."""
_SECONDS = 20.0
_MEMORY = 2 * 2**30
_IDLE = 600.0
"""Seconds after which a program that nobody asks ends."""


class Readers:
    """As many programs of a module as are asked at the same time, and one beside; begun at need."""

    def __init__(self, module: str) -> None:
        self._command = [sys.executable, "-m", module]
        self._waiting: list[subprocess.Popen[bytes]] = []
        atexit.register(self.end)

    def ask(self, what: str, given: bytes | BinaryIO) -> bytes | None:
        """What a program says of `given`; None: it took too long, or too much memory. Blocks."""
        for reader in tuple(self._waiting):
            reader.poll()  # of those that have ended nothing stays
        while True:
            try:
                reader, new = self._waiting.pop(), False
            except IndexError:
                reader, new = self._begun(), True
                # It takes a while to begin: whoever asks beside this one is not to wait for that.
                self._waiting.append(self._begun())
            with contextlib.suppress(OSError):
                said = _told(reader, what, given)
                if said is not None:
                    self._waiting.append(reader)
                    return said
            if _end(reader) != 0 or new:
                return None
            # It had ended by itself, since nobody asked it for so long.

    def end(self) -> None:
        """Ends those that nobody is asking."""
        while self._waiting:
            _end(self._waiting.pop(), kill=True)

    def _begun(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=child_environment(HOME="/nonexistent"),
            start_new_session=True,
        )


def _told(reader: subprocess.Popen[bytes], what: str, given: bytes | BinaryIO) -> bytes | None:
    to, answers = reader.stdin, reader.stdout
    if to is None or answers is None:
        return None
    late = Timer(_SECONDS, _kill, (reader,))
    late.start()
    try:
        if isinstance(given, bytes):
            to.write(_HEAD.pack(what.encode(), len(given)))
            to.write(given)
        else:
            given.seek(0)
            to.write(_HEAD.pack(what.encode(), os.fstat(given.fileno()).st_size))
            shutil.copyfileobj(given, to)
        to.flush()
        head = answers.read(_HEAD.size)
        size = _HEAD.unpack(head)[1] if len(head) == _HEAD.size else 0
        said = answers.read(size)
        return said if size and len(said) == size else None
    finally:
        late.cancel()


def _end(reader: subprocess.Popen[bytes], *, kill: bool = False) -> int:
    """Its exit code; what does not end by itself, and soon, is killed."""
    try:
        reader.wait(0 if kill else 1)
    except subprocess.TimeoutExpired:
        _kill(reader)
    for pipe in (reader.stdin, reader.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()
    return reader.wait()


def _kill(reader: subprocess.Popen[bytes]) -> None:
    """With what it has forked."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(reader.pid, signal.SIGKILL)


def serve(read: Callable[[str, bytes], bytes]) -> None:
    """The program: reads as long as it is asked, each time in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while select.select([0], [], [], _IDLE)[0]:
        head = _exactly(_HEAD.size)
        if not head:
            return  # who asked has gone
        pid = os.fork()
        if pid == 0:
            _read_once(head, read)
        if os.waitpid(pid, 0)[1]:
            os._exit(1)


def _read_once(head: bytes, read: Callable[[str, bytes], bytes]) -> None:
    code = 1
    try:
        limit_this_process(memory=_MEMORY, cpu_seconds=int(_SECONDS))
        what, size = _HEAD.unpack(head)
        said = read(what.rstrip(b"\0").decode(), _exactly(size))
        with os.fdopen(1, "wb") as out:
            out.write(_HEAD.pack(b"", len(said)) + said)
        code = 0
    finally:
        os._exit(code)


def _exactly(size: int) -> bytes:
    """So many bytes of standard input; fewer only at its end."""
    parts = bytearray()
    while len(parts) < size and (part := os.read(0, min(size - len(parts), 2**20))):
        parts += part
    return bytes(parts)
