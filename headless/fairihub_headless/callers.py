"""Who asks the runs service, and whose runs they may see and end; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fairihub_core.access import administers
from fairihub_core.teams import TeamDirectory
from fairihub_headless.models import Run

EVERY_TEAM = "*"
"""In place of a team's name: all that the caller looks after."""


@dataclass(frozen=True)
class Caller:
    """Who asks, with what credential, and which teams there are at this moment."""

    login: str
    token: str
    directory: TeamDirectory

    @property
    def is_operator(self) -> bool:
        return self.login in self.directory.operators

    def owns(self, run: Run) -> bool:
        return run.owner == self.login

    def looks_after(self, team: str, today: date) -> bool:
        """Whether they see how runs of this team stand, read their logs and end them.

        What a run left behind is its owner's alone. An operator looks after every team, also
        one whose file is gone.
        """
        return self.is_operator or administers(self.login, team, self.directory, today)

    def sees(self, run: Run, today: date) -> bool:
        """Whether they see how a run stands: their own, or one of a team they look after."""
        return self.owns(run) or self.looks_after(run.team, today)

    def teams_looked_after(self, today: date) -> tuple[str, ...]:
        """The teams that they are an admin of."""
        return tuple(t.name for t in self.directory.administered_by(self.login, today))

    def office(self, team: str) -> str:
        """In what capacity they look after a team, for those whom it concerns."""
        found = self.directory.team(team)
        admin = found is not None and self.login in found.admins
        return f"an admin of {team}" if admin else "an operator of this hub"

    def lists(self, today: date) -> tuple[str, ...]:
        """What they can ask for as the team of a list, beside their own runs."""
        every = (EVERY_TEAM,) if self.is_operator else ()
        return (*self.teams_looked_after(today), *every)


@dataclass(frozen=True)
class Selection:
    """Which runs of the store are meant."""

    owner: str | None = None
    """Only runs of this member."""
    teams: frozenset[str] | None = None
    """Only runs of these teams; None means of any."""
    also: str | None = None
    """Whose runs are meant whatever their team."""


def selection_of(caller: Caller, team: str | None, owner: str | None, today: date) -> Selection:
    """The runs that the caller means and may see; their own, unless they ask for more.

    Whoever asks for what is not theirs to see gets what they would get if it were not there.
    """
    named = None if team in (None, EVERY_TEAM) else team
    only = None if named is None else frozenset({named})
    if owner == caller.login or (owner is None and team is None):
        return Selection(owner=caller.login, teams=only)
    if caller.is_operator or (named is not None and caller.looks_after(named, today)):
        return Selection(owner=owner, teams=only)
    if named is not None:
        return Selection(caller.login, only) if owner is None else Selection(teams=frozenset())
    teams = frozenset(caller.teams_looked_after(today))
    return Selection(owner=owner, teams=teams, also=caller.login if owner is None else None)
