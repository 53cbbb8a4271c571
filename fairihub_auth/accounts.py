"""What the hub knows of accounts at one moment, beside what team files say of logins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fairihub_auth.arrivals import Arrived
from fairihub_core.logins import printable
from fairihub_core.operators import Operator
from fairihub_core.people import People, Person, Provider
from fairihub_core.resolution import HUB, ClaimRules, Mismatch
from fairihub_core.teams import Frozen, TeamDirectory


def _unheard(name: str) -> Arrived | None:
    return None


def _unborne(login: str) -> str | None:
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
    bearer: Callable[[str], str | None] = _unborne
    """The hub name of who came in last under a login that no team file lists."""
    operators: tuple[Operator, ...] = ()

    def of(self, login: str) -> Person | None:
        """Whose hub name that is, or else whose login."""
        return self.people.named(login) or self.people.with_login(login)

    def meant_by(self, login: str) -> Person | None:
        """Whose login that is, or who came in last under it though no team file lists it."""
        bearer = self.bearer(login)
        return self.of(login) or (self.people.named(bearer) if bearer else None)

    def is_numbered(self, mismatch: Mismatch, directory: TeamDirectory) -> bool:
        """Whether the number that is expected is one of the file or of settings, not of a pin."""
        if mismatch.team == HUB:
            return any(operator.account == mismatch.expected for operator in self.operators)
        team = directory.team(mismatch.team)
        return team is not None and any(str(m.github_id) == mismatch.expected for m in team.members)


class Who(Frozen):
    """Who a login is on this hub."""

    login: str
    """The hub name."""
    signed_in: bool
    """Whether that is settled: where accounts are pinned, the first sign-in settles it."""


def who_is(login: str, accounts: Accounts) -> Who:
    """The one that `login` stands for, in team files or at the provider."""
    person = accounts.meant_by(login)
    if person is None:
        return Who(login=login, signed_in=accounts.provider == "links")
    return Who(login=person.name, signed_in=True)


class Forgotten(Frozen):
    """What it comes to when a hub name is pinned to its account no more."""

    login: str
    account: str
    waiting: tuple[str, ...] = ()
    """The accounts that were refused for this pin, and are not any more."""
    said: str


def forgotten(person: Person, accounts: Accounts, directory: TeamDirectory) -> Forgotten:
    """What is said of it, by what was known before."""
    name, account = printable(person.name), printable(person.id)
    refused = (
        printable(mismatch.found)
        for mismatch in accounts.mismatches
        if mismatch.expected == person.id and not accounts.is_numbered(mismatch, directory)
    )
    waiting = tuple(dict.fromkeys(refused))
    said = f"“{name}” is pinned to account {account} no more; the next sign-in pins it anew."
    if waiting:
        said += f" Refused until now, and waiting: account {', '.join(waiting)}."
    given_away = [o for o in accounts.operators if o.account is None and o.person == person]
    for operator in given_away:
        said += f" Whoever signs in first as “{operator.login}” is an operator then."
    if accounts.provider == "github":
        where = "in the settings" if given_away else "in the team file"
        said += f" Safer: say githubId {where}, and no other account comes in."
    return Forgotten(login=name, account=account, waiting=waiting, said=said)
