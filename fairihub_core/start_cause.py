"""One cause for which a server may not start, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["access", "cluster", "volume", "scheduling", "image", "container", "server"]
Who = Literal["you", "team", "operator", "cluster"]


@dataclass(frozen=True)
class Cause:
    """A cause in words; `message` and `remedy` leave open what `%(name)s` stands for."""

    phase: Phase
    who: Who
    message: str
    """Empty where whoever refuses says it in their own words."""
    remedy: str
    told: str
    """For the reference: how it comes about, and how it is recognised."""
    lost: tuple[str, str] | None = None
    """Message and remedy once the start is given up, where these do not hold any more."""

    def words(self, final: bool) -> tuple[str, str]:
        """Message and remedy of a start that is lost, or may still come about."""
        return self.lost if final and self.lost else (self.message, self.remedy)
