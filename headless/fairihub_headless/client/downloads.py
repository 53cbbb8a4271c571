"""Files of a run into a folder: each resumed where it was cut off, all of them or none in place."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import EISDIR
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from urllib.parse import quote, urljoin, urlsplit

import httpx

from fairihub_core.errors import BadInput
from fairihub_core.places import confined
from fairihub_headless.client.errors import RunsError
from fairihub_headless.client.models import FileEntry, StatusInfo
from fairihub_headless.client.transport import Transport, is_away, said, unreachable

_JOB = re.compile(r"[A-Za-z0-9-]{1,64}")
_MARK = ".of"
"""No file of a run is called so: only below `results/` one can be hidden."""
_REDIRECTS = frozenset({302, 303, 307})


@contextmanager
def _written(target: Path) -> Iterator[None]:
    """What this computer refuses is said as what the service refuses."""
    try:
        yield
    except OSError as problem:
        why = problem.strerror or type(problem).__name__
        where = problem.filename or target
        raise RunsError("cannot-write", f"{where} cannot be written: {why}.") from None


def require_folder(folder: Path) -> None:
    """Makes `folder`, if need be, and tries whether files can be written there.

    Raises:
        RunsError: `cannot-write`.
    """
    with _written(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass


def as_file(transport: Transport, path: str, target: Path) -> Path:
    """One answer as a file, which appears whole.

    Raises:
        RunsError: as the service refuses; `cannot-write`; `cut-off`, it never came whole.
    """
    with _written(target):
        if target.is_dir():  # before all of it has come for nothing
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(target))
        target.parent.mkdir(parents=True, exist_ok=True)
        fetch(transport, path, target)
    return target


def downloaded(
    transport: Transport, job: StatusInfo, files: Sequence[FileEntry], folder: Path
) -> list[Path]:
    """Fetches `files` of a job into `folder`, replacing those of the same names there.

    They are gathered in a hidden folder first: one call that was cut off leaves nothing half, and
    the next goes on where it was.

    Raises:
        RunsError: as the service refuses; `cannot-write`; `bad-file-name`, a name would lead out of
            the folder.
    """
    with _written(folder):
        return _downloaded(transport, job, files, folder)


def _downloaded(
    transport: Transport, job: StatusInfo, files: Sequence[FileEntry], folder: Path
) -> list[Path]:
    whole = job.status.ended  # what it left changes no more
    folder.mkdir(parents=True, exist_ok=True)
    gathered = folder / f".fairihub-{_checked(job.jobID)}"
    # All names first: nothing is fetched of a job with a name that cannot be meant.
    targets = [(file, _below(gathered, file.name), _below(folder, file.name)) for file in files]
    _keep_only(gathered, f"{transport.service} {job.attempt} {job.finished}", whole)
    for file, part, _ in targets:
        if not (whole and part.is_file() and part.stat().st_size == file.size):
            part.parent.mkdir(parents=True, exist_ok=True)
            path = f"jobs/{quote(job.jobID)}/files/{quote(file.name)}"
            fetch(transport, path, part, size=file.size if whole else None)
    for _, part, target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
    shutil.rmtree(gathered, ignore_errors=True)
    return [target for _, _, target in targets]


def _keep_only(gathered: Path, content: str, whole: bool) -> None:
    """What an earlier call has gathered stays if it is of the very same end of the run.

    Two contents would be mixed else: of the same id at another hub, or of one that was restored.
    """
    mark = gathered / _MARK
    try:
        if whole and mark.read_text("utf-8") == content:
            return
    except (OSError, UnicodeError):
        pass
    shutil.rmtree(gathered, ignore_errors=True)
    gathered.mkdir()
    mark.write_text(content, "utf-8")


def fetch(transport: Transport, path: str, target: Path, *, size: int | None = None) -> None:
    """One answer into a file, which appears whole; goes on after what an earlier try has left.

    Raises:
        RunsError: as the service refuses; `cut-off`, it never came whole.
    """
    begun = target.with_name(f"{target.name}.begun")
    if size is None:
        begun.unlink(missing_ok=True)
    pauses = transport.pauses()
    while True:
        before = _size(begun)
        try:
            if size is None or before != size:
                _continue(transport, path, begun)
            if size is None or _size(begun) == size:
                os.replace(begun, target)
                return
            problem = RunsError("cut-off", f"{target.name} did not come whole. Try again.")
        except RunsError as refusal:
            if not is_away(refusal):
                raise
            problem = refusal
        if size is None or _size(begun) > size:
            begun.unlink(missing_ok=True)
        if _size(begun) > before:
            pauses = transport.pauses()
        pause = next(pauses, None)
        if pause is None:
            raise problem
        time.sleep(pause)


def _continue(transport: Transport, path: str, begun: Path) -> None:
    """Adds to a file what is missing of it, as far as it comes."""
    have = _size(begun)
    ranged = {"Range": f"bytes={have}-"} if have else {}
    headers = {**ranged, "Accept": "*/*", "Accept-Encoding": "identity"}
    with _opened(transport, path, headers) as answer:
        if answer.status_code == 416:  # what is there is not of this file
            begun.unlink(missing_ok=True)
            return
        mode = "ab" if have and answer.status_code == 206 else "wb"
        with begun.open(mode) as file:
            for chunk in answer.iter_bytes():
                file.write(chunk)


@contextmanager
def _opened(transport: Transport, path: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """The answer, from the service or from the store of objects that it leads to."""
    with transport.opened(path, headers) as answer:
        elsewhere = answer.headers.get("Location", "")
        if answer.status_code not in _REDIRECTS or not elsewhere:
            yield answer
            return
        address = urljoin(str(answer.url), elsewhere)
    if urlsplit(address).scheme not in ("http", "https"):
        raise RunsError("bad-hub-url", "The service leads to an address that is none.")
    try:
        # Without the token: the address itself is the key.
        with httpx.stream("GET", address, headers=headers, timeout=60.0) as stored:
            if not stored.is_success and stored.status_code != 416:
                stored.read()
                raise said(stored)
            yield stored
    except httpx.TransportError as problem:
        raise unreachable(urlsplit(address).netloc, problem) from None


def _below(folder: Path, name: str) -> Path:
    try:
        plain = PurePosixPath(name).as_posix() if name else name
        # What lies below RESULTS_DIRECTORY can be hidden: `.zgroup` of a store of arrays.
        return confined(folder, plain, links=(), hidden=plain.startswith("results/"))
    except BadInput as problem:
        raise RunsError("bad-file-name", problem.message) from None


def _checked(job: str) -> str:
    if not _JOB.fullmatch(job):
        raise RunsError("bad-file-name", f"“{job[:80]}” is no id of a job.")
    return job


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
