"""Why a login gets in or does not, team by team, with the place in the file that decided."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from fairihub_core.access import closed_for, denial_of
from fairihub_core.snapshot import NAME_TAKEN, FileReport, Place, Rival, Snapshot
from fairihub_core.teams import ALL_RIGHTS, Frozen, Team

WORST_TOLD = 3
"""Findings of a file that stand beside the reason why somebody is out."""


class Ground(Frozen):
    """What one team says of a login, or the hub as a whole: then `team` is empty."""

    team: str
    admitted: bool
    said: str
    place: Place | None = None


class Explanation(Frozen):
    """Whether `login` comes in, and what decided."""

    login: str
    admitted: bool
    said: str
    grounds: tuple[Ground, ...] = ()


def explained(
    login: str,
    snapshot: Snapshot,
    today: date,
    team: str | None = None,
    written: str | None = None,
    own: bool = False,
) -> Explanation:
    """Why `login` (a hub name) comes in, or not: by each team that lists it, or by `team` only.

    Args:
        written: the login as team files write it, where that is not the hub name.
        own: the snapshot holds the teams of whoever asks, and there may be others.
    """
    directory = snapshot.directory
    teams = [t for t in directory.teams if t.name == team] if team else directory.teams_of(login)
    grounds = tuple(_ground(login, written or login, t, snapshot, today) for t in teams)
    if team is not None and not grounds:
        there = "None of your teams is called" if own else "There is no team"
        missing = Ground(team=team, admitted=False, said=f"{there} “{team}”.")
        grounds = (missing, *_broken(team, snapshot))
    denial = denial_of(login, directory, today)
    admitted = any(g.admitted for g in grounds) if team else denial is None
    said = _said(login, snapshot, today, own)
    if team is not None and not teams and own:
        said = grounds[0].said
    elif team is not None and (denial is None or denial.reason != "unusable-login"):
        said = _said_of(team, login, admitted, comes_in=denial is None)
    return Explanation(login=login, admitted=admitted, said=said, grounds=grounds)


def _said(login: str, snapshot: Snapshot, today: date, own: bool) -> str:
    denial = denial_of(login, snapshot.directory, today)
    if own and denial is not None and denial.reason == "no-team":
        return f"None of your teams lists “{login}”."
    if denial is not None:
        return denial.message()
    operator = login in snapshot.directory.operators
    return f"“{login}” comes in" + (" as an operator of the hub." if operator else ".")


def _said_of(team: str, login: str, admitted: bool, comes_in: bool) -> str:
    if admitted:
        return f"Team “{team}” lets “{login}” in."
    otherwise = f", but “{login}” comes in without it" if comes_in else ""
    return f"Team “{team}” does not let “{login}” in{otherwise}."


def _ground(login: str, written: str, team: Team, snapshot: Snapshot, today: date) -> Ground:
    report = snapshot.report_of(team.name)
    member = team.member(login)
    if member is None:
        nor = ", and no claim brings them in" if team.allow_claims else ""
        said = f"“{written}” is not in allowedLogins{nor}."
        return _of(team, report, "allowedLogins", False, said)
    if not team.admits(login, today):
        closed = closed_for(team, login, today)
        what = "expirationDate" if closed.whole_team else written
        return _of(team, report, what, False, closed.message())
    rights = ", ".join(sorted(right for right in ALL_RIGHTS if member.holds(right)))
    curates = f", curates {rights}." if rights else "."
    if not snapshot.lists(team, written):
        said = f"A member by {_claim(member.claims)}"
        return _of(team, report, "allowClaims", True, said + curates)
    return _of(team, report, written, True, f"Listed as {member.role}{curates}")


def _claim(values: Collection[str]) -> str:
    if not values:
        return "a claim of the sign-in provider"
    named = ", ".join(f"“{value}”" for value in values)
    return f"the claim value{'s' if len(values) > 1 else ''} {named}, as settings grant it"


def _of(team: Team, report: FileReport | None, what: str, admitted: bool, said: str) -> Ground:
    if report is not None and not report.ok:
        since = f" since {report.since:%Y-%m-%d %H:%M} UTC" if report.since else ""
        said += f" (The file has an error{since}; this is its last good state.)"
    place = report.place(what) if report is not None else None
    return Ground(team=team.name, admitted=admitted, said=said, place=place)


def findings_of(team: str, snapshot: Snapshot, but: str = "") -> tuple[Ground, ...]:
    """What is wrong with the file of `team`, the worst of it: a slip may be what decided.

    Args:
        but: a code of findings that are told otherwise.
    """
    report = snapshot.report_of(team)
    if report is None:
        return ()
    found = [f for f in report.findings if f.severity != "info" and f.code != but]
    return tuple(
        Ground(
            team=team,
            admitted=False,
            said=f"{finding.severity.capitalize()} in the file: {finding.message}",
            place=report.place_of(finding),
        )
        for finding in sorted(found, key=lambda f: f.severity != "error")[:WORST_TOLD]
    )


def _broken(team: str, snapshot: Snapshot) -> tuple[Ground, ...]:
    """Files that describe no team at present: one of them may be the one that was meant."""
    return tuple(
        Ground(
            team=team,
            admitted=False,
            said=f"This file cannot be taken in: {finding.message}",
            place=report.place_of(finding),
        )
        for report in snapshot.files
        if not report.ok and report.team is None
        if report.rival is None or report.rival.team == team
        for finding in report.findings[:1]
    )


def rivals_of(
    login: str, logins: Collection[str], team: str | None, snapshot: Snapshot
) -> Iterator[Ground]:
    """The files that would define a team of `login` too, or list it for one; or only for `team`.

    Args:
        login: a hub name.
        logins: all that team files may call them.
    """
    directory = snapshot.directory
    own = {t.name for t in directory.teams_of(login)}
    for report in snapshot.files:
        rival = report.rival
        if rival is None or directory.team(rival.team) is None or team not in (None, rival.team):
            continue
        written = next((login for login in logins if login in rival.lines), None)
        if team is not None or written is not None or rival.team in own:
            yield _of_rival(rival, written, report)


def _of_rival(rival: Rival, written: str | None, report: FileReport) -> Ground:
    lists = f"It lists “{written}”. " if written is not None else ""
    why = next((f.message for f in report.findings if f.code == NAME_TAKEN), "")
    said = f"A second file defines this team, and counts for nothing. {lists}{why}".rstrip()
    line = rival.lines.get(written, 0) if written is not None else 0
    return Ground(team=rival.team, admitted=False, said=said, place=report.place_at(line))
