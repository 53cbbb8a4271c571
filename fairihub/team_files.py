"""Team files as the command line meets them: read once, reported on, turned into a directory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fairihub_auth.sources import FolderSource, is_empty
from fairihub_core.customer import Reading, read_customers
from fairihub_core.errors import BadInput, FairihubError
from fairihub_core.findings import Finding
from fairihub_core.teams import TeamDirectory


def at_hand(folders: Iterable[Path]) -> list[Path]:
    """Those with team files now; of one that is gone or empty, the hub keeps what it last said."""
    there = [folder for folder in folders if folder.exists() and not is_empty(folder)]
    return [folder for folder in there if FolderSource(folder).stamps()]


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
            raise BadInput("no-teams", f"{path} holds no team files (*.yaml, *.yml).")
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
