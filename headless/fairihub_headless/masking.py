"""What must not be read: values under telling names, and known secret values in any text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fairihub_core.hiding import Hider, hidden

STARS = "*****"
_SURE = re.compile(
    r"secret|passwor[dt]|passwd|passphrase|pwd|token|credential|dsn"
    r"|(access|account|api|auth|encryption|private|signing)[_-]?key"
    r"|(?<![a-z])(auth|pin)(?![a-z])",
    re.IGNORECASE,
)
_MAYBE = re.compile("key", re.IGNORECASE)
"""As in `sort_key` and `keywords`."""
_ADDRESS = re.compile(r"(\w://[^\s/:@]*:)([^\s/@]+)(?=@)")
"""An address with a user and a password."""
_SHORTEST = 6
"""A shorter value would hide ordinary words all over a text."""
_WORDS = re.compile(r"[^\W\d_]{1,15}(?: [^\W\d_]{1,15}){0,3}")
_STRUCTURE = frozenset({"cell_type", "output_type", "nbformat", "nbformat_minor"})
"""What makes a notebook one holds nothing of its author's."""


def is_sure(name: str) -> bool:
    """Whether a value of this name can be nothing but a secret."""
    return _SURE.search(name) is not None


def is_telling(name: str) -> bool:
    """Whether a value of this name is taken for a secret."""
    return is_sure(name) or _MAYBE.search(name) is not None


def masked(value: Any) -> Any:
    """`value` with everything starred that stands under a telling name, at any depth."""
    if isinstance(value, Mapping):
        return {k: STARS if is_telling(str(k)) and v is not None else masked(v)
                for k, v in value.items()}  # fmt: skip
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return _ADDRESS.sub(rf"\1{STARS}", value) if isinstance(value, str) else value


def secrets_in(
    value: Any, tells: Callable[[str], bool] = is_telling, *, telling: bool = False
) -> set[str]:
    """Every text and number under a name that `tells`, and passwords in addresses, at any depth."""
    if isinstance(value, Mapping):
        parts = [secrets_in(v, tells, telling=telling or tells(str(k))) for k, v in value.items()]
    elif isinstance(value, list | tuple):
        parts = [secrets_in(item, tells, telling=telling) for item in value]
    else:
        found = {m[2] for m in _ADDRESS.finditer(value)} if isinstance(value, str) else set()
        return found | ({str(value)} if telling and _may_be_secret(value) else set())
    return set().union(*parts)


def sure_secrets_in(value: Any) -> set[str]:
    """Those that are no plain words: `sort_key="temperature"` must not spoil what a run brings.

    Under a name that can mean nothing else, as `password`, words are secrets, too.
    """
    unlike_words = {s for s in secrets_in(value) if not _WORDS.fullmatch(s)}
    return unlike_words | secrets_in(value, is_sure)


class Masker:
    """Takes known secret values out of texts and notebooks, in every form they are printed in."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.hider = Hider({s for s in secrets if len(s.strip()) >= _SHORTEST})

    def text(self, text: str) -> str:
        return self.hider.text(text) if self.hider else text

    def deep(self, value: Any) -> Any:
        """`value` with every text in it masked, also over several; itself if there is nothing.

        All texts are looked at as the lines of one, which takes about as long as it is large.
        """
        if not self.hider:
            return value
        texts = list(_texts(value))
        spans = self.hider.spans("\n".join(texts))
        if not spans:
            return value
        return _rebuilt(value, iter(_masked_lines(texts, spans)))


def _may_be_secret(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _texts(value: Any) -> Iterator[str]:
    """Every text in `value`, its keys too, in the order of `_rebuilt`; numbers as they print."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _STRUCTURE:
                yield str(key)
                yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif _may_be_secret(value):
        yield str(value)


def _rebuilt(value: Any, texts: Iterator[str]) -> Any:
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, Mapping):
        return {
            key if key in _STRUCTURE else next(texts):
            item if key in _STRUCTURE else _rebuilt(item, texts)
            for key, item in value.items()
        }  # fmt: skip
    if isinstance(value, list | tuple):
        return [_rebuilt(item, texts) for item in value]
    if _may_be_secret(value):
        told = next(texts)
        return value if told == str(value) else told
    return value


def _masked_lines(texts: list[str], spans: list[tuple[int, int]]) -> Iterator[str]:
    """Each of `texts` without those of `spans` that lie in it; these count in all, as joined."""
    begin, at = 0, 0
    for text in texts:
        end = begin + len(text)
        while at < len(spans) and spans[at][1] <= begin:
            at += 1
        here, next_one = [], at
        while next_one < len(spans) and spans[next_one][0] < end:
            first, last = spans[next_one]
            here.append((max(first, begin) - begin, min(last, end) - begin))
            next_one += 1
        yield hidden(text, here) if here else text
        begin = end + 1
