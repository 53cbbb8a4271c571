"""Takes secrets out of a text that comes in pieces, also where a piece ends within a secret."""

from __future__ import annotations

from fairihub_core.hiding import Hider, hidden

_LEAST_HELD = 4
"""Fewer characters of a secret are told at once: they tell nothing, and a line must not wait."""
_LEAST_LEFT = 8
"""So many characters of a secret are hidden, if the text ends with them."""
_MOST_TOLD = 64 * 1024


class HidingStream:
    """What can be told of a text so far; only the beginning of a secret is held back.

    Args:
        hider: knows the secrets.
    """

    def __init__(self, hider: Hider) -> None:
        self._hider = hider
        self._width = min(2 * hider.longest + 1024, _MOST_TOLD)
        self._told = ""
        """The end of what was told: a secret may have begun there."""
        self._held = ""

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
        spans = self._hider.spans(whole)
        end = max(begin, self._hider.begun(whole, least))
        end = next((last for first, last in spans if first <= end < last), end)
        within = [(max(a, begin) - begin, min(b, end) - begin) for a, b in spans]
        self._told, self._held = whole[max(0, end - self._width) : end], whole[end:]
        return hidden(whole[begin:end], [(a, b) for a, b in within if a < b])
