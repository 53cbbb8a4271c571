"""What of a kernel's messages goes into a notebook: valid, not too deep, and not too much."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_DEEPEST = 100
_TOO_DEEP = "[nested too deeply]"
_OUTPUT = 256
"""Bytes that an output takes beside its content."""
_NAME, _VALUE, _PARTS, _PART = 1000, 20_000, 200, 20_000


def cleaned(msg: dict[str, Any]) -> dict[str, Any]:
    """`msg` with a content that makes a valid output, whatever the kernel sent."""
    kind = msg.get("msg_type")
    content = msg["content"] if isinstance(msg.get("content"), dict) else {}
    if kind == "stream":
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        content = {"name": name, "text": _text(content.get("text", ""))}
    elif kind == "error":
        content = _error(content)
    elif kind in ("display_data", "execute_result", "update_display_data"):
        content = {**content, "data": _bundle(content.get("data")),
                   "metadata": _mapping(content.get("metadata"))}  # fmt: skip
        if kind == "execute_result":
            count = content.get("execution_count")
            content["execution_count"] = count if isinstance(count, int) else None
    return {**msg, "content": content}


def size_of(content: Mapping[str, Any]) -> int:
    """About how many bytes an output with this (cleaned) content takes."""
    if "text" in content:
        return len(content["text"])
    if "traceback" in content:
        return _OUTPUT + sum(map(len, content["traceback"]))
    return _OUTPUT + weight(content.get("data")) + weight(content.get("metadata"))


def weight(value: Any) -> int:
    """About how long `value` is as JSON."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(str(key)) + weight(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return sum(map(weight, value)) + len(value)
    return 8


def settled(text: str) -> str:
    """`text` as a terminal leaves it after backspaces and returns; takes as long as it is long."""
    if "\b" not in text and "\r" not in text:
        return text
    return "\n".join(map(_settled_line, text.split("\n")))


def shortened(text: str) -> str:
    """A piece of what is printed without what it overwrites itself; it may overwrite what was."""
    first, newline, rest = text.partition("\n")
    back = first.rfind("\r", 0, max(0, len(first) - 1))
    kept = "\r" + first[back + 1 :] if back > 0 else first
    return kept + newline + settled(rest)


def _settled_line(line: str) -> str:
    if "\b" in line:
        left: list[str] = []
        for character in line:
            if character == "\b" and left:
                left.pop()
            else:
                left.append(character)
        line = "".join(left)
    return line[line.rfind("\r", 0, max(0, len(line) - 1)) + 1 :]


def _error(content: Mapping[str, Any]) -> dict[str, Any]:
    """An error is always kept, but not a whole book of it."""
    trace = content.get("traceback")
    return {
        "ename": _text(content.get("ename", ""))[:_NAME],
        "evalue": _text(content.get("evalue", ""))[:_VALUE],
        "traceback": [
            _text(part)[:_PART] for part in (trace if isinstance(trace, list) else [])[:_PARTS]
        ],
    }


def _bundle(data: Any) -> dict[str, Any]:
    """A bundle of media types: JSON stands as it is, all else is text."""
    return {
        str(kind): clean if kind.endswith("json") or isinstance(clean, str) else _written(clean)
        for kind, value in _mapping(data).items()
        for clean in [_joined(kind, value)]
    }


def _joined(kind: str, value: Any) -> Any:
    lines = isinstance(value, list) and all(isinstance(line, str) for line in value)
    return "".join(value) if lines and not kind.endswith("json") else value


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _mapping(value: Any) -> dict[str, Any]:
    return {str(k): _json(v, 1) for k, v in value.items()} if isinstance(value, Mapping) else {}


def _json(value: Any, depth: int) -> Any:
    """`value` as JSON knows it: no NaN, not too deep."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if depth > _DEEPEST:
        return _TOO_DEEP
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item, depth + 1) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
