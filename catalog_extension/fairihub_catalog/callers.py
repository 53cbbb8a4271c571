"""Who asks the catalogue, and what follows from their teams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fairihub_core.access import holds_right, require_access
from fairihub_core.teams import PUBLIC, TeamDirectory


@dataclass(frozen=True)
class Caller:
    """A person, the open teams they belong to, and those whose notebooks they curate."""

    login: str
    teams: tuple[str, ...] = ()
    curates: frozenset[str] = frozenset()

    @property
    def visible(self) -> tuple[str, ...]:
        """The teams whose notebooks they see."""
        return (*self.teams, PUBLIC)


def caller_of(login: str, directory: TeamDirectory, today: date) -> Caller:
    """The caller, as the directory has it today; asked on every request.

    Raises:
        Refused: no team lets them in.
    """
    teams = tuple(t.name for t in require_access(login, directory, today))
    curated = (t for t in teams if holds_right(login, t, "notebooks", directory, today))
    return Caller(login, teams, frozenset(curated))
