"""What a run brought: its files, and what its notebook glued."""

from __future__ import annotations

import contextlib
import errno
import mimetypes
import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from fairihub_core.errors import BadInput, FairihubError, Missing
from fairihub_core.files import is_link
from fairihub_core.places import require_relative
from fairihub_headless.errors import unreadable
from fairihub_headless.folders import GLUED, RESULTS, WORK, RunFolder
from fairihub_headless.glued import MOST as MOST_GLUED
from fairihub_headless.glued import Glued, read
from fairihub_headless.models import NOTEBOOK_TYPE
from fairihub_headless.reading import glued_by

RESULT_FILE = "result-file"
_MAX_FILES = 200_000
"""What a list and an archive can hold in memory; what is beyond is said to be left out."""
_MAX_NAMED = 100
_LONGEST = 500
_AROUND = 1024
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""Nothing was left, or something else is in its place."""


class Found(NamedTuple):
    """The files that a run left, and what of it is not handed out."""

    files: list[LeftFile]
    left_out: list[str]
    """The names, as far as they can be said: links, pipes, and what cannot be asked for."""
    left_out_count: int


class LeftFile(NamedTuple):
    """A file that a run left."""

    name: str
    """Its path below the run's files."""
    size: int
    type: str


def glued_in(folder: RunFolder, name: str) -> Glued:
    """What the notebook of a run glued, as its worker has written it down. Blocks.

    Where there is no such file, it is read out of the executed notebook, by a program of its own.

    Args:
        name: of the executed notebook.

    Raises:
        Unavailable: `results-unreadable`.
        TooLarge: `too-large`.
    """
    with contextlib.suppress(FairihubError, OSError, ValueError):
        with folder.open(GLUED) as file:
            content = file.read(MOST_GLUED + _AROUND)
        return read(content)
    try:
        with folder.open_file(name) as file:
            content = glued_by(file)
        return read(content)
    except (Missing, OSError, ValueError):
        raise unreadable() from None


def files_of(folder: RunFolder, first: str) -> list[LeftFile]:
    """Every file a run left, the executed notebook `first`. Blocks.

    Raises:
        Unavailable: `results-unreadable`.
    """
    return found_in(folder, first).files


def found_in(folder: RunFolder, first: str) -> Found:
    """As `files_of`, and what is left out. Blocks."""
    files: list[LeftFile] = []
    left_out: list[str] = []
    count = 0
    try:
        with folder.opened_files() as descriptor:
            for file in _walk(descriptor):
                if file.size >= 0 and _is_listed(file.name) and len(files) < _MAX_FILES:
                    files.append(file)
                    continue
                count += 1
                if len(left_out) < _MAX_NAMED:
                    shown = file.name.encode("ascii", "backslashreplace").decode()
                    left_out.append(shown[:_LONGEST])
    except OSError as problem:
        if problem.errno not in _NOTHING:
            raise unreadable() from None
    files.sort(key=lambda file: (file.name != first, file.name))
    return Found(files, sorted(left_out), count)


def _walk(folder: int) -> Iterator[LeftFile]:
    """Everything but folders; what is no file, or cannot be read, has less than no bytes."""
    closed: list[OSError] = []
    for place, folders, names, descriptor in os.fwalk(".", dir_fd=folder, onerror=closed.append):
        at_top = place == "."
        folders[:] = [f for f in folders if not (at_top and f.startswith("."))]
        links = [f for f in folders if is_link(f, descriptor)]
        for name in (*names, *links):
            if at_top and name.startswith("."):  # of ours, and gone soon
                continue
            path = posixpath.normpath(f"{place}/{name}")
            with contextlib.suppress(OSError):
                about = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                regular = stat.S_ISREG(about.st_mode)
                yield LeftFile(path, about.st_size if regular else -1, type_of(path))
    for problem in closed:
        yield LeftFile(f"{problem.filename}/", -1, "")


def _is_listed(name: str) -> bool:
    """Only what can be asked for again by its name."""
    try:
        require_relative(name, hidden=is_result(name))
    except BadInput:
        return False
    return name.isprintable()


def file_of(folder: RunFolder, name: str) -> BinaryIO:
    """The file that `name` names among those that a run left, opened. Blocks.

    Raises:
        Missing: `no-such-file`, also for what would lead out of the folder.
    """
    try:
        require_relative(name, hidden=is_result(name))
        return folder.open_file(name)
    except (BadInput, Missing, OSError):
        raise Missing("no-such-file", f"This run left no file “{name[:200]}”.") from None


def result_file(scraps: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The file that a notebook named as its result, by gluing its path as `result-file`.

    As the services do whose clients ask so: the path is one in RESULTS_DIRECTORY, whole or from
    there on.
    """
    glued_path = scraps.get(RESULT_FILE)
    if not isinstance(glued_path, str):
        return None
    _, _, inside = glued_path.rpartition(f"/{WORK}/")
    meant = {inside, glued_path, f"{RESULTS}/{glued_path}"} - {""}
    return next((name for name in names if is_result(name) and name in meant), None)


def is_result(name: str) -> bool:
    return name.startswith(f"{RESULTS}/")


def type_of(name: str) -> str:
    if name.endswith(".ipynb"):
        return NOTEBOOK_TYPE
    kind, packed = mimetypes.guess_type(name)
    if packed is not None:  # a.csv.gz is no text
        return "application/gzip" if packed == "gzip" else f"application/x-{packed}"
    return kind or "application/octet-stream"
