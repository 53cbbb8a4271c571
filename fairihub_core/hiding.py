"""Takes secrets out of a text, in every form in which programs print them, also over several lines.

A form is looked for in the text as it is, in the text without spaces and line breaks, and in its
letters and digits alone: whatever breaks a line puts quotes, frames or indents around the break.
A break that a program has written as `\\n`, as JSON and Python do, is one, too.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote, quote_plus

from fairihub_core.hiding_parts import Long, Parts, Span, is_long, places

HIDDEN = "[hidden]"
_LEAST = 4
"""Shorter values are no secrets, and hiding each `1` of a log would hide the log."""
_LEAST_OVER_BREAKS = 6
_LEAST_ALPHANUMERIC = 8
"""The end of one line and the beginning of the next may well make a short word."""
_LEAST_CUT = 8
_LEAST_INSIDE = 8
"""Characters of base64 that are a secret's alone."""
_MARGIN = 1024
"""What may stand in and around the line breaks of a secret."""
_MOST_PLACES = 1000
_MOST_CUT = 4096
_WRITTEN = re.compile(r"(?<!\\)\\+([nrt])")
"""A break or tab in words; in what was written twice, with two backslashes or more.

Never begun within a run of backslashes, which would take the square of its length.
"""


def without(text: str, secrets: Iterable[str]) -> str:
    """`text` with `HIDDEN` for each secret; of one over several lines, on each of them."""
    return Hider(secrets).text(text)


class Hider:
    """Takes the same secrets out of many texts; what is known of them is worked out once."""

    def __init__(self, secrets: Iterable[str], parts: Iterable[str] = ()) -> None:
        """Of `parts`, which are of secrets, the form is known."""
        self._forms = {form for secret in secrets for form in _forms(secret)}.union(parts)
        self._short = [form for form in self._forms if not is_long(form)]
        self._parts = Parts(self._forms)
        self._bare = [_Bare.of(self._forms, kind) for kind in _KINDS]
        told = {_as_breaks(form) for form in self._forms}
        self._bare_told = [_Bare.of(told, kind) for kind in _KINDS]

    def __bool__(self) -> bool:
        return bool(self._forms)

    @property
    def longest(self) -> int:
        """The length of the longest form."""
        return max(map(len, self._forms), default=0)

    def text(self, text: str) -> str:
        return hidden(text, self.spans(text))

    def spans(self, text: str) -> list[Span]:
        """Where secrets stand in `text`, in order; none overlaps another."""
        return self.spans_and_begun(text)[0]

    def spans_and_begun(self, text: str) -> tuple[list[Span], list[Long]]:
        """The same, and the forms of which much stands somewhere, also without its end."""
        if not self._forms:
            return [], []
        begun = self._parts.begun_in(text)
        whole = (*self._short, *(long.form for long in begun))
        found = [*_as_it_is(text, whole), *_broken(text, self._bare)]
        broken = _as_breaks(text)
        if broken != text:
            found += _broken(broken, self._bare_told)
        for long in begun:
            found += long.larger_first(text)
        for long in self._parts.ended_in(text):
            found += long.larger_last(text)
        return merged(found), begun

    def begun(self, text: str, least: int = _LEAST) -> int:
        """Where a secret may have begun that `text` ends in the middle of; its length if none.

        Args:
            least: so many characters of it must stand there.
        """
        text, away = (
            text[-2 * self.longest - _MARGIN :],
            max(0, len(text) - 2 * self.longest - _MARGIN),
        )
        told = _as_breaks(text)
        places = [bare.begun(text, least) for bare in self._bare]
        places += [bare.begun(told, least) for bare in self._bare_told if told != text]
        return away + min(places, default=len(text))


def _forms(secret: str) -> Iterator[str]:
    """A secret as programs print it; of one with several lines, each line too."""
    for part in {secret, secret.strip(), *secret.split("\n")}:
        if len(part.strip()) < _LEAST:
            continue
        yield from (part, quote(part, safe=""), quote(part), quote_plus(part), html.escape(part))
        yield from (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1])
        yield json.dumps(json.dumps(part)[1:-1])[1:-1]
        escaped = part.encode("unicode_escape").decode()
        yield from (repr(part)[1:-1], escaped, escaped.replace('"', '\\"'))
        raw = part.encode("utf-8", "replace")
        for form in (base64.b64encode(raw).decode(), *_inside_base64(raw)):
            yield from (form, form.replace("+", "-").replace("/", "_"))


