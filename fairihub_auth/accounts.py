"""What the hub knows of accounts at one moment, beside what team files say of logins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fairihub_core.people import People, Person, Provider
from fairihub_core.resolution import Mismatch


@dataclass(frozen=True)
class Accounts:
    """Who has signed in by which account, and who was refused for having another."""

    provider: Provider = "links"
    people: People = field(default_factory=People)
    mismatches: tuple[Mismatch, ...] = ()
    written: Callable[[str], str] = str
    """A hub name as the login that team files write."""

    def of(self, login: str) -> Person | None:
        """Whose hub name that is, or else whose login."""
        return self.people.named(login) or self.people.with_login(login)
