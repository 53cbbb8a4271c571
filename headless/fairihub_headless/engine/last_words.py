"""The last line of a log, where the worker could not say itself who or what ended it."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path


def say_last(log: Path, words: str) -> None:
    """Adds a line to a log that was begun; nothing else in its place is written to."""
    with contextlib.suppress(OSError):
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if stat.S_ISREG(os.fstat(file).st_mode):
                os.write(file, f"[fairihub] {words}\n".encode())
        finally:
            os.close(file)
