"""Everything that a run left as one zip file, made while it is sent: never held as a whole."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO

from fairihub_core.errors import FairihubError
from fairihub_headless.results.left import Found, LeftFile

CHUNK = 256 * 1024
_ODD = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Files of these names lead to devices on Windows."""
_FASTEST = 1
_WORTH_IT = 0.95


@dataclass(frozen=True)
class Entry:
    """One file of the archive; `open` gives its content when its turn comes."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


def entries_of(
    files: Sequence[LeftFile], open_file: Callable[[str], BinaryIO], log: Entry | None
) -> list[Entry]:
    """What goes into the archive of a run, under names that are safe wherever it is unpacked."""
    names = Names()
    found = [Entry(names.of(file.name), file.size, partial(open_file, file.name)) for file in files]
    if log is not None:
        found.append(Entry(names.new("", log.name), log.size, log.open))
    return found


class Names:
    """The names in an archive, safe wherever it is unpacked: relative, without what some system
    takes for something else, and no two are one where case, or how letters are made up, is nothing.
    """

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        """By what the file or folder was called."""
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """What that file is called; its folders are called so for all that is in them."""
        whole = shown = ""
        for part in name.split("/"):
            if part not in ("", ".", ".."):
                whole = f"{whole}/{part}"
                if whole not in self._given:
                    self._given[whole] = self.new(f"{shown}/" if shown else "", part)
                shown = self._given[whole]
        return shown

    def new(self, folder: str, part: str) -> str:
        """A name in a folder that nothing else has: `part`, or that with a number."""
        name = _ODD.sub("_", unicodedata.normalize("NFC", part)).rstrip(". ") or "_"
        name = f"_{name}" if _DEVICE.fullmatch(name) else name
        stem, dot, suffix = name.rpartition(".")
        number, path = 1, folder + name
        while path.casefold() in self._taken:
            number += 1
            path = folder + (f"{stem} ({number}){dot}{suffix}" if stem else f"{name} ({number})")
        self._taken.add(path.casefold())
        return path


def zipped(entries: Sequence[Entry], moment: datetime, without: Found) -> Iterator[bytes]:
    """The archive, piece by piece. Blocks; each step reads no more than a chunk.

    What was left out before, and a file that cannot be read any more, is named in `LEFT-OUT.txt`.
    """
    sink = _Sink()
    left_out, count = list(without.left_out), without.left_out_count
    with zipfile.ZipFile(sink, "w", allowZip64=True) as archive:
        for entry in entries:
            try:
                source = entry.open()
            except (FairihubError, OSError):
                left_out.append(entry.name)
                count += 1
                continue
            with source:
                chunk = source.read(CHUNK)
                info = _info(entry.name, moment, packed=_shrinks(chunk))
                with archive.open(info, "w", force_zip64=True) as target:
                    while chunk:
                        target.write(chunk)
                        yield from sink.taken()
                        chunk = source.read(CHUNK)
            yield from sink.taken()
        if left_out:
            more = [f"and {count - len(left_out)} more"] if count > len(left_out) else []
            archive.writestr(_info("LEFT-OUT.txt", moment), "\n".join([*left_out, *more]) + "\n")
    yield from sink.taken()


def _shrinks(sample: bytes) -> bool:
    """Whether it is worth the processor's time: images and packed files get no smaller."""
    return len(zlib.compress(sample, _FASTEST)) < _WORTH_IT * len(sample)


def _info(name: str, moment: datetime, *, packed: bool = True) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=max(moment.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    info._compresslevel = _FASTEST  # type: ignore[attr-defined]
    info.external_attr = 0o644 << 16
    return info


class _Sink(io.RawIOBase):
    """Takes what the archive writes until it is taken from here; it cannot be rewound."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        if pieces:
            yield b"".join(pieces)
