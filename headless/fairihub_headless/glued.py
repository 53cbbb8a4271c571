"""What a notebook glued: taken out of its outputs, and kept beside it in a file of its own; pure.

The scrapbook package is no longer maintained; its media types are read here, so that notebooks
that use it, or our own `glue`, are understood alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fairihub_headless.scraps import SCRAP_TYPE

MOST = 8 * 2**20
"""Bytes that all of it may have."""
MOST_MARKS = 100_000
"""Marks that part values in it: Python's reader of JSON lets no other thread work meanwhile."""
_OUTER_MARKS = 100
_SCRAP_PREFIX = SCRAP_TYPE.partition("{")[0]
_RECORD_TYPE = "application/papermill.record+json"


class Glued(NamedTuple):
    """What a notebook glued, by name; the last of a name counts."""

    scraps: dict[str, Any]
    displays: dict[str, dict[str, Any]]


class Written(NamedTuple):
    """The content of the file, and the names that it has no room for."""

    content: bytes
    left_out: list[str]


def glued(notebook: Mapping[str, Any]) -> Glued:
    """The values and displays in the outputs of an executed notebook (version 4, as JSON)."""
    found = Glued({}, {})
    for output in _outputs(notebook):
        _take(output, found)
    return found


def names_in(output: Mapping[str, Any]) -> list[str]:
    """The names under which an output, or the content of a message, glues something."""
    found = Glued({}, {})
    _take(output, found)
    return [name for part in found for name in part]


def written(found: Glued, most: int = MOST) -> Written:
    """`found` as the file has it: one after the other as long as there is room."""
    left, left_out, marks = most, [], MOST_MARKS
    kept: list[list[str]] = []
    for items in found:
        texts = []
        for name, value in items.items():
            text = f"{json.dumps(name)}: {json.dumps(value)}"
            of_this = _marks(text) + 1
            if len(text) > left or of_this > marks:
                left_out.append(name)
                continue
            left, marks = left - len(text) - 2, marks - of_this
            texts.append(text)
        kept.append(texts)
    scraps, displays = (", ".join(texts) for texts in kept)
    content = f'{{"scraps": {{{scraps}}}, "displays": {{{displays}}}}}'
    return Written(content.encode(), left_out)


def read(content: bytes) -> Glued:
    """What such a file says.

    Raises:
        ValueError: it is none.
    """
    if _marks(content.decode()) > MOST_MARKS + _OUTER_MARKS:
        raise ValueError("more than is read at once")
    try:
        told = json.loads(content)
        found = Glued(told["scraps"], told["displays"])
    except (KeyError, TypeError, RecursionError):
        raise ValueError("not what was glued") from None
    if all(isinstance(part, dict) for part in (*found, *found.displays.values())):
        return found
    raise ValueError("not what was glued")


def _marks(text: str) -> int:
    return sum(map(text.count, ",:[{"))


def _outputs(notebook: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for cell in notebook.get("cells", []):
        yield from cell.get("outputs", [])


def _take(output: Mapping[str, Any], found: Glued) -> None:
    data = output.get("data")
    if not isinstance(data, dict):
        return
    _take_values(data, found.scraps)
    about = output.get("metadata", {}).get("scrapbook", {})
    if isinstance(about, dict) and about.get("display") and about.get("name"):
        found.displays[str(about["name"])] = {
            kind: _joined(kind, value)
            for kind, value in data.items()
            if not kind.startswith(_SCRAP_PREFIX)
        }


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
