"""What must not be read: values under telling names, and known secret values in any text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

STARS = "*****"
_TELLING = re.compile(r"secret|key|password|passwd|token|credential", re.IGNORECASE)
_SHORTEST = 6
"""A shorter value would star ordinary words all over a text."""


def is_telling(name: str) -> bool:
    """Whether a value of this name is taken for a secret."""
    return _TELLING.search(name) is not None


def masked(value: Any) -> Any:
    """`value` with everything starred that stands under a telling name, at any depth."""
    if isinstance(value, Mapping):
        return {k: STARS if is_telling(str(k)) and v is not None else masked(v)
                for k, v in value.items()}  # fmt: skip
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def secrets_in(value: Any, *, telling: bool = False) -> set[str]:
    """Every text that stands under a telling name, at any depth."""
    if isinstance(value, Mapping):
        parts = [secrets_in(v, telling=telling or is_telling(str(k))) for k, v in value.items()]
    elif isinstance(value, list | tuple):
        parts = [secrets_in(item, telling=telling) for item in value]
    else:
        return {value} if telling and isinstance(value, str) else set()
    return set().union(*parts)


class Masker:
    """Stars known secret values wherever they stand in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first, so that one secret inside another leaves no rest.
        # A log is masked line by line: a secret of several lines is known by each of them.
        lines = {line.strip() for s in secrets for line in (s, *s.splitlines())}
        known = sorted({s for s in lines if len(s) >= _SHORTEST}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(STARS, text)

    def deep(self, value: Any) -> Any:
        """`value` with every text in it masked, in place where it is a list or mapping."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            for key in value:
                value[key] = self.deep(value[key])
        elif isinstance(value, list):
            value[:] = [self.deep(item) for item in value]
        return value
