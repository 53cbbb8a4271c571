"""A long secret in two parts, with other words between them: two programs have printed at once.

The output of a child comes to its parent's stream when it comes, also between the halves of a
secret that the parent prints in two goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

Span = tuple[int, int]
_LEAST_LONG = 24
"""Of a shorter form, words could be the halves."""
_LEAST_FIRST = 12
_LEAST_HIDDEN = 8
_APART = 64 * 1024
"""Characters between the two parts."""
_MOST_PLACES = 1000


@dataclass(frozen=True)
class Long:
    """A form that may come in two parts, of which the larger is at least a half."""

    form: str

    @property
    def first(self) -> str:
        return self.form[: self._third]

    @property
    def last(self) -> str:
        return self.form[-self._third :]

    @property
    def _third(self) -> int:
        return max(_LEAST_FIRST, -(-len(self.form) // 3))

    def begun(self, text: str) -> Iterator[tuple[Span, str]]:
        """Where a third of it or more stands and then something else; and the part that is missing.

        What the end of `text` may still go on with is left out.
        """
        for at in islice(places(text, self.first), _MOST_PLACES):
            count = _alike(text, at, self.form, len(self.first))
            if count < len(self.form) and at + count < len(text):
                yield (at, at + count), self.form[count:]

    def larger_first(self, text: str) -> Iterator[Span]:
        """Both parts, where all of it stands in two and the first is the larger."""
        half = self.form[: len(self.form) // 2]
        for at in islice(places(text, half), _MOST_PLACES):
            count = _alike(text, at, self.form, len(half))
            end, rest = at + count, self.form[count:]
            found = _between(text, rest, end, end + _APART + len(rest))
            if found is not None:
                yield from ((at, end), *found)

    def larger_last(self, text: str) -> Iterator[Span]:
        """Both parts, where all of it stands in two and the last is the larger."""
        half = self.form[-(len(self.form) // 2) :]
        for at in islice(places(text, half), _MOST_PLACES):
            count = _alike_before(text, at + len(half), self.form, len(half))
            begin, first = at + len(half) - count, self.form[: len(self.form) - count]
            found = _between(text, first, max(0, begin - _APART - len(first)), begin)
            if found is not None:
                yield from ((begin, begin + count), *found)


class Parts:
    """The long ones among forms; many begin or end alike, and that is looked for only once."""

    def __init__(self, forms: Iterable[str]) -> None:
        long = [Long(form) for form in forms if is_long(form)]
        self._by_first: defaultdict[str, list[Long]] = defaultdict(list)
        self._by_last: defaultdict[str, list[Long]] = defaultdict(list)
        for one in long:
            self._by_first[one.first].append(one)
            self._by_last[one.last].append(one)

    def begun_in(self, text: str) -> list[Long]:
        """Those whose first third stands in `text`, as that of all that stand there as a whole."""
        return [one for first, ones in self._by_first.items() if first in text for one in ones]

    def ended_in(self, text: str) -> list[Long]:
        """Those whose last third stands in `text`."""
        return [one for last, ones in self._by_last.items() if last in text for one in ones]


def is_long(form: str) -> bool:
    return len(form) >= _LEAST_LONG


def _between(text: str, part: str, begin: int, end: int) -> list[Span] | None:
    """Each place of `part` there, also in the whole secret, which may be what came between.

    Of a few characters, which tell nothing, it is none; None if `part` is not there.
    """
    if not part or text.find(part, begin, end) < 0:
        return None
    if len(part) < _LEAST_HIDDEN:
        return []
    found = islice(places(text[begin:end], part), _MOST_PLACES)
    return [(begin + at, begin + at + len(part)) for at in found]


def _alike(text: str, at: int, form: str, count: int) -> int:
    """How many characters of `form` stand at `at`; `count` of them are known to."""
    if text.startswith(form, at):
        return len(form)
    while text[at + count : at + count + 1] == form[count]:
        count += 1
    return count


def _alike_before(text: str, end: int, form: str, count: int) -> int:
    """How many of the last characters of `form` stand before `end`; `count` are known to."""
    if text.endswith(form, 0, end):
        return len(form)
    while end > count and text[end - count - 1] == form[-count - 1]:
        count += 1
    return count


def places(text: str, form: str) -> Iterator[int]:
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
