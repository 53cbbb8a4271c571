"""What the catalogue's tests are made of: notebooks, teams, submissions."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fairihub_core.teams import Member, Team, TeamDirectory

PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}

DIRECTORY = TeamDirectory(
    teams=(
        Team(
            name="uc1",
            namespace="ns-uc1",
            members=(
                Member(login="ada"),
                Member(login="grace", role="admin"),
                Member(login="cura", rights=frozenset({"notebooks"})),
                Member(login="enva", rights=frozenset({"environments"})),
            ),
        ),
        Team(
            name="uc2",
            namespace="ns-uc2",
            members=(Member(login="bob", role="admin"), Member(login="grace")),
        ),
        Team(
            name="old",
            namespace="ns-old",
            expires=date(2024, 12, 31),
            members=(Member(login="zoe", role="admin"), Member(login="ada", role="admin")),
        ),
    )
)


def notebook(
    title: str = "Hello", *, cells: list[Any] | None = None, **properties: Any
) -> nbformat.NotebookNode:
    """A small notebook; `properties` are its metadata."""
    first = new_markdown_cell(f"# {title}\n\nAbout {title}.")
    made = new_notebook(cells=[first, *(cells or [new_code_cell("1 + 1")])])
    made.metadata["kernelspec"] = dict(PYTHON)
    if properties:
        made.metadata["properties"] = properties
    return made


def code(source: str, *outputs: Any) -> Any:
    return new_code_cell(source, outputs=list(outputs))


def shown(**data: Any) -> Any:
    """An output; `text_html` stands for `text/html`."""
    kinds = {"text_html": "text/html", "image_svg": "image/svg+xml", "text_plain": "text/plain"}
    return new_output("display_data", {kinds[k]: v for k, v in data.items()})


def put(path: Path, content: nbformat.NotebookNode | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = content if isinstance(content, bytes) else nbformat.writes(content).encode()
    path.write_bytes(raw)
    return path


def submission(content: Any, **more: Any) -> bytes:
    said = {"filename": "mine.ipynb", "team": "uc1", "title": "Mine", **more}
    return json.dumps({**said, "content": content}).encode()
