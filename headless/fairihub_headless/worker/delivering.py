"""The result files of a run, copied into its owner's home after success."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from fairihub_core.places import confined
from fairihub_headless.folders import RESULTS

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST = 10_000


def copied_results(work: int, home: Path, folder: str) -> int:
    """Copies the files of RESULTS_DIRECTORY below `folder` in the home; how many there were.

    Files of the same names are replaced, each as a whole. Copies, not links: what the run left
    stays as it was, whatever becomes of them. No link is followed, on neither side.

    Args:
        work: a descriptor of the folder in which RESULTS_DIRECTORY lies.

    Raises:
        OSError, BadInput: a file cannot be written, or its way leads through a link.
    """
    results = os.open(RESULTS, _FOLDER, dir_fd=work)
    try:
        count = 0
        for count, (path, source) in enumerate(_files(results), start=1):
            _put(source, confined(home, f"{folder}/{path}"))
            if count >= _MOST:
                break
        return count
    finally:
        os.close(results)


def _files(results: int) -> Iterator[tuple[str, int]]:
    """Every regular file by its path, and a descriptor of it that is closed after its turn."""
    for place, folders, names, descriptor in os.fwalk(".", dir_fd=results):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            try:
                file = os.open(name, _FILE, dir_fd=descriptor)
            except OSError:  # a link, or gone meanwhile
                continue
            try:
                if stat.S_ISREG(os.fstat(file).st_mode):
                    yield posixpath.normpath(f"{place}/{name}"), file
            finally:
                os.close(file)


def _put(source: int, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex[:12]}.part")
    try:
        with open(source, "rb", closefd=False) as given, part.open("xb") as taken:
            shutil.copyfileobj(given, taken, 1024 * 1024)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
