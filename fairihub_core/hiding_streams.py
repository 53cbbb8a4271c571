"""Takes secrets out of a text that comes in pieces, also where a piece ends within a secret."""

from __future__ import annotations

from fairihub_core.hiding import Hider, hidden, merged
from fairihub_core.hiding_parts import Span

_LEAST_HELD = 4
"""Fewer characters of a secret are told at once: they tell nothing, and a line must not wait."""
_LEAST_LEFT = 8
"""So many characters of a secret are hidden, if the text ends with them."""
_MOST_TOLD = 64 * 1024
_MOST_MISSING = 256


class HidingStream:
    """What can be told of a text so far; only the beginning of a secret is held back.

    If something else comes instead of its end, much of a secret is hidden as the whole: nobody
    knows yet whether the end comes later. If it does, it is hidden, too.

    Args:
        hider: knows the secrets.
    """

    def __init__(self, hider: Hider) -> None:
        self._hider = hider
        self._width = min(2 * hider.longest + 1024, _MOST_TOLD)
        self._told = ""
        """The end of what was told: a secret may have begun there."""
        self._held = ""
        self._missing: dict[str, None] = {}
        """The ends of secrets of which only the beginning has come, the last of them."""
        self._ends = Hider([])

    def feed(self, text: str) -> str:
        """What can be told now that `text` has come."""
        return self._tell(self._held + text, _LEAST_HELD) if self._hider else text

    def end(self) -> str:
        """What can be told at the end; a secret that was cut off there is hidden."""
        if not self._held:
            return ""
        told = self._tell(self._held, _LEAST_LEFT)
        return told + hidden(self._held, [(0, len(self._held))] if self._held else [])

    def _tell(self, fresh: str, least: int) -> str:
        whole, begin = self._told + fresh, len(self._told)
        hiders = (self._hider, self._ends) if self._ends else (self._hider,)
        end = max(begin, min(hider.begun(whole, least) for hider in hiders))
        spans = self._spans(whole, end)
        end = next((last for first, last in spans if first <= end < last), end)
        within = [(max(a, begin) - begin, min(b, end) - begin) for a, b in spans]
        self._told, self._held = whole[max(0, end - self._width) : end], whole[end:]
        return hidden(whole[begin:end], [(a, b) for a, b in within if a < b])

    def _spans(self, whole: str, end: int) -> list[Span]:
        """What is to be hidden; before `end`, where a secret may go on, also much of one."""
        spans, begun = self._hider.spans_and_begun(whole)
        more, again = self._ends.spans_and_begun(whole)
        for long in (*begun, *again):
            for first, missing in long.begun(whole):
                if first[1] <= end:
                    spans.append(first)
                    self._expect(missing)
        return merged([*spans, *more])

    def _expect(self, missing: str) -> None:
        if len(missing) >= _LEAST_LEFT and missing not in self._missing:
            self._missing[missing] = None
            self._missing = dict(list(self._missing.items())[-_MOST_MISSING:])
            self._ends = Hider([], self._missing)
