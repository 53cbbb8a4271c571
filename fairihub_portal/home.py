"""What the hub's home page shows: the server, the member's teams, and what is wrong with files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from fairihub_core.offers import parted, profile_of
from fairihub_core.operators import Operator
from fairihub_core.resolution import Mismatch
from fairihub_core.servers import ServerState
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import Team, TeamDirectory
from fairihub_portal.files import BrokenFile, WrongAccount, broken_files, wrong_accounts
from fairihub_portal.views import Fact, facts_of


@dataclass(frozen=True)
class ServerNow:
    """What the hub knows of a member's server at this moment."""

    state: ServerState = "stopped"
    choice: str | None = None
    """The `team.slug` it was started with."""
    since: datetime | None = None


@dataclass(frozen=True)
class ServerPanel:
    """A server in words. Without `profile`, its profile is gone from the team file."""

    state: ServerState
    team: str | None
    profile: str | None
    facts: tuple[Fact, ...]
    since: datetime | None


@dataclass(frozen=True)
class Membership:
    """A team of the member, open today."""

    team: str
    role: str
    until: date | None
    admins: tuple[str, ...]


@dataclass(frozen=True)
class HomePage:
    """All that the home page says about one login."""

    server: ServerPanel
    memberships: tuple[Membership, ...]
    broken: tuple[BrokenFile, ...]
    wrong: tuple[WrongAccount, ...]
    all_teams: tuple[str, ...]
    """For an operator: every team of the hub, each with a page of its own."""
    operators: tuple[Operator, ...]
    """For an operator: those of whom settings do not make plain who they are on this hub."""


def home_page(
    login: str,
    server: ServerNow,
    snapshot: Snapshot,
    today: date,
    mismatches: Iterable[Mismatch] = (),
    operators: Iterable[Operator] = (),
) -> HomePage:
    """The home page of `login`: an operator sees what is wrong anywhere, an admin in their teams.

    Args:
        mismatches: those of all teams, and of the hub.
        operators: as settings name them.
    """
    directory = snapshot.directory
    open_teams = directory.open_teams_of(login, today)
    operator = login in directory.operators
    concerned = None if operator else directory.administered_by(login, today)
    return HomePage(
        server=_panel(server, directory),
        memberships=tuple(_membership(team, login) for team in open_teams),
        broken=broken_files(snapshot, concerned),
        wrong=wrong_accounts(mismatches, snapshot, concerned),
        all_teams=tuple(sorted(team.name for team in directory.teams)) if operator else (),
        operators=tuple(o for o in operators if o.remarkable) if operator else (),
    )


def _panel(server: ServerNow, directory: TeamDirectory) -> ServerPanel:
    profile = profile_of(server.choice, directory)
    return ServerPanel(
        state=server.state,
        team=parted(server.choice)[0] or None,
        profile=profile.display_name if profile else None,
        facts=facts_of(profile) if profile else (),
        since=server.since,
    )


def _membership(team: Team, login: str) -> Membership:
    member = team.member(login)
    ends = [day for day in (team.expires, member.expires if member else None) if day]
    return Membership(
        team=team.name,
        role=member.role if member else "user",
        until=min(ends, default=None),
        admins=team.admins,
    )
