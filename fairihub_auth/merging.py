"""What stands after team files were read again: the new where it is good, else the last good.

A broken file gives nobody anything new and takes no team offline; a removed file removes its team.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fairihub_core.customer import Reading, after_claims, claims_of
from fairihub_core.findings import Finding
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Team, TeamDirectory

Standing = Mapping[str, Team | None]
"""The team that stands for each file, by path."""


def merged(
    previous: Snapshot, readings: Sequence[Reading]
) -> tuple[TeamDirectory, tuple[FileReport, ...]]:
    """All teams, and a report of each file, out of new readings of every file there is.

    Two files may not claim one name, namespace or bucket: whoever held it before keeps it, of
    two that are new the first. Otherwise a new file could take over what belongs to a team.
    """
    before = teams_by_path(previous)
    standing: dict[str, Team | None] = {
        r.path: r.team if r.ok else before.get(r.path) for r in readings
    }
    refused: dict[str, tuple[Finding, ...]] = {}
    while losers := _losers(before, standing):
        for loser in losers:
            refused.setdefault(loser.path, loser.findings)
            kept = before.get(loser.path)
            standing[loser.path] = kept if standing[loser.path] != kept else None
    teams = tuple(team for team in standing.values() if team is not None)
    reports = tuple(_report(r, refused.get(r.path, ()), standing[r.path]) for r in readings)
    return TeamDirectory(teams=teams), reports


def unlisted(
    files: tuple[FileReport, ...], source: str, finding: Finding
) -> tuple[FileReport, ...]:
    """The reports as they were, and that the source as a whole cannot be read at present."""
    others = tuple(report for report in files if report.path != source)
    report = next((r for r in files if r.path == source), FileReport(path=source))
    findings = (*(f for f in report.findings if f != finding), finding)
    return (*others, report.model_copy(update={"ok": False, "findings": findings}))


def teams_by_path(snapshot: Snapshot) -> Mapping[str, Team]:
    """The team of each file that has one."""
    found = ((r.path, snapshot.directory.team(r.team)) for r in snapshot.files if r.team)
    return {path: team for path, team in found if team is not None}


def _losers(before: Mapping[str, Team], standing: Standing) -> list[Reading]:
    """The files whose team claims what is another's, with the findings that say so."""
    held = {
        claim: path
        for path, team in standing.items()
        if team is not None and path in before
        for claim in set(claims_of(team)) & set(claims_of(before[path]))
    }
    settled = after_claims([Reading(path=p, team=t) for p, t in standing.items() if t], held)
    return [reading for reading in settled if reading.team is None]


def _report(reading: Reading, refused: tuple[Finding, ...], team: Team | None) -> FileReport:
    ok = reading.ok and not refused
    findings = (*reading.findings, *refused)
    if not ok and team is not None:
        kept = Finding(
            severity="info",
            code="last-good-kept",
            message=f"Team “{team.name}” stays as the file last described it without an error.",
        )
        findings = (*findings, kept)
    return FileReport(path=reading.path, team=team.name if team else None, ok=ok, findings=findings)


def changes(before: Snapshot, after: Snapshot) -> Iterable[tuple[bool, str]]:
    """What is new in `after`, in lines for an operator; True where something wants attention."""
    old, new = teams_by_path(before), teams_by_path(after)
    for path in old.keys() - new.keys():
        yield True, f"{path}: team “{old[path].name}” is gone"
    for path, team in new.items():
        if team != old.get(path):
            yield False, f"{path}: team “{team.name}” {_difference(old.get(path), team)}"
    reported = {report.path: report for report in before.files}
    for report in after.files:
        earlier = reported.get(report.path)
        if earlier is not None and report.ok and not earlier.ok:
            yield False, f"{report.path}: in order again"
        for finding in report.findings:
            if earlier is None or finding not in earlier.findings:
                yield not report.ok or finding.severity != "info", _line(report.path, finding)


def _difference(old: Team | None, new: Team) -> str:
    if old is None or old.name != new.name:
        return f"is new, with {len(new.members)} logins and {len(new.profiles)} profiles"
    had, has = ({m.login for m in team.members} for team in (old, new))
    added, removed = sorted(has - had), sorted(had - has)
    parts = (
        f"lets in {', '.join(added)}" if added else "",
        f"lists no more {', '.join(removed)}" if removed else "",
    )
    return "; ".join(part for part in parts if part) or "has changed"


def _line(path: str, finding: Finding) -> str:
    place = f"{path}:{finding.line}" if finding.line else path
    understood = f" Understood: {finding.understood}." if finding.understood else ""
    return f"{place}: {finding.severity} {finding.code}: {finding.message}{understood}"
