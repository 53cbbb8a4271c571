"""What the hub's home page shows: the server, the member's teams, and broken team files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from fairihub_core.findings import Finding
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Team, TeamDirectory
from fairihub_portal.views import Fact, facts_of

ServerState = Literal["stopped", "starting", "running", "stopping"]


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
class BrokenFile:
    """A team file that could not be taken in, and whether an earlier state is in force."""

    path: str
    team: str | None
    in_force: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Account:
    """All that the home page says about one login."""

    server: ServerPanel
    memberships: tuple[Membership, ...]
    broken: tuple[BrokenFile, ...]


def account_of(
    login: str, server: ServerNow, snapshot: Snapshot, operators: Collection[str], today: date
) -> Account:
    """The home page of `login`; operators see every broken file, admins those of their teams."""
    directory = snapshot.directory
    open_teams = directory.open_teams_of(login, today)
    return Account(
        server=_panel(server, directory),
        memberships=tuple(_membership(team, login) for team in open_teams),
        broken=tuple(
            _broken(report, directory)
            for report in snapshot.files
            if not report.ok and (login in operators or _administers(login, report, open_teams))
        ),
    )


def _panel(server: ServerNow, directory: TeamDirectory) -> ServerPanel:
    name, _, slug = (server.choice or "").partition(".")
    team = directory.team(name)
    profile = next((p for p in team.profiles if p.slug == slug), None) if team else None
    return ServerPanel(
        state=server.state,
        team=name or None,
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


def _administers(login: str, report: FileReport, open_teams: Collection[Team]) -> bool:
    return any(login in team.admins and _defines(report, team) for team in open_teams)


def _broken(report: FileReport, directory: TeamDirectory) -> BrokenFile:
    errors = tuple(f for f in report.findings if f.severity == "error")
    return BrokenFile(
        path=report.path,
        team=report.team,
        in_force=any(_defines(report, team) for team in directory.teams),
        findings=errors or report.findings,
    )


def _defines(report: FileReport, team: Team) -> bool:
    return team.name == report.team or (team.path is not None and team.path == report.path)
