"""How one file is handed out: what of it was asked for, and whether it is known already; pure."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from hashlib import sha256

from fairihub_headless.errors import NoSuchRange

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})-(\d{0,18})\s*")


@dataclass(frozen=True)
class Part:
    """What is sent of a file: from `start` up to `stop`, which is not in it any more."""

    start: int
    stop: int
    status: int
    headers: dict[str, str]

    @property
    def size(self) -> int:
        return self.stop - self.start


def tag_of(run: str, name: str, about: os.stat_result) -> str:
    """The ETag of a file: another one whenever it could have another content."""
    known = f"{run}\0{name}\0{about.st_size}\0{about.st_mtime_ns}\0{about.st_ino}"
    return f'"{sha256(known.encode()).hexdigest()[:32]}"'


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller has it already."""
    given = if_none_match or ""
    return given.strip() == "*" or tag in re.findall(r'(?:W/)?("[^"]{0,200}")', given[:10_000])


def part_of(range_: str | None, if_range: str | None, tag: str, size: int) -> Part:
    """What of `size` bytes the headers `Range` and `If-Range` ask for.

    All of it where they cannot be understood, ask for several pieces, or know another content.

    Raises:
        NoSuchRange: `no-such-range`.
    """
    whole = Part(0, size, 200, {"Content-Length": str(size)})
    asked = _RANGE.fullmatch(range_ or "")
    if asked is None or asked[1] == asked[2] == "" or if_range not in (None, tag):
        return whole
    if asked[1] == "":
        start, stop = max(0, size - int(asked[2])), size
        satisfiable = int(asked[2]) > 0 and size > 0
    else:
        start = int(asked[1])
        stop = min(size, int(asked[2]) + 1) if asked[2] else size
        if asked[2] and int(asked[2]) < start:
            return whole
        satisfiable = start < size
    if not satisfiable:
        raise NoSuchRange("no-such-range", f"The file has {size} bytes.", size=size)
    headers = {
        "Content-Length": str(stop - start),
        "Content-Range": f"bytes {start}-{stop - 1}/{size}",
    }
    return Part(start, stop, 206, headers)
