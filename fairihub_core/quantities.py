"""Sizes as people write them: bytes with Kubernetes suffixes, cores with fractions."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

_SUFFIXES = {
    "": 1,
    **{f"{letter}i": 1024**power for power, letter in enumerate("KMGTP", start=1)},
    **{letter: 1000**power for power, letter in enumerate("KMGTP", start=1)},
    "k": 1000,
}
_BYTES = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)\s?([KMGTP]i?|k)?B?", re.ASCII)
_CORES = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(m?)", re.ASCII)
_MOST_BYTES = 2**53
"""8 PiB: more is a slip of the pen, and beyond it floats no longer count single bytes."""


def bytes_of(text: str) -> int | None:
    """`28Gi`, `30G`, `30064771072` as bytes; None if it is no such thing."""
    match = _BYTES.fullmatch(text.strip())
    if match is None:
        return None
    if "." in match[1] and not match[2]:
        return None
    size = round(float(match[1]) * _SUFFIXES[match[2] or ""])
    return size if size <= _MOST_BYTES else None


def cores_of(text: str) -> float | None:
    """`7.5`, `500m` as cores; None if it is no such thing."""
    match = _CORES.fullmatch(text.strip())
    if match is None:
        return None
    return float(match[1]) / (1000 if match[2] else 1)


def seconds_of(text: str) -> int | None:
    """Whole seconds of a quota; None if it is no such thing."""
    text = text.strip()
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


def _size(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    size = bytes_of(value)
    if size is None:
        raise ValueError(f"“{value[:40]}” is no size; write it as 10Gi")
    return size


Bytes = Annotated[int, BeforeValidator(_size), Field(ge=0, le=_MOST_BYTES)]
"""A size in settings, which people may write as `10Gi`."""
