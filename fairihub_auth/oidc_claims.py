"""The values of the claim that settings map to teams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_VALUE = 255


def values_at(path: str, *answers: Mapping[str, Any]) -> frozenset[str]:
    """What stands at `path` in the first of `answers` that has it: one text, or a list of texts.

    A dot leads into an object (`realm_access.roles`), unless a claim has the whole path as its
    name. Upper and lower case count; whatever is no text, or longer than any sensible name, gives
    nothing.
    """
    found = next((value for a in answers if (value := _at(path, a)) is not None), None)
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list):
        return frozenset()
    texts = (value for value in listed if isinstance(value, str))
    return frozenset(text for text in texts if 0 < len(text) <= MAX_VALUE)


def _at(path: str, answer: Mapping[str, Any]) -> Any:
    if path in answer:
        return answer[path]
    found: Any = answer
    for key in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found
