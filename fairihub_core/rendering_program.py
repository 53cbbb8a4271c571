"""The program that renders one notebook, but for the exporter, which each room brings.

Run apart by `renderings`, which kills it when it takes too long: notebook on standard input, HTML
on standard output. Maths stays as it was typed: without scripts nothing can set it.
"""

from __future__ import annotations

import base64
import html
import sys
from collections.abc import Callable
from typing import Any, Protocol

from fairihub_core.children import limit_this_process
from fairihub_core.lean import skip_slow_imports
from fairihub_core.notebook_page import document

MEMORY_LIMIT = 2 * 2**30
OUTPUT_LIMIT = 24 * 2**20
_MAX_BYTES = 40 * 2**20
_MAX_SOURCE = 20_000
_MAX_SOURCES = 400_000
_MAX_OUTPUT = 200_000
_MAX_IMAGE = 8_000_000
_MAX_CELLS = 2_000
_MAX_OUTPUTS = 200


class Exporter(Protocol):
    """Makes HTML of a notebook, such as nbconvert's."""

    def from_notebook_node(self, notebook: Any) -> tuple[str, Any]: ...


def main(exporter: Callable[[list[str]], tuple[Exporter, type[Exception]]]) -> None:
    """The child.

    Args:
        exporter: makes what makes HTML, by the further words of the command line; and says which
            error it raises for an attached picture that is not there.
    """
    seconds = int(sys.argv[1])
    limit_this_process(memory=MEMORY_LIMIT, cpu_seconds=seconds, file_size=OUTPUT_LIMIT)
    sys.setrecursionlimit(2_000)
    content = sys.stdin.buffer.read()
    skip_slow_imports()
    sys.stdout.buffer.write(rendered(content, *exporter(sys.argv[2:])).encode())
    sys.stdout.buffer.flush()


def rendered(content: bytes, exporter: Exporter, invalid: type[Exception]) -> str:
    """The notebook in `content` as a page of its own."""
    from fairihub_core.notebooks import metadata_of, read_notebook
    from fairihub_core.sanitise import sanitised

    notebook = read_notebook(content, limit=_MAX_BYTES)
    title = metadata_of(notebook, "notebook").title
    notebook.metadata.pop("widgets", None)
    every = notebook.cells
    notebook.cells = _first(every)
    left_out = len(every) - len(notebook.cells)
    try:
        body, _ = exporter.from_notebook_node(notebook)
    except invalid:
        # It names an attached picture that it does not have: shown without any.
        for cell in notebook.cells:
            cell.source = cell.source.replace("attachment:", "missing:")
        body, _ = exporter.from_notebook_node(notebook)
    more = f"<p>{left_out} more cells are not shown.</p>" if left_out else ""
    return document(title, sanitised(body) + more)


def _first(cells: list[Any]) -> list[Any]:
    """The cells that fit into a preview, cut where they are too long."""
    shown: list[Any] = []
    room = _MAX_SOURCES
    for cell in cells[:_MAX_CELLS]:
        _bound(cell)
        room -= len(cell.source)
        if room < 0:
            break
        shown.append(cell)
    return shown


def _bound(cell: Any) -> None:
    """Cuts what would make the page useless, or rendering too slow."""
    if len(cell.source) > _MAX_SOURCE:
        cell.source = cell.source[:_MAX_SOURCE] + "\n\n… (cut)"
    if "outputs" in cell:
        cell.outputs = cell.outputs[:_MAX_OUTPUTS]
        for output in cell.outputs:
            _bound_output(output)


def _bound_output(output: Any) -> None:
    if "text" in output:
        output.text = _cut(output.text)
    if "traceback" in output:
        output.traceback = [_cut(str(line))[:20_000] for line in output.traceback[:200]]
    data = output.get("data")
    if isinstance(data, dict):
        output["data"] = type(data)(_shown(data))


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    """The forms of an output that a preview can show."""
    kept: dict[str, Any] = {}
    for kind, value in data.items():
        if kind in ("image/png", "image/jpeg", "image/gif") and len(str(value)) <= _MAX_IMAGE:
            kept[kind] = value
        elif kind == "image/svg+xml" and len(str(value)) <= _MAX_IMAGE:
            # As a picture it can neither run a script nor load anything.
            encoded = base64.b64encode(str(value).encode()).decode()
            kept["text/html"] = f'<img src="data:image/svg+xml;base64,{encoded}" alt="">'
        elif kind == "text/html" and "text/html" not in kept and len(str(value)) <= _MAX_OUTPUT:
            kept[kind] = value
        elif kind in ("text/plain", "text/markdown", "text/latex"):
            kept[kind] = _cut(str(value))
    return kept or {"text/plain": "(an output that a preview cannot show)"}


def _cut(text: str) -> str:
    if len(text) <= _MAX_OUTPUT:
        return text
    return text[: _MAX_OUTPUT // 10] + f"\n… (cut: {html.escape(f'{len(text):,}')} characters)"
