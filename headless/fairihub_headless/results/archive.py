"""Everything that a run left as one zip file, made while it is sent: never held as a whole."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO

from fairihub_core.errors import FairihubError
from fairihub_headless.results.left import Found, LeftFile

CHUNK = 256 * 1024
_PACKED = re.compile(
    r".*\.(zip|gz|bz2|xz|zst|7z|png|jpe?g|webp|gif|mp4|webm|mp3|tiff?|nc|h5|hdf5|parquet|zarr|npz)",
    re.IGNORECASE,
)
"""What would take the processor's time and get no smaller."""
NOTHING = Found([], [], 0)
_ODD = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
_FASTEST = 1


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
    taken: set[str] = set()
    found: list[Entry] = []
    for file in files:
        name = _free(safe_name(file.name), taken)
        found.append(Entry(name, file.size, partial(open_file, file.name)))
    if log is not None:
        found.append(Entry(_free(safe_name(log.name), taken), log.size, log.open))
    return found


def safe_name(name: str) -> str:
    """Relative, without `..`, drives, or what some system takes for something else."""
    parts = [_ODD.sub("_", part).rstrip(". ") for part in name.split("/")]
    return "/".join(part or "_" for part in parts if part != "") or "_"


def zipped(entries: Sequence[Entry], moment: datetime, without: Found = NOTHING) -> Iterator[bytes]:
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
            with source, archive.open(_info(entry.name, moment), "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
                    yield from sink.taken()
            yield from sink.taken()
        if left_out:
            more = [f"and {count - len(left_out)} more"] if count > len(left_out) else []
            archive.writestr(_info("LEFT-OUT.txt", moment), "\n".join([*left_out, *more]) + "\n")
    yield from sink.taken()


def _info(name: str, moment: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=max(moment.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
    info.compress_type = zipfile.ZIP_STORED if _PACKED.fullmatch(name) else zipfile.ZIP_DEFLATED
    info._compresslevel = _FASTEST  # type: ignore[attr-defined]
    info.external_attr = 0o644 << 16
    return info


def _free(name: str, taken: set[str]) -> str:
    """`name`, or that with a number: systems that ignore case must not lose one of two files."""
    stem, dot, suffix = name.rpartition(".")
    number, candidate = 1, name
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{stem} ({number}){dot}{suffix}" if stem else f"{name} ({number})"
    taken.add(candidate.casefold())
    return candidate


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
