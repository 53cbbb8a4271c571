"""The last line of a log, where the worker could not say itself who or what ended it."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path


def say_last(log: Path, words: str) -> None:
    """Adds a new line to a log that was begun; nothing else in its place is written to."""
    with contextlib.suppress(OSError):
        file = os.open(log, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            about = os.fstat(file)
            if stat.S_ISREG(about.st_mode):
                within_line = os.pread(file, 1, max(0, about.st_size - 1)) not in (b"\n", b"")
                os.write(file, f"{chr(10) * within_line}[fairihub] {words}\n".encode())
        finally:
            os.close(file)
