"""How a request names the notebook of a run: by its name on the hub, or by its content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fairihub_headless.client.errors import RunsError

NOTEBOOK_TYPE = "application/x-ipynb+json"


def named(notebook: str | Path) -> dict[str, Any]:
    """The inputs that name it; a `Path` is a file of this computer, and its content is sent.

    Raises:
        RunsError: `no-such-file` or `no-notebook`, of a file of this computer.
    """
    if isinstance(notebook, str):
        return {"notebook": notebook}
    content = _without_outputs(_read(notebook))
    return {
        "notebook": {"value": content, "mediaType": NOTEBOOK_TYPE},
        "output_filename": notebook.name,
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as problem:
        raise RunsError("no-such-file", f"{path} cannot be read: {problem.strerror}.") from None
    except (ValueError, RecursionError):
        raise RunsError("no-notebook", f"{path} is not a notebook: it is not JSON.") from None
    if not isinstance(content, dict):
        raise RunsError("no-notebook", f"{path} is not a notebook.")
    return content


def _without_outputs(notebook: dict[str, Any]) -> dict[str, Any]:
    """The run makes them anew; images among them can be large."""
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        return notebook
    return {**notebook, "cells": [_bare(cell) for cell in cells]}


def _bare(cell: Any) -> Any:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return cell
    return {**cell, "outputs": [], "execution_count": None}
