"""How fast members may ask for runs: a bucket of tokens for each, filled again with time."""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST_MEMBERS = 10_000


@dataclass
class Pace:
    """Who has asked how often of late."""

    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By login: the tokens that were left, and at which moment."""

    def wait(self, login: str, per_minute: int, now: float) -> float:
        """Seconds until this member may ask again; 0 if they may now, which takes one token.

        A minute's worth may be asked for at a stretch.
        """
        left, then = self._buckets.pop(login, (float(per_minute), now))
        left = min(per_minute, left + (now - then) * per_minute / 60)
        allowed = left >= 1
        self._buckets[login] = (left - 1 if allowed else left, now)
        while len(self._buckets) > _MOST_MEMBERS:
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if allowed else (1 - left) * 60 / per_minute
