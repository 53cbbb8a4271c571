"""What a run puts into its owner's home after success: its notebook, and its result files.

Everything is opened part by part below the home: no link is followed, on neither side, whoever
puts one there meanwhile.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from fairihub_core.files import folder_made_below, is_link, write_new_in
from fairihub_core.homes import behind_own_link
from fairihub_core.places import require_relative
from fairihub_headless.folders import RESULTS
from fairihub_headless.models import WorkOrder

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def opened_in_home(order: WorkOrder, folder: str) -> int:
    """A descriptor of a folder below the home, which is made if it is not there.

    Raises:
        OSError, BadInput: its way leads through a link that is none of ours.
    """
    require_relative(folder)
    allowed = tuple(map(Path, order.own_places))
    root, below = behind_own_link(Path(order.home), folder, allowed)
    return folder_made_below(root, below)


def put_beside(folder: int, name: str, content: bytes) -> str:
    """Puts a new file into a folder, never over another; its name. Closes the folder."""
    stem, suffix = Path(name).stem, Path(name).suffix
    try:
        for number in range(1000):
            candidate = name if number == 0 else f"{stem} ({number}){suffix}"
            try:
                write_new_in(folder, candidate, content)
            except FileExistsError:
                continue
            return candidate
    finally:
        os.close(folder)
    raise OSError("a thousand files of that name are there already")


def copied_results(work: int, target: int) -> tuple[int, int]:
    """Copies the files of RESULTS_DIRECTORY into a folder; how many, and how many were left out.

    Files of the same names are replaced, each as a whole. Copies, not links: what the run left
    stays as it was, whatever becomes of them. Links and pipes are left out. Closes the target.

    Args:
        work: a descriptor of the folder in which RESULTS_DIRECTORY lies.

    Raises:
        OSError: a file cannot be written, or its way leads through a link.
    """
    count = left_out = 0
    try:
        for place, name, source in _files(work):
            if source is None:
                left_out += 1
                continue
            folder = folder_made_below(target, place)
            try:
                _put(source, folder, name)
            finally:
                os.close(folder)
            count += 1
    finally:
        os.close(target)
    return count, left_out


def _files(work: int) -> Iterator[tuple[str, str, int | None]]:
    """Every regular file by its place and name, with a descriptor that is closed after its turn.

    What is no regular file has none.
    """
    results = os.open(RESULTS, _FOLDER, dir_fd=work)
    try:
        for place, folders, names, descriptor in os.fwalk(".", dir_fd=results):
            links = [name for name in folders if is_link(name, descriptor)]
            for name in (*sorted(names), *links):
                file = _opened(name, descriptor)
                try:
                    yield posixpath.normpath(place), name, file
                finally:
                    if file is not None:
                        os.close(file)
    finally:
        os.close(results)


def _opened(name: str, folder: int) -> int | None:
    try:
        file = os.open(name, _FILE, dir_fd=folder)
    except OSError:  # a link, or gone meanwhile
        return None
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return None


def _put(source: int, folder: int, name: str) -> None:
    part = f".{name[:80]}.{uuid.uuid4().hex[:12]}.part"
    taken = os.open(part, _NEW, 0o666, dir_fd=folder)
    try:
        with open(source, "rb", closefd=False) as given, os.fdopen(taken, "wb") as target:
            shutil.copyfileobj(given, target, 1024 * 1024)
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(part, dir_fd=folder)
        raise
