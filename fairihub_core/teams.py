"""Teams, their members and profiles: frozen values that a valid customer.yaml becomes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

Role = Literal["user", "admin"]
Right = Literal["notebooks", "environments"]

ALL_RIGHTS: frozenset[Right] = frozenset({"notebooks", "environments"})
PUBLIC = "public"
"""The name that stands for everyone signed in; no team may have it."""

FrozenNumbers = Annotated[
    Mapping[str, int],
    AfterValidator(lambda given: MappingProxyType(dict(given))),
    PlainSerializer(dict, return_type=dict[str, int]),
]


class Frozen(BaseModel):
    """A value that nobody changes; unknown fields are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Member(Frozen):
    """A login of a team. `login` is lower case; an e-mail address never grants anything."""

    login: str
    role: Role = "user"
    rights: frozenset[Right] = frozenset()
    expires: date | None = None
    """The last day (UTC) of this membership."""
    github_id: int | None = None
    claims: tuple[str, ...] = ()
    """The values of the provider's claim that give membership, or rights, of this team."""

    def holds(self, right: Right) -> bool:
        """Whether this member may curate such things for the team; an admin holds both."""
        return self.role == "admin" or right in self.rights


class Profile(Frozen):
    """A size and equipment of server. Memory and storage in bytes, CPU in cores."""

    slug: str
    display_name: str
    description: str = ""
    node_purpose: str | None = None
    mem_guarantee: int | None = None
    mem_limit: int | None = None
    cpu_guarantee: float | None = None
    cpu_limit: float | None = None
    gpu: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    s3_bucket_name: str | None = None
    secret_names: tuple[str, ...] = ()
    image: str | None = None
    default: bool = False
    kernels: tuple[str, ...] = ()
    storage: int | None = None
    max_hours: float | None = None


class Team(Frozen):
    """A use case: who belongs to it, what they may start, and until when."""

    name: str
    namespace: str
    expires: date | None = None
    """The last day (UTC) on which the team is open."""
    members: tuple[Member, ...] = ()
    profiles: tuple[Profile, ...] = ()
    storage: int | None = None
    """Size of a member's home, in bytes."""
    s3_bucket: int | None = None
    """Size of the team's bucket, in bytes."""
    seconds: FrozenNumbers = Field(default_factory=lambda: MappingProxyType({}))
    """Server time per member in a rolling 30 days: `user` in all, else per node purpose."""
    url: str | None = None
    allow_claims: bool = False
    """Whether a provider's claim may bring members and rights (`allowClaims`)."""

    def open_on(self, today: date) -> bool:
        return self.expires is None or today <= self.expires

    def member(self, login: str) -> Member | None:
        return next((m for m in self.members if m.login == login), None)

    def admits(self, login: str, today: date) -> bool:
        """Whether `login` is a member whose membership and team are both open."""
        member = self.member(login)
        return (
            member is not None
            and self.open_on(today)
            and (member.expires is None or today <= member.expires)
        )

    @property
    def buckets(self) -> tuple[str, ...]:
        """Each bucket that a profile names, once."""
        return tuple(dict.fromkeys(p.s3_bucket_name for p in self.profiles if p.s3_bucket_name))

    @property
    def admins(self) -> tuple[str, ...]:
        return tuple(m.login for m in self.members if m.role == "admin")


class TeamDirectory(Frozen):
    """All teams at one moment, in the order of the team files; swapped as a whole."""

    teams: tuple[Team, ...] = ()
    operators: frozenset[str] = frozenset()
    """Who looks after the hub as a whole; they come in without a team."""

    # Found by login on every request: 200 teams must not be walked for each.
    @cached_property
    def _by_login(self) -> Mapping[str, tuple[Team, ...]]:
        found: dict[str, list[Team]] = {}
        for team in self.teams:
            for login in dict.fromkeys(m.login for m in team.members):
                found.setdefault(login, []).append(team)
        return {login: tuple(teams) for login, teams in found.items()}

    @cached_property
    def _by_name(self) -> Mapping[str, Team]:
        return {team.name: team for team in self.teams}

    def teams_of(self, login: str) -> tuple[Team, ...]:
        """Every team that lists `login`, closed ones too."""
        return self._by_login.get(login, ())

    def open_teams_of(self, login: str, today: date) -> tuple[Team, ...]:
        return tuple(t for t in self.teams_of(login) if t.admits(login, today))

    def administered_by(self, login: str, today: date) -> tuple[Team, ...]:
        """The open teams that `login` is an admin of."""
        return tuple(t for t in self.open_teams_of(login, today) if login in t.admins)

    def team(self, name: str) -> Team | None:
        return self._by_name.get(name)

    def logins(self) -> frozenset[str]:
        return frozenset(self._by_login)
