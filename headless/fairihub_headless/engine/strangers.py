"""Who has runs for a team that is closed to them, and since when; knows no clock of its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from fairihub_core.teams import TeamDirectory

Pair = tuple[str, str]
"""A member and a team."""


class Strangers:
    """Looks at a pair again only when the teams have changed, or the day."""

    def __init__(self) -> None:
        self._since: dict[Pair, float] = {}
        self._fine: set[Pair] = set()
        self._seen: tuple[TeamDirectory, date] | None = None

    def __contains__(self, pair: Pair) -> bool:
        return pair in self._since

    def pairs(self) -> set[Pair]:
        return set(self._since)

    def note(self, pairs: Iterable[Pair], directory: TeamDirectory, today: date, at: float) -> bool:
        """Looks who is one; whether that has changed since the last time."""
        before = set(self._since)
        if self._seen is None or self._seen[0] is not directory or self._seen[1] != today:
            self._seen, self._fine = (directory, today), set()
        since = {}
        for owner, team in set(pairs) - self._fine:
            if any(t.name == team for t in directory.open_teams_of(owner, today)):
                self._fine.add((owner, team))
            else:
                since[owner, team] = self._since.get((owner, team), at)
        self._since = since
        return set(since) != before

    def gone(self, grace: float, at: float) -> set[Pair]:
        """Those who have been one for the time of grace."""
        return {pair for pair, since in self._since.items() if since <= at - grace}
