"""Notebooks in a member's home: copies put there, and notebooks read to be shared."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from fairihub_catalog.kernels import Match, match_for
from fairihub_catalog.models import Kernel, Share, to_json
from fairihub_catalog.reading import as_file
from fairihub_core.errors import BadInput, Conflict, FairihubError, Missing, Refused
from fairihub_core.files import read_below, write_new
from fairihub_core.homes import behind_own_link
from fairihub_core.notebooks import (
    MAX_NOTEBOOK_BYTES,
    is_home_path,
    metadata_of,
    read_notebook,
    slug_of,
)
from fairihub_core.places import HOME_LINKS, confined

_NO_SPACE = "The copy could not be written: {}. Choose another folder, or make room."


@dataclass(frozen=True)
class Home:
    """A home, and where the links that fairihub makes in it may lead (`own_places`)."""

    path: Path
    own: tuple[Path, ...] = ()

    def reach(self, path: str, links: tuple[str, ...] = HOME_LINKS) -> tuple[Path, str]:
        """The folder from which `path` can be followed part by part, and the rest of it.

        Raises:
            BadInput: it leaves the home, or a link in it is none of fairihub's own.
        """
        confined(self.path, path, links=links)
        return behind_own_link(self.path, path, self.own)


def default_path(identifier: str) -> str:
    """The path of a copy when nobody says where to: the slug, in the home itself."""
    return f"{slug_of(identifier.partition('.')[2] or identifier)}.ipynb"


def put_copy(
    home: Home, path: str, content: bytes, origin: dict[str, str], kernels: Sequence[Kernel]
) -> Match:
    """Writes a copy of a catalogue's notebook to `path`, which must be free.

    It names the kernel that fits here and where it comes from. It is not signed: its outputs
    stay untrusted until its owner runs it.

    Raises:
        BadInput: the path leaves the home, or is no notebook's.
        Conflict: `name-taken`, with a free name.
        Missing: `no-folder`.
    """
    target = _target(home, path)
    notebook = read_notebook(content)
    match = match_for(_wanted(notebook), kernels)
    if match.by == "language":
        notebook.metadata["kernelspec"] = {
            "name": match.name,
            "display_name": match.display_name,
            "language": _wanted(notebook).language,
        }
    notebook.metadata["fairihub"] = origin
    try:
        write_new(target, as_file(notebook))
    except FileExistsError:
        raise _taken(home.path, path) from None
    except OSError as problem:
        reason = problem.strerror or "the system refused"
        raise FairihubError("not-written", _NO_SPACE.format(reason)) from None
    return match


def existing(home: Home, path: str) -> str:
    """The path of a notebook that is in the home already.

    Raises:
        BadInput, Missing: it leaves the home, or is not there.
    """
    root, below = home.reach(path)
    if not (root / below).is_file():
        raise Missing("no-such-file", f"Your home has no “{path[:200]}”.")
    return path


def contribution_body(home: Home, share: Share) -> bytes:
    """The request that submits a notebook of the home.

    Raises:
        FairihubError: the path leaves the home, or there is no such notebook, or it is too large.
    """
    if not is_home_path(share.path):
        raise BadInput("no-notebook-path", "Only notebooks (….ipynb) can be shared.")
    root, below = home.reach(share.path)
    notebook = read_notebook(read_below(root, below, MAX_NOTEBOOK_BYTES))
    said = to_json(share)
    del said["path"]
    filename = share.path.rsplit("/", 1)[-1]
    body = {**said, "filename": filename, "content": notebook}
    return json.dumps(body, ensure_ascii=False).encode()


def _wanted(notebook: NotebookNode) -> Kernel:
    said = metadata_of(notebook, "")
    return Kernel(name=said.kernel, display_name=said.kernel_display_name, language=said.language)


def _target(home: Home, path: str) -> Path:
    # Not through `shared`: what lies there is the team's library, and goes through its curators.
    root, below = home.reach(path, links=("s3",))
    target = root / below
    if not is_home_path(path):
        raise BadInput("no-notebook-path", "The name of a copy must end in “.ipynb”.")
    if not target.parent.is_dir():
        raise Missing("no-folder", f"Your home has no folder “{path.rpartition('/')[0][:200]}”.")
    if not os.access(target.parent, os.W_OK):
        raise Refused("not-writable", "You cannot write to that folder. Choose another one.")
    return target


def _taken(home: Path, path: str) -> Conflict:
    stem = path[: -len(".ipynb")]
    names: Any = (f"{stem}-{number}.ipynb" for number in range(1, 10_000))
    free = next((n for n in names if not os.path.lexists(home / n)), None)
    message = f"“{path[:200]}” is there already. Choose another name; nothing was overwritten."
    return Conflict("name-taken", message, path=path, suggestion=free)
