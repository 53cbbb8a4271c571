"""What the page of a team shows to its admins: members, the state of its file, how to add one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from fairihub_core.findings import Finding
from fairihub_core.resolution import Mismatch
from fairihub_core.snapshot import Place, Snapshot
from fairihub_core.teams import ALL_RIGHTS, Member, Right, Role, Team
from fairihub_portal.files import (
    BrokenFile,
    WrongAccount,
    own_files,
    rival_files,
    wrong_accounts,
)

Origin = Literal["file", "claim"]


@dataclass(frozen=True)
class MemberRow:
    """A member, and what of the file or of a claim makes them one."""

    login: str
    role: Role
    rights: tuple[Right, ...]
    until: date | None
    ended: bool
    origin: Origin
    line: int
    """In the team's file; 0 if it is not known."""


@dataclass(frozen=True)
class TeamPage:
    """All that the page says of one team."""

    name: str
    until: date | None
    open: bool
    members: tuple[MemberRow, ...]
    place: Place | None
    source: str
    broken: tuple[BrokenFile, ...]
    """Its own file, if that cannot be taken in."""
    rivals: tuple[BrokenFile, ...]
    """Other files that would define this team, too."""
    remarks: tuple[Finding, ...]
    """On a file that is in order: what was repaired or ignored in it."""
    wrong: tuple[WrongAccount, ...]


def team_page(
    team: Team,
    snapshot: Snapshot,
    today: date,
    mismatches: Iterable[Mismatch] = (),
    written: Callable[[str], str] = str,
) -> TeamPage:
    """The page of `team`, one of the snapshot's.

    Args:
        mismatches: those of all teams.
        written: a hub name as the login that team files write.
    """
    report = snapshot.report_of(team.name)
    return TeamPage(
        name=team.name,
        until=team.expires,
        open=team.open_on(today),
        members=tuple(_row(m, team, snapshot, today, written(m.login)) for m in team.members),
        place=report.place("allowedLogins") if report else None,
        source=report.source if report else "",
        broken=own_files(snapshot, (team.name,)),
        rivals=rival_files(snapshot, team.name),
        remarks=report.findings if report and report.ok else (),
        wrong=wrong_accounts(mismatches, snapshot, (team,)),
    )


def _row(member: Member, team: Team, snapshot: Snapshot, today: date, written: str) -> MemberRow:
    report = snapshot.report_of(team.name)
    return MemberRow(
        login=member.login,
        role=member.role,
        rights=tuple(sorted(right for right in ALL_RIGHTS if member.holds(right))),
        until=member.expires,
        ended=member.expires is not None and today > member.expires,
        origin="file" if snapshot.lists(team, written) else "claim",
        line=report.lines.get(written, 0) if report else 0,
    )
