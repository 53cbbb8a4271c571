"""Logins that somebody tried who is not the person that the hub or a team file means by them.

Where it says teams, the hub as a whole is one of them: its members are the operators.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from fairihub_core.findings import Finding
from fairihub_core.logins import printable
from fairihub_core.people import Identity, People
from fairihub_core.resolution import Mismatch
from fairihub_core.snapshot import FileReport
from fairihub_core.teams import Member, Team


@dataclass(frozen=True)
class Strangers:
    """Who was refused for it, the last one of each login that a team lists."""

    numbers: Mapping[str, str] = field(default_factory=dict)
    """By login."""

    def including(self, identity: Identity) -> Strangers:
        return Strangers({**self.numbers, identity.login: identity.id})

    def without(self, logins: Collection[str], number: str | None = None) -> Strangers:
        """All but those of these logins, which are clear by now, and of this account."""
        return Strangers(
            {
                login: found
                for login, found in self.numbers.items()
                if login not in logins and found != number
            }
        )

    def among(self, teams: Iterable[Team]) -> Strangers:
        """Those whose login a team lists: who else is tried does not fill the memory."""
        if not self.numbers:
            return self
        listed = {member.login for team in teams for member in team.members}
        return self.without(self.numbers.keys() - listed)

    def mismatches(self, teams: Iterable[Team], people: People) -> tuple[Mismatch, ...]:
        """The entries that mean another account than the one that was tried."""
        return tuple(
            Mismatch(team=team.name, login=member.login, expected=expected, found=found)
            for team in teams
            for member in team.members
            if (found := self.numbers.get(member.login)) is not None
            and (expected := _meant(member, people)) not in (None, found)
        )


def contradicts(identity: Identity, teams: Iterable[Team]) -> bool:
    """Whether a team file names this login with the number of another account."""
    return any(
        member.github_id is not None and str(member.github_id) != identity.id
        for team in teams
        for member in team.members
        if member.login == identity.login
    )


def is_numbered(identity: Identity, teams: Iterable[Team]) -> bool:
    """Whether a team file names this login with this very account's number."""
    return any(
        member.login == identity.login
        and member.github_id is not None
        and str(member.github_id) == identity.id
        for team in teams
        for member in team.members
    )


def lists(identity: Identity, teams: Iterable[Team]) -> bool:
    """Whether a team file names this login, and does not mean another account by it."""
    return any(
        member.login == identity.login
        and (member.github_id is None or str(member.github_id) == identity.id)
        for team in teams
        for member in team.members
    )


def reported(
    files: tuple[FileReport, ...], mismatches: tuple[Mismatch, ...]
) -> tuple[FileReport, ...]:
    """The reports, each with a warning for every entry of its team that somebody else tried."""
    if not mismatches:
        return files
    by_team: dict[str | None, list[Mismatch]] = {}
    for mismatch in mismatches:
        by_team.setdefault(mismatch.team, []).append(mismatch)
    return tuple(_with(report, by_team.get(report.team, [])) for report in files)


def _with(report: FileReport, found: list[Mismatch]) -> FileReport:
    if not found:
        return report
    findings = (*report.findings, *(_finding(mismatch, report) for mismatch in found))
    return report.model_copy(update={"findings": findings})


def _finding(mismatch: Mismatch, report: FileReport) -> Finding:
    return Finding(
        line=report.lines.get(mismatch.login, 0),
        severity="warning",
        code="another-person",
        message=(
            f"“{mismatch.login}” signs in with account {printable(mismatch.found)}, but this "
            f"entry means account {printable(mismatch.expected)}. The other gets nothing by it."
        ),
    )


def _meant(member: Member, people: People) -> str | None:
    """The number of the account that an entry means, as far as anybody knows."""
    if member.github_id is not None:
        return str(member.github_id)
    holder = people.with_login(member.login)
    return holder.id if holder is not None else None
