"""The numbered snapshot of all teams that the hub publishes and the services follow."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType

from pydantic import Field

from fairihub_core.findings import Finding
from fairihub_core.teams import Frozen, FrozenNumbers, Team, TeamDirectory

NAME_TAKEN = "team-taken"
"""The code of the finding that a team is another file's already."""


def shown(source: str, path: str) -> str:
    """A file as an operator finds it: of a repository, with the name that settings give to it."""
    below = not source or path == source or path.startswith(f"{source}/")
    return path if below else f"{source}: {path}"


class Place(Frozen):
    """Where something stands in a team file, for those who may know."""

    source: str = ""
    """The source that the file is from, as an operator calls it."""
    path: str
    line: int = 0
    revision: str | None = None

    @property
    def file(self) -> str:
        """The file, apart from those of the same path in other sources."""
        return shown(self.source, self.path)

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        revision = f", at {self.revision[:12]}" if self.revision else ""
        return f"{self.file}{line}{revision}"


class Rival(Frozen):
    """What a file describes without fault, and may not, since it is another file's already."""

    team: str
    lines: FrozenNumbers = Field(default_factory=lambda: MappingProxyType({}))
    """The line of each login there."""


class FileReport(Frozen):
    """What the hub made of one team file, last time it read it."""

    path: str
    team: str | None = None
    ok: bool = True
    findings: tuple[Finding, ...] = ()
    source: str = ""
    """The source that the file is from, as an operator calls it."""
    revision: str | None = None
    """The commit, where the source has such, of the state in force."""
    read: str | None = None
    """The commit of the state that was read last, which is where the findings are."""
    since: datetime | None = None
    """Since when the file cannot be taken in; None while it is in order."""
    lines: FrozenNumbers = Field(default_factory=lambda: MappingProxyType({}))
    """Of the state in force: the line of each login, of `expirationDate`, `allowedLogins`, and
    `allowClaims`."""
    rival: Rival | None = None

    def place(self, what: str) -> Place:
        """Where `what` stands: a login as the file writes it in lower case, or a key."""
        return self._place(self.lines.get(what, 0), self.revision)

    def place_of(self, finding: Finding) -> Place:
        """Where that was found: in the file as it was read last, whether or not that counts."""
        return self.place_at(finding.line)

    def place_at(self, line: int) -> Place:
        """That line of the file as it was read last."""
        return self._place(line, self.read)

    def _place(self, line: int, revision: str | None) -> Place:
        return Place(source=self.source, path=self.path, line=line, revision=revision)


class Snapshot(Frozen):
    """Who is in which team at one moment, by hub name.

    `number` grows with every change; a service asks for the next one after the number it has.
    """

    number: int
    taken: datetime
    directory: TeamDirectory = TeamDirectory()
    files: tuple[FileReport, ...] = ()

    def report_of(self, team: str) -> FileReport | None:
        """The file that defines `team`, as it was read last."""
        return next((report for report in self.files if report.team == team), None)

    def rivals_of(self, team: str) -> tuple[FileReport, ...]:
        """The files that would define `team` too, and do not count."""
        return tuple(r for r in self.files if r.rival is not None and r.rival.team == team)

    def lists(self, team: Team, written: str) -> bool:
        """Whether a member of `team` is one by its file; if not, a claim made them one.

        Args:
            written: the login as the file would write it.
        """
        report = self.report_of(team.name)
        return not team.allow_claims or report is None or written in report.lines
