"""The numbered snapshot of all teams that the hub publishes and the services follow."""

from __future__ import annotations

from datetime import datetime

from fairihub_core.findings import Finding
from fairihub_core.teams import Frozen, TeamDirectory


class FileReport(Frozen):
    """What the hub made of one team file, last time it read it."""

    path: str
    team: str | None = None
    ok: bool = True
    findings: tuple[Finding, ...] = ()


class Snapshot(Frozen):
    """Who is in which team at one moment.

    `number` grows with every change; a service asks for the next one after the number it has.
    """

    number: int
    taken: datetime
    directory: TeamDirectory = TeamDirectory()
    files: tuple[FileReport, ...] = ()
