"""The log of a run, as it is read: whole pieces of text, from any place, from its end. Blocks.

A log only grows, also over several attempts, so a place in it is good for ever.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from fairihub_core.errors import Missing
from fairihub_headless.folders import RunFolder

PIECE = 16 * 1024
"""Bytes that one event carries at most."""
_BLOCK = 64 * 1024


def opened(folder: RunFolder) -> BinaryIO | None:
    """The log; None if there is none yet, or not on this disk."""
    try:
        return folder.open_log()
    except (Missing, OSError):
        return None


def size_of(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def piece(file: BinaryIO, start: int, most: int = PIECE) -> bytes:
    """What stands at `start`: whole lines if possible, else whole characters."""
    file.seek(start)
    found = file.read(most)
    if len(found) == most:
        end = found.rfind(b"\n") + 1
        return found[:end] if end else _whole_characters(found)
    return _whole_characters(found)


def start_of_tail(file: BinaryIO, lines: int, most: int | None = None) -> int:
    """Where the last so many lines begin.

    Args:
        most: bytes that they may have; what is longer begins at a line, or in the middle of one.
    """
    size = end = size_of(file)
    if lines <= 0:
        return size
    least = 0 if most is None else max(0, size - most)
    left = lines + 1
    if size and _at(file, size - 1, 1) != b"\n":
        left -= 1  # the last line has no end yet
    while end > least:
        begin = max(least, end - _BLOCK)
        block = _at(file, begin, end - begin)
        breaks = block.count(b"\n")
        if breaks >= left:
            before, *_ = block.rsplit(b"\n", left)
            return begin + len(before) + 1
        left -= breaks
        end = begin
    return _next_line(file, least, size) if least else 0


def _next_line(file: BinaryIO, start: int, size: int) -> int:
    """Where the first line begins after `start`; `start`, if that is in a very long one."""
    if _at(file, start - 1, 1) == b"\n":
        return start
    rest = _at(file, start, min(_BLOCK, size - start))
    cut = rest.find(b"\n") + 1
    if cut:
        return start + cut
    return start + next((n for n, byte in enumerate(rest[:4]) if byte & 0xC0 != 0x80), 0)


def _at(file: BinaryIO, start: int, many: int) -> bytes:
    file.seek(start)
    return file.read(many)


def _whole_characters(found: bytes) -> bytes:
    """Without the first bytes of a character whose others are still to come."""
    for back in range(1, min(4, len(found)) + 1):
        byte = found[-back]
        if byte & 0xC0 == 0x80:
            continue
        needs = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return found[:-back] if needs > back else found
    return found
