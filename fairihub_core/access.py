"""Whether a login may come in, and if not, what decided and whom to ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from fairihub_core.errors import Refused
from fairihub_core.logins import LOGIN
from fairihub_core.teams import Right, Team, TeamDirectory

Reason = Literal["no-team", "closed", "another-person", "unusable-login"]


@dataclass(frozen=True)
class Closed:
    """A team that lists the login but lets it in no more."""

    team: str
    closed_on: date
    """The last day on which it was open: of the team, or of this one membership."""
    whole_team: bool
    ask: tuple[str, ...]
    """The team's other admins."""
    own: bool = False
    """Whether the login is an admin of this team, which has closed as a whole: it may know where
    the file says so."""

    def message(self) -> str:
        what, ended = ("Team", "closed") if self.whole_team else ("Membership of", "ended")
        return f"{what} “{self.team}” {ended} after {self.closed_on.isoformat()}."


@dataclass(frozen=True)
class Denial:
    """Why `login` does not get in.

    No team lists it, each that does has closed, it is known as another person's account, or no
    team file could name it.
    """

    login: str
    reason: Reason
    closed: tuple[Closed, ...] = ()
    number: str | None = None
    """The provider's number of the account that was refused, for the lines of a request."""

    def message(self) -> str:
        """The denial in plain words, for answers that have no page."""
        if self.reason == "no-team":
            return f"No team lists “{self.login}”. Ask a team's admin to add this login."
        if self.reason == "unusable-login":
            return (
                f"This hub cannot use the login “{self.login}”: a login has the letters a to z, "
                "digits and . _ @ + -, begins with a letter or digit, ends with a letter, a digit "
                "or _, and has 64 characters at most. No line of a team file helps: have the "
                "account renamed where you sign in, or ask an operator of this hub."
            )
        if self.reason == "another-person":
            return (
                f"“{self.login}” is known here as another person's account. If it is yours, "
                "ask an operator of this hub."
            )
        return " ".join(closed.message() for closed in self.closed)


def denial_of(login: str, directory: TeamDirectory, today: date) -> Denial | None:
    """None if `login` may come in today; asked at sign-in, at refresh, and on every request."""
    listing = directory.teams_of(login)
    if login in directory.operators or any(team.admits(login, today) for team in listing):
        return None
    if not listing:
        return Denial(login, "no-team" if LOGIN.fullmatch(login) else "unusable-login")
    return Denial(login, "closed", tuple(closed_for(team, login, today) for team in listing))


def closed_for(team: Team, login: str, today: date) -> Closed:
    """Why `team`, which lists `login` and does not admit it, is closed to it."""
    member = team.member(login)
    whole = not team.open_on(today)
    last_day = team.expires if whole else (member.expires if member else None)
    if last_day is None:  # pragma: no cover - a team without an end does not close
        raise AssertionError(f"team {team.name} refuses {login} without a date")
    ask = tuple(admin for admin in team.admins if admin != login)
    return Closed(team.name, last_day, whole, ask, own=whole and login in team.admins)


def require_access(login: str, directory: TeamDirectory, today: date) -> tuple[Team, ...]:
    """The open teams of `login`; none for an operator who belongs to no team.

    Raises:
        Refused: `no-team` or `closed`, with the denial in plain words.
    """
    denial = denial_of(login, directory, today)
    if denial is not None:
        raise Refused(denial.reason, denial.message())
    return directory.open_teams_of(login, today)


def holds_right(login: str, team: str, right: Right, directory: TeamDirectory, today: date) -> bool:
    """Whether `login` may curate such things for `team`, today."""
    found = directory.team(team)
    if found is None or not found.admits(login, today):
        return False
    member = found.member(login)
    return member is not None and member.holds(right)


def administers(login: str, team: str, directory: TeamDirectory, today: date) -> bool:
    """Whether `login` is an admin of `team` today; an operator looks after every team."""
    found = directory.team(team)
    if found is None:
        return False
    return login in directory.operators or (found.admits(login, today) and login in found.admins)
