"""Whose a name, a namespace or a bucket is, when several team files claim it.

Whoever held it before keeps it, of two that are new the first; who loses goes back to what the
file last was, and takes that back from whoever has taken it since.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from fairihub_core.customer import Claim, Reading, after_claims, claims_of
from fairihub_core.findings import Finding
from fairihub_core.teams import Team

Key = tuple[str, str]
"""A file: the source it is from, and its path there."""
Standing = dict[Key, Team | None]
"""The team that stands for each file, in the order of the teams."""


def settle(before: Mapping[Key, Team], standing: Standing) -> Mapping[Key, tuple[Finding, ...]]:
    """Puts back, in `standing`, who claims what is another's; and what to say to them."""
    claims = _Claims(before, standing)
    while claims.disputed:
        key, owners = claims.disputed.popleft()
        if not owners.keys().isdisjoint(claims.of(key)):
            claims.put_back(key, owners)
    return claims.refused


def shown(source: str, path: str) -> str:
    """A file as an operator finds it."""
    below = not source or path == source or path.startswith(f"{source}/")
    return path if below else f"{source}: {path}"


class _Claims:
    """Who has what, while that is being settled; every file is put back twice at most."""

    def __init__(self, before: Mapping[Key, Team], standing: Standing) -> None:
        self._before = before
        self._standing = standing
        self._owner: dict[Claim, Key] = {}
        self.refused: dict[Key, tuple[Finding, ...]] = {}
        self.disputed: deque[tuple[Key, Mapping[Claim, Key]]] = deque()
        """Who claims what is another's, and whose."""
        for key in standing:
            if key in before:
                had = set(claims_of(before[key]))
                self._owner |= {claim: key for claim in self.of(key) if claim in had}
        for key in standing:
            taken = {c: self._owner[c] for c in self.of(key) if self._owner.get(c, key) != key}
            if taken:
                self.disputed.append((key, taken))
            else:
                self._owner |= dict.fromkeys(self.of(key), key)

    def of(self, key: Key) -> tuple[Claim, ...]:
        team = self._standing[key]
        return claims_of(team) if team is not None else ()

    def put_back(self, key: Key, owners: Mapping[Claim, Key]) -> None:
        """Makes `key` what it was before, since these claims are of others."""
        team = self._standing[key]
        held = {claim: _apart(owner, key) for claim, owner in owners.items()}
        (told,) = after_claims([Reading(path=shown(*key), team=team)], held)
        self.refused.setdefault(key, told.findings)
        for held_by_it in self.of(key):
            if self._owner.get(held_by_it) == key:
                del self._owner[held_by_it]
        kept = self._before.get(key)
        self._standing[key] = kept if team != kept else None
        for again in self.of(key):
            other = self._owner.get(again)
            if other is not None:
                self.disputed.append((other, {again: key}))
            self._owner[again] = key


def _apart(owner: Key, key: Key) -> str:
    """`owner` by a name that is another than that of `key`, whatever sources are called."""
    return shown(*owner) if shown(*owner) != shown(*key) else ": ".join(owner)
