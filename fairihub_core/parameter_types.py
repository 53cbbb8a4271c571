"""Whether a value is of the type that a notebook declares; a type that is not known fits any."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any


def fits(value: Any, type_: str) -> bool:
    """Whether `value`, in JSON's types, is one that Python code would take for `type_`.

    Args:
        type_: as it is written: `float`, `list[int]`, `Optional[str]`, `int | None`, `bbox`.
    """
    try:
        return _fits(value, ast.parse(type_.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def _fits(value: Any, written: ast.expr) -> bool:
    if isinstance(written, ast.BinOp):
        return _fits(value, written.left) or _fits(value, written.right)
    if isinstance(written, ast.Subscript):
        base = _name(written.value)
        if base not in ("optional", "union"):  # what is in a list is not looked at
            return _fits(value, written.value)
        inside = written.slice
        kinds = inside.elts if isinstance(inside, ast.Tuple) else [inside]
        return (base == "optional" and value is None) or any(_fits(value, k) for k in kinds)
    check = _CHECKS.get(_name(written))
    return check is None or check(value)


def _name(written: ast.expr) -> str:
    if isinstance(written, ast.Constant):
        return str(written.value).lower()
    return str(getattr(written, "id", getattr(written, "attr", ""))).lower()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and value == int(value)


def _is_box(value: Any) -> bool:
    """Four or six numbers, alone or as the OGC writes a box."""
    box = value.get("bbox") if isinstance(value, dict) else value
    return isinstance(box, list) and len(box) in (4, 6) and all(map(_is_number, box))


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "none": lambda value: value is None,
    "int": _is_whole,
    "float": _is_number,
    "bool": _is(bool),
    "str": _is(str),
    "list": _is(list),
    "dict": _is(dict),
    "bbox": _is_box,
}
