"""What the hub knows of accounts at one moment, beside what team files say of logins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fairihub_auth.arrivals import Arrived
from fairihub_core.people import People, Person, Provider
from fairihub_core.resolution import ClaimRules, Mismatch


def _unheard(name: str) -> Arrived | None:
    return None


@dataclass(frozen=True)
class Accounts:
    """Who has signed in by which account, and who was refused for having another."""

    provider: Provider = "links"
    people: People = field(default_factory=People)
    mismatches: tuple[Mismatch, ...] = ()
    written: Callable[[str], str] = str
    """A hub name as the login that team files write."""
    rules: ClaimRules = field(default_factory=ClaimRules)
    arrived: Callable[[str], Arrived | None] = _unheard
    """What the provider said last of a hub name."""

    def of(self, login: str) -> Person | None:
        """Whose hub name that is, or else whose login."""
        return self.people.named(login) or self.people.with_login(login)
