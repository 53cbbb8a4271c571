"""What is wrong with team files, for operators and for the admins of the team."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from fairihub_core.findings import Finding
from fairihub_core.resolution import Mismatch
from fairihub_core.snapshot import NAME_TAKEN, FileReport, Place, Snapshot
from fairihub_core.teams import Team, TeamDirectory


@dataclass(frozen=True)
class BrokenFile:
    """A team file that could not be taken in, and whether an earlier state is in force."""

    path: str
    team: str | None
    in_force: bool
    findings: tuple[Finding, ...]
    source: str
    revision: str | None
    """Of the state in force."""
    read: str | None
    """Of the state with the findings."""
    since: datetime | None


@dataclass(frozen=True)
class WrongAccount:
    """A login that a team file means for another account than the one that has it now."""

    team: str
    login: str
    expected: str
    found: str
    place: Place | None


def broken_files(snapshot: Snapshot, teams: Iterable[Team] | None = None) -> tuple[BrokenFile, ...]:
    """The broken files that define one of `teams`, and those that would; all if none are named."""
    if teams is None:
        return tuple(_broken(r, snapshot.directory) for r in snapshot.files if not r.ok)
    names = [team.name for team in teams]
    rivals = (rival for team in names for rival in rival_files(snapshot, team))
    return (*own_files(snapshot, names), *rivals)


def own_files(snapshot: Snapshot, teams: Collection[str]) -> tuple[BrokenFile, ...]:
    """The broken files that define one of `teams`."""
    found = (r for r in snapshot.files if not r.ok and r.team in teams)
    return tuple(_broken(report, snapshot.directory) for report in found)


def rival_files(snapshot: Snapshot, team: str) -> tuple[BrokenFile, ...]:
    """The files that would define `team` too; of what else they hold nothing is told."""
    return tuple(
        BrokenFile(
            path=report.path,
            team=None,
            in_force=False,
            findings=tuple(f for f in report.findings if f.code == NAME_TAKEN),
            source=report.source,
            revision=None,
            read=report.read,
            since=report.since,
        )
        for report in snapshot.rivals_of(team)
    )


def wrong_accounts(
    mismatches: Iterable[Mismatch], snapshot: Snapshot, teams: Iterable[Team] | None = None
) -> tuple[WrongAccount, ...]:
    """The mismatches in `teams`, or all, with the place in the file."""
    names = None if teams is None else {team.name for team in teams}
    return tuple(
        WrongAccount(m.team, m.login, m.expected, m.found, _place(m, snapshot))
        for m in mismatches
        if names is None or m.team in names
    )


def _place(mismatch: Mismatch, snapshot: Snapshot) -> Place | None:
    report = snapshot.report_of(mismatch.team)
    return report.place(mismatch.login) if report else None


def _broken(report: FileReport, directory: TeamDirectory) -> BrokenFile:
    errors = tuple(f for f in report.findings if f.severity == "error")
    return BrokenFile(
        path=report.path,
        team=report.team,
        in_force=any(team.name == report.team for team in directory.teams),
        findings=errors or report.findings,
        source=report.source,
        revision=report.revision,
        read=report.read,
        since=report.since,
    )