def _inside_base64(raw: bytes) -> Iterator[str]:
    """What stays the same of a secret wherever it stands in a longer text, as `user:password`."""
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(raw)) // 6
        if last - first >= _LEAST_INSIDE:
            yield base64.b64encode(bytes(before) + raw).decode()[first:last]


def _as_it_is(text: str, forms: Iterable[str]) -> Iterator[Span]:
    for form in forms:
        for at in places(text, form):
            yield at, at + len(form)


def _as_breaks(text: str) -> str:
    """`text` with breaks where it has them in words; each place stays where it is."""
    if "\\" not in text:
        return text
    return _WRITTEN.sub(lambda told: (" " if told[1] == "t" else "\n").rjust(len(told[0])), text)


@dataclass(frozen=True)
class _Kind:
    """Which characters of a text count, and how many of them a secret must have."""

    counts: Callable[[str], bool]
    others: re.Pattern[str]
    others_ascii: bytes
    least: int

    def bare(self, text: str) -> str:
        """The characters of `text` that count."""
        if text.isascii():
            return text.encode().translate(None, self.others_ascii).decode()
        return self.others.sub("", text)


def _is_no_space(character: str) -> bool:
    return not character.isspace()


def _all_but(counts: Callable[[str], bool]) -> bytes:
    return bytes(code for code in range(128) if not counts(chr(code)))


_KINDS = (
    _Kind(_is_no_space, re.compile(r"\s+"), _all_but(_is_no_space), _LEAST_OVER_BREAKS),
    _Kind(str.isalnum, re.compile(r"[\W_]+"), _all_but(str.isalnum), _LEAST_ALPHANUMERIC),
)


@dataclass(frozen=True)
class _Bare:
    """Forms by those of their characters alone that count."""

    kind: _Kind
    forms: frozenset[str]

    @classmethod
    def of(cls, forms: Iterable[str], kind: _Kind) -> _Bare:
        bare = (kind.bare(form) for form in forms)
        return cls(kind, frozenset(form for form in bare if len(form) >= kind.least))

    def over_breaks(self, text: str) -> Iterator[Span]:
        """Where a form stands over a line break.

        What stands before the text may have been cut off, and a form begin there.
        """
        bare = self.kind.bare(text)
        found = [form for form in self.forms if form in bare or _rest_of(form, bare)]
        if not found:
            return
        at = [place for place, character in enumerate(text) if self.kind.counts(character)]
        lines = f"{text}\n"
        for form in found:
            line_end = -1
            for first in places(bare, form):
                begin, end = at[first], at[first + len(form) - 1] + 1
                if line_end < begin:
                    line_end = lines.find("\n", begin)
                if line_end < end:
                    yield begin, end
            rest = _rest_of(form, bare)
            if rest and text[at[rest - 1] + 1 : at[rest - 1] + 2] in ("", "\n"):
                yield at[0], at[rest - 1] + 1

    def begun(self, text: str, least: int) -> int:
        """Where the end of `text` may begin a form; the length of `text` if it does not."""
        bare = self.kind.bare(text)
        longest = 0
        for form in self.forms:
            end = bare[-len(form) + 1 :]
            possible = islice(places(end, form[:least]), _MOST_PLACES)
            longest = max(
                longest, next((len(end) - p for p in possible if form.startswith(end[p:])), 0)
            )
        if not longest:
            return len(text)
        counted = (place for place in range(len(text) - 1, -1, -1) if self.kind.counts(text[place]))
        return next(islice(counted, longest - 1, None))


def _broken(text: str, bare: Iterable[_Bare]) -> Iterator[Span]:
    for one in bare:
        yield from one.over_breaks(text)


def _rest_of(form: str, bare: str) -> int:
    """How many characters at the beginning of `bare` are the end of a form; 0 if only a few are."""
    head = bare[:_LEAST_CUT]
    if len(head) < _LEAST_CUT or head not in form:
        return 0
    end = form[1:][-_MOST_CUT:]
    return max((len(end) - at for at in places(end, head) if bare.startswith(end[at:])), default=0)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Those that overlap as one, so that of a secret which holds another nothing stays."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def hidden(text: str, spans: Iterable[Span]) -> str:
    """`text` with `HIDDEN` in the place of each of `spans`, on each line of it."""
    pieces, told = [], 0
    for begin, end in spans:
        lines = text[begin:end].split("\n")
        pieces += [text[told:begin], "\n".join(HIDDEN if line.strip() else "" for line in lines)]
        told = end
    return "".join((*pieces, text[told:]))
