"""Team files as the command line meets them: read once, reported on, turned into a directory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fairihub_auth.sources import FolderSource, is_empty
from fairihub_core.customer import Reading, read_customers
from fairihub_core.errors import BadInput, FairihubError
from fairihub_core.findings import Finding
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import TeamDirectory


@dataclass(frozen=True)
class Beginning:
    """What a hub starts with: the teams that can be read now, and why others cannot."""

    directory: TeamDirectory
    warnings: tuple[str, ...] = ()


def beginning_of(folders: Sequence[Path], kept: Snapshot | None, elsewhere: bool) -> Beginning:
    """What `fairihub up` starts with; a folder in which no team can be read stops no hub of before.

    Args:
        folders: folders of team files, or single files.
        kept: the last good state that the hub keeps.
        elsewhere: whether there are team files that only the hub can read.

    Raises:
        BadInput: `no-teams`, no team is known at all.
    """
    there = at_hand(folders)
    warnings = [_absence(folder) for folder in folders if folder not in there]
    try:
        directory = read_teams(*(there or folders)) if folders else TeamDirectory()
    except FairihubError as problem:
        if not (elsewhere or _ran_with(folders, kept)):
            raise
        warnings += [f"{problem.message}\nTeams read before stay as they were."] if there else []
        directory = TeamDirectory()
    return Beginning(directory, tuple(warnings))


def kept_state(file: Path) -> Snapshot | None:
    """The last good state of all team files that a hub keeps; None if it has none."""
    try:
        return Snapshot.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def at_hand(folders: Iterable[Path]) -> list[Path]:
    """Those with team files now; of one that is gone or empty, the hub keeps what it last said."""
    return [folder for folder in folders if not _absence(folder)]


def _absence(folder: Path) -> str:
    """Why there are no team files in `folder`, and what follows; empty if there are."""
    source = FolderSource(folder)
    try:
        return "" if source.stamps() else f"{_holds_none(folder)} No team is left of it."
    except FairihubError as problem:
        return problem.message


def _ran_with(folders: Iterable[Path], kept: Snapshot | None) -> bool:
    """Whether a hub has run with these; a name that neither is there nor was is a slip."""
    if kept is None:
        return False
    read = {report.source for report in kept.files}
    return all(folder.exists() or FolderSource(folder).name in read for folder in folders)


def _holds_none(folder: Path) -> str:
    return f"{folder} holds no team files (*.yaml, *.yml)."


def readings_of(*paths: Path) -> tuple[Reading, ...]:
    """What each file at `paths` (files, or folders of them) comes to, judged together.

    Raises:
        BadInput: `no-teams`, there is no such file or folder, or nothing is in it.
    """
    texts: dict[str, str] = {}
    broken: list[Reading] = []
    for path in paths:
        if not path.exists():
            raise BadInput("no-teams", f"{path}: no such file or folder.")
        source = FolderSource(path)
        names = [] if is_empty(path) else list(source.stamps())
        if not names:
            raise BadInput("no-teams", _holds_none(path))
        for name in names:
            try:
                texts[name] = source.read(name)
            except FairihubError as problem:
                finding = Finding(severity="error", code=problem.code, message=problem.message)
                broken.append(Reading(path=name, findings=(finding,)))
    return (*read_customers(texts), *broken)


def check_report(readings: Sequence[Reading]) -> dict[str, Any]:
    """The readings as `fairihub check --format json` prints them."""
    return {
        "files": [
            {
                "path": reading.path,
                "team": reading.team.name if reading.team else None,
                "ok": reading.ok,
                "findings": [finding.model_dump() for finding in reading.findings],
            }
            for reading in readings
        ]
    }


def read_teams(*paths: Path) -> TeamDirectory:
    """The teams at `paths`, to start with; one broken file does not keep the others from it.

    Raises:
        BadInput: `no-teams`, there is not one that can be used, with what is wrong.
    """
    readings = readings_of(*paths)
    teams = tuple(reading.team for reading in readings if reading.team is not None)
    if not teams:
        said = "\n".join(lines_of(readings))
        raise BadInput(
            "no-teams", f"{', '.join(map(str, paths))}: no team that can be used.\n{said}"
        )
    return TeamDirectory(teams=teams)


def lines_of(readings: Sequence[Reading]) -> list[str]:
    """The findings of all, a line each."""
    return [f.line_in(reading.path) for reading in readings for f in reading.findings]
