"""What stands after team files were read again: the new where it is good, else the last good.

A broken file gives nobody anything new and takes no team offline; a removed file removes its team.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fairihub_auth.holding import InForce, Key, settle
from fairihub_core.customer import Reading
from fairihub_core.findings import Finding
from fairihub_core.snapshot import FileReport, Rival, Snapshot, shown
from fairihub_core.teams import Team, TeamDirectory
from fairihub_core.units import counted

MAX_REPORTED = 100
"""Findings of one file that go on to people and services."""


@dataclass(frozen=True)
class FileRead:
    """A file as it was read last, and the revision of its source at that moment."""

    reading: Reading
    revision: str | None = None


@dataclass(frozen=True)
class Listing:
    """What one source came to when it was looked at last."""

    source: str
    files: tuple[FileRead, ...] | None
    """None: it cannot be listed, and all its teams stay as they are."""
    problem: Finding | None = None
    """Why it cannot be listed, or may have moved on without us."""


def merged(previous: Snapshot, listings: Sequence[Listing], now: datetime) -> Snapshot:
    """All teams, and a report of each file, out of what every source came to.

    Two files may not hold one name, namespace or bucket: whoever held it before keeps it, of
    two that are new the first. Otherwise a new file could take over what belongs to a team.
    """
    before = teams_by_file(previous)
    reported = {(r.source, r.path): r for r in previous.files}
    read = {(s.source, f.reading.path): f for s in listings for f in s.files or ()}
    in_force: InForce = {}
    for listing in listings:
        for key in _keys(listing, reported):
            good = key in read and read[key].reading.ok
            in_force[key] = read[key].reading.team if good else before.get(key)
    refused = settle(before, in_force)
    reports: list[FileReport] = []
    for listing in listings:
        reports += (
            _report(key, read[key], refused.get(key, ()), in_force[key], reported.get(key), now)
            if key in read
            else reported[key]
            for key in _keys(listing, reported)
            if key in read or key[1] != listing.source
        )
        reports += _of_source(listing, reported, now)
    teams = tuple(team for team in in_force.values() if team is not None)
    directory = TeamDirectory(teams=teams)
    return Snapshot(number=0, taken=now, directory=directory, files=tuple(reports))


def teams_by_file(snapshot: Snapshot) -> Mapping[Key, Team]:
    """The team of each file that has one."""
    found = (
        ((r.source, r.path), snapshot.directory.team(r.team)) for r in snapshot.files if r.team
    )
    return {key: team for key, team in found if team is not None}


def _keys(listing: Listing, reported: Mapping[Key, FileReport]) -> Iterator[Key]:
    """The files of a source; of one that cannot be listed, those it had."""
    if listing.files is not None:
        yield from ((listing.source, f.reading.path) for f in listing.files)
    else:
        yield from (key for key in reported if key[0] == listing.source)


def _report(
    key: Key,
    file: FileRead,
    refused: tuple[Finding, ...],
    team: Team | None,
    earlier: FileReport | None,
    now: datetime,
) -> FileReport:
    reading = file.reading
    ok = reading.ok and not refused
    findings = _worth_telling((*refused, *reading.findings))
    lines = reading.lines if ok else {}
    revision = file.revision
    if not ok and team is not None:
        kept = Finding(
            severity="info",
            code="last-good-kept",
            message=f"Team “{team.name}” stays as the file last described it without an error.",
        )
        findings = (*findings, kept)
        if earlier is not None:
            lines, revision = earlier.lines, earlier.revision
    return FileReport(
        path=reading.path,
        team=team.name if team else None,
        ok=ok,
        findings=findings,
        source=key[0],
        revision=revision,
        read=file.revision,
        since=None if ok else _since(earlier, now),
        lines=lines,
        rival=_rival(reading, team) if refused else None,
    )


def _rival(reading: Reading, team: Team | None) -> Rival | None:
    """The team that the file would define beside `team`, which it does."""
    wanted = reading.team
    if wanted is None or (team is not None and team.name == wanted.name):
        return None
    logins = {m.login: reading.lines.get(m.login, 0) for m in wanted.members}
    return Rival(team=wanted.name, lines=logins)


def _worth_telling(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """All of them, up to a number that people can read and services can carry; errors first."""
    if len(findings) <= MAX_REPORTED:
        return findings
    graver = sorted(findings, key=lambda f: ("error", "warning", "info").index(f.severity))
    said = "More is left out: mend these first."
    more = Finding(severity="info", code="more-findings", message=said)
    return (*graver[:MAX_REPORTED], more)


def _of_source(
    listing: Listing, reported: Mapping[Key, FileReport], now: datetime
) -> Iterator[FileReport]:
    """What is to be said of the source as a whole, under its own name."""
    if listing.problem is None:
        return
    # A source of one file bears the name of that file, whose team stays with the report.
    earlier = reported.get((listing.source, listing.source))
    report = earlier or FileReport(path=listing.source, source=listing.source)
    since = _since(earlier, now)
    update = {"ok": False, "findings": (listing.problem,), "read": None, "since": since}
    yield report.model_copy(update=update)


def _since(earlier: FileReport | None, now: datetime) -> datetime:
    known = earlier.since if earlier is not None and not earlier.ok else None
    return known or now


def changes(before: Snapshot, after: Snapshot) -> Iterable[tuple[bool, str]]:
    """What is new in `after`, in lines for an operator; True where something wants attention."""
    old, new = teams_by_file(before), teams_by_file(after)
    for key in old.keys() - new.keys():
        yield True, f"{shown(*key)}: team “{old[key].name}” is gone"
    for key, team in new.items():
        if team != old.get(key):
            yield False, f"{shown(*key)}: team “{team.name}” {_difference(old.get(key), team)}"
    reported = {(r.source, r.path): r for r in before.files}
    for report in after.files:
        earlier = reported.pop((report.source, report.path), None)
        path = shown(report.source, report.path)
        if earlier is not None and report.ok and not earlier.ok:
            yield False, f"{path}: in order again"
        for finding in report.findings:
            if earlier is None or finding not in earlier.findings:
                yield not report.ok or finding.severity != "info", finding.line_in(path)
    for report in reported.values():
        if report.path == report.source and report.team is None:
            yield False, f"{report.path}: in order again"


def _difference(old: Team | None, new: Team) -> str:
    if old is None or old.name != new.name:
        logins, profiles = len(new.members), len(new.profiles)
        return f"is new, with {counted(logins, 'login')} and {counted(profiles, 'profile')}"
    had, has = ({m.login for m in team.members} for team in (old, new))
    added, removed = sorted(has - had), sorted(had - has)
    parts = (
        f"lets in {', '.join(added)}" if added else "",
        f"lists no more {', '.join(removed)}" if removed else "",
    )
    return "; ".join(part for part in parts if part) or "has changed"
