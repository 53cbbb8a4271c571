"""Whose a name, a namespace or a bucket is, when several team files want it.

Whoever held it before keeps it, of two that are new the first; who loses goes back to what the
file last was, and takes that back from whoever has taken it since.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from fairihub_core.customer import Holding, Reading, holdings_of, undisputed
from fairihub_core.findings import Finding
from fairihub_core.snapshot import shown
from fairihub_core.teams import Team

Key = tuple[str, str]
"""A file: the source it is from, and its path there."""
InForce = dict[Key, Team | None]
"""The team in force for each file, in the order of the teams."""


def settle(before: Mapping[Key, Team], in_force: InForce) -> Mapping[Key, tuple[Finding, ...]]:
    """Puts back, in `in_force`, who wants what is another's; and what to say to them."""
    holdings = _Holdings(before, in_force)
    while holdings.disputed:
        key, owners = holdings.disputed.popleft()
        if not owners.keys().isdisjoint(holdings.of(key)):
            holdings.put_back(key, owners)
    return holdings.refused


class _Holdings:
    """Who has what, while that is being settled; every file is put back twice at most."""

    def __init__(self, before: Mapping[Key, Team], in_force: InForce) -> None:
        self._before = before
        self._in_force = in_force
        self._owner: dict[Holding, Key] = {}
        self.refused: dict[Key, tuple[Finding, ...]] = {}
        self.disputed: deque[tuple[Key, Mapping[Holding, Key]]] = deque()
        """Who wants what is another's, and whose."""
        for key in in_force:
            if key in before:
                had = set(holdings_of(before[key]))
                self._owner |= {holding: key for holding in self.of(key) if holding in had}
        for key in in_force:
            taken = {h: self._owner[h] for h in self.of(key) if self._owner.get(h, key) != key}
            if taken:
                self.disputed.append((key, taken))
            else:
                self._owner |= dict.fromkeys(self.of(key), key)

    def of(self, key: Key) -> tuple[Holding, ...]:
        team = self._in_force[key]
        return holdings_of(team) if team is not None else ()

    def put_back(self, key: Key, owners: Mapping[Holding, Key]) -> None:
        """Makes `key` what it was before, since this is held by others."""
        team = self._in_force[key]
        held = {holding: _apart(owner, key) for holding, owner in owners.items()}
        (told,) = undisputed([Reading(path=shown(*key), team=team)], held)
        self.refused.setdefault(key, told.findings)
        for held_by_it in self.of(key):
            if self._owner.get(held_by_it) == key:
                del self._owner[held_by_it]
        kept = self._before.get(key)
        self._in_force[key] = kept if team != kept else None
        for again in self.of(key):
            other = self._owner.get(again)
            if other is not None:
                self.disputed.append((other, {again: key}))
            self._owner[again] = key


def _apart(owner: Key, key: Key) -> str:
    """`owner` by a name that is another than that of `key`, whatever sources are called."""
    return shown(*owner) if shown(*owner) != shown(*key) else ": ".join(owner)
