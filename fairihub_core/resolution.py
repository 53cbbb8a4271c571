"""From what team files say of logins to who that is on this hub.

Team files name logins of a provider; servers, runs and services know hub names. The one place
where the first become the second, so that everything behind it asks one directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from fairihub_core.people import People, Person
from fairihub_core.teams import Frozen, Member, Right, Team, TeamDirectory

RightsFrom = Literal["file", "claim", "both"]

HUB = ""
"""In place of a team's name: the hub as a whole, whose members are its operators."""


class Grant(Frozen):
    """What one value of the claim gives: membership of a team, and rights in it."""

    team: str
    rights: frozenset[Right] = frozenset()


class ClaimRules(Frozen):
    """How a provider's claim and a team file together make memberships.

    A claim counts only in a team whose file says `allowClaims: true`, and never makes an admin.
    """

    grants: Mapping[str, tuple[Grant, ...]] = Field(default_factory=dict)
    """By value of the claim."""
    rights_from: RightsFrom = "both"


class Mismatch(Frozen):
    """A login whose account is another than the one that a team file, settings or the pin name."""

    team: str
    """`HUB` for a login of an operator."""
    login: str
    expected: str
    found: str


def resolved(
    teams: Iterable[Team],
    people: People,
    *,
    rules: ClaimRules | None = None,
    operators: Iterable[Member] = (),
) -> TeamDirectory:
    """The teams with hub names in place of logins, and the members that claims bring.

    Args:
        operators: as settings list them, by the login that the provider knows.
    """
    rules = rules or ClaimRules()
    claimants = _claimants(people, rules)
    return TeamDirectory(
        teams=tuple(_team(team, people, rules, claimants.get(team.name, {})) for team in teams),
        operators=frozenset(m.login for m in _team(hub_of(operators), people, rules, {}).members),
    )


def hub_of(operators: Iterable[Member]) -> Team:
    """The operators as a team has its members, so that what holds of these holds of them."""
    return Team(name=HUB, namespace=HUB, members=tuple(operators))


def mismatches(teams: Iterable[Team], people: People) -> tuple[Mismatch, ...]:
    """Members who get nothing, since the login belongs to another account than the file says."""
    return tuple(
        Mismatch(team=team.name, login=m.login, expected=str(m.github_id), found=holder.id)
        for team in teams
        for m in team.members
        if (holder := _impostor(m, people)) is not None
    )


@dataclass(frozen=True)
class _Claim:
    """What the values of a claim give somebody in one team."""

    values: frozenset[str] = frozenset()
    rights: frozenset[Right] = frozenset()

    def given_to(self, member: Member, rules: ClaimRules) -> Member:
        counts = self.rights if rules.rights_from != "file" else frozenset()
        more = {"rights": member.rights | counts, "claims": tuple(sorted(self.values))}
        return member.model_copy(update=more)


_Claimants = Mapping[str, _Claim]
"""By hub name."""


def _claimants(people: People, rules: ClaimRules) -> dict[str, dict[str, _Claim]]:
    found: dict[str, dict[str, _Claim]] = {}
    for person in people.persons:
        for value in person.claims & rules.grants.keys():
            for grant in rules.grants[value]:
                team = found.setdefault(grant.team, {})
                had = team.get(person.name, _Claim())
                team[person.name] = _Claim(had.values | {value}, had.rights | grant.rights)
    return found


def _team(team: Team, people: People, rules: ClaimRules, claimants: _Claimants) -> Team:
    if not people.persons:
        return team
    claimants = claimants if team.allow_claims else {}
    members: dict[str, Member] = {}
    for listed in team.members:
        if _impostor(listed, people) is None:
            member = _member(listed, people, rules)
            # Two entries may turn out to be one person; as everywhere, the first counts.
            members.setdefault(member.login, member)
    for name, claim in claimants.items():
        members[name] = claim.given_to(members.get(name, Member(login=name)), rules)
    return team.model_copy(update={"members": tuple(members.values())})


def _member(listed: Member, people: People, rules: ClaimRules) -> Member:
    person = person_of(listed, people)
    name = person.name if person else listed.login
    rights = listed.rights if rules.rights_from != "claim" else frozenset()
    return listed.model_copy(update={"login": name, "rights": rights})


def person_of(listed: Member, people: People) -> Person | None:
    """Whose account an entry means, if that has signed in."""
    if listed.github_id is not None:
        return people.with_id(str(listed.github_id))
    return people.with_login(listed.login)


def _impostor(listed: Member, people: People) -> Person | None:
    """Who holds the login, if the file means another account by its number."""
    if listed.github_id is None or people.with_id(str(listed.github_id)) is not None:
        return None
    return people.with_login(listed.login)
