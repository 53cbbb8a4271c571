"""Takes secrets out of a text, in every form in which programs print them, also over several lines.

A form is looked for in the text as it is, in the text without spaces and line breaks, and in its
letters and digits alone: whatever breaks a line puts quotes, frames or indents around the break.
A break that a program has written as `\\n`, as JSON and Python do, is one, too.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

HIDDEN = "[hidden]"
_LEAST = 4
"""Shorter values are no secrets, and hiding each `1` of a log would hide the log."""
_LEAST_OVER_BREAKS = 6
_LEAST_ALPHANUMERIC = 8
"""The end of one line and the beginning of the next may well make a short word."""
_LEAST_CUT = 8
_MOST_CUT = 4096
_WRITTEN = re.compile(r"(?<!\\)\\+([nrt])")
"""A break or tab in words; in what was written twice, with two backslashes or more.

Never begun within a run of backslashes, which would take the square of its length.
"""

Span = tuple[int, int]


def without(text: str, secrets: Iterable[str]) -> str:
    """`text` with `HIDDEN` for each secret; of one over several lines, on each of them."""
    forms = {form for secret in secrets for form in _forms(secret)}
    found = [*_as_it_is(text, forms), *_broken(text, forms)]
    broken = _as_breaks(text)
    if broken != text:
        found += _broken(broken, {_as_breaks(form) for form in forms})
    return _hidden(text, _merged(found))


def _forms(secret: str) -> Iterator[str]:
    """A secret as programs print it; of one with several lines, each line too."""
    for part in {secret, secret.strip(), *secret.split("\n")}:
        if len(part.strip()) < _LEAST:
            continue
        yield from (part, quote(part, safe=""), quote(part))
        yield from (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1])
        yield repr(part)[1:-1]
        raw = part.encode("utf-8", "replace")
        yield from (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode())


def _as_it_is(text: str, forms: Iterable[str]) -> Iterator[Span]:
    for form in forms:
        for at in _places(text, form):
            yield at, at + len(form)


def _as_breaks(text: str) -> str:
    """`text` with breaks where it has them in words; each place stays where it is."""
    return _WRITTEN.sub(lambda told: (" " if told[1] == "t" else "\n").rjust(len(told[0])), text)


def _broken(text: str, forms: Iterable[str]) -> Iterator[Span]:
    yield from _over_breaks(text, forms, _is_no_space, _LEAST_OVER_BREAKS)
    yield from _over_breaks(text, forms, str.isalnum, _LEAST_ALPHANUMERIC)


def _over_breaks(
    text: str, forms: Iterable[str], counts: Callable[[str], bool], least: int
) -> Iterator[Span]:
    """Where a form stands over a line break, by the characters alone that count.

    What stands before the text may have been cut off, and a form begin there.
    """
    at = [place for place, character in enumerate(text) if counts(character)]
    bare, lines = "".join(text[place] for place in at), f"{text}\n"
    for form in {"".join(filter(counts, form)) for form in forms}:
        if len(form) < least:
            continue
        line_end = -1
        for first in _places(bare, form):
            begin, end = at[first], at[first + len(form) - 1] + 1
            if line_end < begin:
                line_end = lines.find("\n", begin)
            if line_end < end:
                yield begin, end
        rest = _rest_of(form, bare)
        if rest and text[at[rest - 1] + 1 : at[rest - 1] + 2] in ("", "\n"):
            yield at[0], at[rest - 1] + 1


def _rest_of(form: str, bare: str) -> int:
    """How many characters at the beginning of `bare` are the end of a form; 0 if only a few are."""
    end, head = form[1:][-_MOST_CUT:], bare[:_LEAST_CUT]
    if len(head) < _LEAST_CUT:
        return 0
    return max((len(end) - at for at in _places(end, head) if bare.startswith(end[at:])), default=0)


def _is_no_space(character: str) -> bool:
    return not character.isspace()


def _places(text: str, form: str) -> Iterator[int]:
    """Where `form` begins, also within itself; of what repeats itself only the new part is read."""
    at, step = text.find(form), 0
    while at >= 0:
        yield at
        step = step or _period(form)
        end = at + len(form)
        again = text.startswith(form[-step:], end)
        at = at + step if again else text.find(form, at + step + 1)


def _period(form: str) -> int:
    """The least distance at which two places of `form` can overlap, or its length."""
    inner = [0]
    for character in form[1:]:
        most = inner[-1]
        while most and form[most] != character:
            most = inner[most - 1]
        inner.append(most + (form[most] == character))
    return len(form) - inner[-1]


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Those that overlap as one, so that of a secret which holds another nothing stays."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _hidden(text: str, spans: Iterable[Span]) -> str:
    pieces, told = [], 0
    for begin, end in spans:
        lines = text[begin:end].split("\n")
        pieces += [text[told:begin], "\n".join(HIDDEN if line.strip() else "" for line in lines)]
        told = end
    return "".join((*pieces, text[told:]))
