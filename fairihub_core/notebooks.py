"""What a notebook says of itself: read safely, its metadata, its id.

Format: nbformat 4. Metadata: `metadata.properties` as in the EuroDataCube notebooks, else the
first heading and the first paragraph.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import Any

import nbformat
from nbformat import NotebookNode

from fairihub_core.errors import TooLarge, Unreadable
from fairihub_core.teams import Frozen

MAX_NOTEBOOK_BYTES = 20 * 1024 * 1024
MAX_CELLS = 10_000
"""Cells and outputs together: each costs far more to check than its bytes do to parse."""
_MAX_TEXT = 2_000
_MAX_ITEMS = 50


class NotebookMetadata(Frozen):
    """What a tile shows. Every text is cut to a bound and free of control characters."""

    slug: str
    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    license: str = ""
    version: str = ""
    kernel: str = ""
    kernel_display_name: str = ""
    language: str = ""
    outputs: tuple[str, ...] = ()
    """Names that a run of it glues, when the notebook declares them."""


def read_notebook(content: bytes | str, *, limit: int = MAX_NOTEBOOK_BYTES) -> NotebookNode:
    """The notebook in `content`, valid by nbformat's schema and brought to version 4.

    Raises:
        TooLarge: `too-large`, more than `limit` bytes; `too-many-cells`.
        Unreadable: `no-notebook`, not JSON, not a notebook, or one that no tool could show.
    """
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(raw) > limit:
        raise too_large(len(raw), limit)
    try:
        parsed = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
        if not isinstance(parsed, dict) or not isinstance(parsed.get("nbformat"), int):
            raise ValueError("it does not say which format it has (`nbformat`)")
        _require_few_cells(parsed)
        notebook: NotebookNode = nbformat.reads(json.dumps(parsed), as_version=4)
        nbformat.validate(notebook)
        # A lone surrogate passes validation and then poisons every answer that quotes it.
        json.dumps(notebook, ensure_ascii=False).encode("utf-8")
    except TooLarge:
        raise
    except Exception as problem:
        raise Unreadable("no-notebook", f"This is not a notebook: {_why(problem)}.") from None
    return notebook


def too_large(size: int, limit: int = MAX_NOTEBOOK_BYTES) -> TooLarge:
    """What to say of a notebook that has `size` bytes."""
    return TooLarge(
        "too-large",
        f"The notebook has {size / 2**20:.1f} MiB; {limit / 2**20:.0f} MiB is the most. "
        "Clear its outputs and try again.",
    )


def _require_few_cells(parsed: dict[str, Any]) -> None:
    # Cells of formats before 4 lie in worksheets.
    sheets = [parsed, *(s for s in _items(parsed, "worksheets") if isinstance(s, dict))]
    cells = [cell for sheet in sheets for cell in _items(sheet, "cells")]
    outputs = (len(_items(c, "outputs")) for c in cells if isinstance(c, dict))
    count = len(cells) + sum(outputs)
    if count > MAX_CELLS:
        raise TooLarge(
            "too-many-cells",
            f"The notebook has {count:,} cells and outputs; {MAX_CELLS:,} are the most. "
            "Clear its outputs or split it.",
        )


def _items(mapping: dict[str, Any], key: str) -> list[Any]:
    found = mapping.get(key)
    return found if isinstance(found, list) else []


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _why(problem: Exception) -> str:
    if isinstance(problem, UnicodeError):
        return "its text is not UTF-8"
    if isinstance(problem, json.JSONDecodeError):
        return f"it is not JSON (line {problem.lineno})"
    if isinstance(problem, RecursionError):
        return "it is nested too deeply"
    words = str(problem).strip().splitlines() or [type(problem).__name__]
    return words[0][:200]


def notebook_id(team: str, slug: str) -> str:
    """The catalogue's id, which is an OGC process id too: `team.slug`, or `public.slug`."""
    return f"{team}.{slug}"


def is_home_path(name: str) -> bool:
    """Wherever a notebook is named, `….ipynb` means a path in the home, anything else an id."""
    return name.endswith(".ipynb")


def slug_of(text: str) -> str:
    """A slug from a declared id or a path: lower case, digits, hyphens; at most 80 characters."""
    stem = text[: -len(".ipynb")] if text.endswith(".ipynb") else text
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    return slug[:80].strip("-") or "notebook"


def metadata_of(notebook: NotebookNode, path: str) -> NotebookMetadata:
    """What `notebook`, found at `path`, says of itself; never fails on odd values."""
    given = notebook.metadata.get("properties")
    properties: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    heading, paragraph = _first_words(notebook)
    spec = notebook.metadata.get("kernelspec")
    kernel: dict[str, Any] = dict(spec) if isinstance(spec, dict) else {}
    info = notebook.metadata.get("language_info")
    return NotebookMetadata(
        slug=slug_of(_text(properties.get("id")) or path),
        title=_text(properties.get("name")) or heading or _title_of(path),
        description=_text(properties.get("description")) or paragraph,
        tags=_texts(properties.get("tags")),
        authors=_texts(properties.get("authors")),
        license=_text(properties.get("license")),
        version=_text(properties.get("version")),
        kernel=_text(kernel.get("name")),
        kernel_display_name=_text(kernel.get("display_name")),
        language=_text(kernel.get("language"))
        or _text(info.get("name") if isinstance(info, dict) else ""),
        outputs=_texts(properties.get("outputs")),
    )


def _title_of(path: str) -> str:
    return PurePosixPath(path).stem.replace("_", " ").replace("-", " ").strip() or path


def _first_words(notebook: NotebookNode) -> tuple[str, str]:
    """The first heading and the first paragraph of the markdown."""
    heading = paragraph = ""
    markdown = (c.source for c in notebook.cells if c.cell_type == "markdown")
    for line in (ln.strip() for source in markdown for ln in source[:20_000].splitlines()):
        if line.startswith("#"):
            heading = heading or _text(line.lstrip("# "))
        elif line and not paragraph and not line.startswith(("---", "![", "<")):
            paragraph = _text(line)
        if heading and paragraph:
            break
    return heading, paragraph


def _text(value: object) -> str:
    """`value` as one bounded line, or nothing if it is not a text or a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    line = "".join(c if c.isprintable() else " " for c in str(value)[: _MAX_TEXT * 2])
    return " ".join(line.split())[:_MAX_TEXT]


def _texts(value: object) -> tuple[str, ...]:
    """A list of texts; authors may also be written as mappings with a name or id."""
    items = value if isinstance(value, list) else [value]
    named = [i.get("name") or i.get("id") if isinstance(i, dict) else i for i in items[:_MAX_ITEMS]]
    return tuple(dict.fromkeys(t[:200] for t in map(_text, named) if t))
