"""What a run brought: scrapbook values and displays in the executed notebook, and its files.

The scrapbook package is no longer maintained; its media types are read here, so that notebooks
that use it, or our own `glue`, are understood alike.
"""

from __future__ import annotations

import contextlib
import json
import mimetypes
import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from fairihub_core.errors import BadInput, FairihubError, Missing
from fairihub_core.places import require_relative
from fairihub_headless.folders import RESULTS, RunFolder
from fairihub_headless.models import NOTEBOOK_TYPE
from fairihub_headless.scraps import SCRAP_TYPE

_SCRAP_PREFIX = SCRAP_TYPE.partition("{")[0]
RESULT_FILE = "result-file"
WORK = "work"
_RECORD_TYPE = "application/papermill.record+json"
_MAX_FILES = 200_000
"""What a list and an archive can hold in memory; what is beyond is said to be left out."""
_MAX_NAMED = 100
_LONGEST = 500
_MAX_NOTEBOOK = 256 * 2**20


class Glued(NamedTuple):
    """What a notebook glued, by name; the last of a name counts."""

    scraps: dict[str, Any]
    displays: dict[str, dict[str, Any]]


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


def glued(notebook: dict[str, Any]) -> Glued:
    """The values and displays in the outputs of an executed notebook (version 4, as JSON)."""
    found = Glued({}, {})
    for output in _outputs(notebook):
        data = output.get("data")
        if not isinstance(data, dict):
            continue
        _take_values(data, found.scraps)
        about = output.get("metadata", {}).get("scrapbook", {})
        if isinstance(about, dict) and about.get("display") and about.get("name"):
            found.displays[str(about["name"])] = {
                kind: _joined(kind, value)
                for kind, value in data.items()
                if not kind.startswith(_SCRAP_PREFIX)
            }
    return found


def _outputs(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for cell in notebook.get("cells", []):
        yield from cell.get("outputs", [])


def _take_values(data: dict[str, Any], scraps: dict[str, Any]) -> None:
    for kind, payload in data.items():
        if not isinstance(payload, dict):
            continue
        if kind.startswith(_SCRAP_PREFIX) and isinstance(payload.get("name"), str):
            scraps[payload["name"]] = payload.get("data")
        elif kind == _RECORD_TYPE:
            scraps.update(payload)


def _joined(kind: str, value: Any) -> Any:
    """Texts stand in notebooks as lists of lines; JSON stands as it is."""
    if isinstance(value, list) and not kind.endswith("json"):
        return "".join(map(str, value))
    return value


def executed_notebook(folder: RunFolder, name: str) -> dict[str, Any]:
    """The executed notebook that a run left; empty if there is none to be read. Blocks."""
    try:
        with folder.open_file(name) as file:
            found = json.loads(file.read(_MAX_NOTEBOOK))
    except (FairihubError, OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def files_of(folder: RunFolder, first: str) -> list[LeftFile]:
    """Every file a run left, the executed notebook `first`. Blocks."""
    return found_in(folder, first).files


def found_in(folder: RunFolder, first: str) -> Found:
    """As `files_of`, and what is left out. Blocks."""
    files: list[LeftFile] = []
    left_out: list[str] = []
    count = 0
    with contextlib.suppress(OSError), folder.opened_files() as descriptor:
        for file in _walk(descriptor):
            if file.size >= 0 and _is_listed(file.name) and len(files) < _MAX_FILES:
                files.append(file)
                continue
            count += 1
            if len(left_out) < _MAX_NAMED:
                left_out.append(file.name.encode("ascii", "backslashreplace").decode()[:_LONGEST])
    files.sort(key=lambda file: (file.name != first, file.name))
    return Found(files, sorted(left_out), count)


def _walk(folder: int) -> Iterator[LeftFile]:
    """Everything but folders; what is no file has less than no bytes."""
    for place, folders, names, descriptor in os.fwalk(".", dir_fd=folder):
        at_top = place == "."
        folders[:] = [f for f in folders if not (at_top and f.startswith("."))]
        links = [f for f in folders if _is_link(f, descriptor)]
        for name in (*names, *links):
            if at_top and name.startswith("."):  # of ours, and gone soon
                continue
            path = posixpath.normpath(f"{place}/{name}")
            with contextlib.suppress(OSError):
                about = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                regular = stat.S_ISREG(about.st_mode)
                yield LeftFile(path, about.st_size if regular else -1, type_of(path))


def _is_link(name: str, folder: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


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
