"""What the reader finds in a notebook: facts for the index, findings for the curators."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from nbformat import NotebookNode

from fairihub_catalog.models import Facts, Kernel
from fairihub_core.notebooks import metadata_of, read_notebook
from fairihub_core.parameters import parameters_of

_MAX_WORDS = 20_000


def version_of(content: bytes) -> str:
    """The version of a notebook: the hash of its content."""
    return hashlib.sha256(content).hexdigest()


def facts_of(content: bytes, path: str) -> Facts:
    """What the notebook in `content`, found at `path` below its source, says of itself.

    Raises:
        TooLarge, Unreadable: it is too large, or no notebook.
    """
    return facts_of_notebook(read_notebook(content), path, content)


def facts_of_notebook(notebook: NotebookNode, path: str, content: bytes) -> Facts:
    said = metadata_of(notebook, path)
    return Facts(
        slug=said.slug,
        declared_slug=bool(_mapping(notebook, "properties").get("id")),
        title=said.title[:200],
        description=said.description,
        tags=_with_category(path, said.tags),
        authors=said.authors,
        license=said.license,
        kernel=Kernel(
            name=said.kernel, display_name=said.kernel_display_name, language=said.language
        ),
        parameters=parameters_of(notebook),
        text=" ".join(_words(notebook))[:_MAX_WORDS],
        version=version_of(content),
        size=len(content),
        copy_of=str(_mapping(notebook, "fairihub").get("id", ""))[:160],
    )


def edition_of(notebook: NotebookNode, properties: dict[str, Any]) -> bytes:
    """The notebook as it is published: with these properties, without what was ours in a copy.

    The authors that it names itself stay.
    """
    own = _mapping(notebook, "properties")
    named = {"authors": own["authors"]} if own.get("authors") else {}
    notebook.metadata["properties"] = own | properties | named
    notebook.metadata.pop("fairihub", None)
    return as_file(notebook)


def as_file(notebook: NotebookNode) -> bytes:
    """The notebook as Jupyter writes it."""
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _mapping(notebook: NotebookNode, key: str) -> dict[str, Any]:
    found = notebook.metadata.get(key)
    return dict(found) if isinstance(found, dict) else {}


def _with_category(path: str, tags: tuple[str, ...]) -> tuple[str, ...]:
    """The tags with the first folder of the path before them: a folder is a category."""
    folders = PurePosixPath(path).parts[:-1]
    category = (folders[0].replace("_", " "),) if folders else ()
    return tuple(dict.fromkeys(t[:50] for t in category + tags))


def _words(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield from cell.source[:_MAX_WORDS].split()
