"""What a member may start: the profiles of their open teams, and which one was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fairihub_core.errors import Refused, shortened
from fairihub_core.teams import Profile, Team, TeamDirectory


@dataclass(frozen=True)
class Offer:
    """A profile that a member may start, and the team that pays for it."""

    team: Team
    profile: Profile

    @property
    def name(self) -> str:
        return f"{self.team.name}.{self.profile.slug}"


def offers_for(login: str, directory: TeamDirectory, today: date) -> list[Offer]:
    """Every offer open to `login`, in the order of the team files.

    Called by the profile page and, again, by the spawner at start and by every run: a form
    that was filled in yesterday proves nothing today.
    """
    return [
        Offer(team, profile)
        for team in directory.open_teams_of(login, today)
        for profile in team.profiles
    ]


def parted(choice: str | None) -> tuple[str, str]:
    """The names of team and profile in `choice`, an `Offer.name`; each is "" if it lacks them."""
    team, _, slug = (choice or "").partition(".")
    return team, slug


def profile_of(choice: str | None, directory: TeamDirectory) -> Profile | None:
    """The profile that `choice` names, if the team still has it."""
    name, slug = parted(choice)
    team = directory.team(name)
    return next((p for p in team.profiles if p.slug == slug), None) if team else None


def chosen(requested: str | None, offers: list[Offer]) -> Offer:
    """The offer that `requested` names: a slug, or `team.slug`; None means the default.

    Raises:
        Refused: nothing is on offer, the name is unknown, or it fits several teams.
    """
    if not offers:
        raise Refused("no-profile", "None of your teams offers a profile at present.")
    if requested is None:
        return default_of(offers)
    fitting = [o for o in offers if requested in (o.profile.slug, o.name)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(o.name for o in fitting or offers)
    what = "fits several teams" if fitting else "is not one of your profiles"
    raise Refused("unknown-profile", f"“{shortened(requested)}” {what}: {known}.")


def default_of(offers: list[Offer]) -> Offer:
    """The offer marked as default, else the first.

    Raises:
        Refused: the offers are of several teams, so that nothing says who pays.
    """
    teams = dict.fromkeys(o.team.name for o in offers)
    if len(teams) > 1:
        names = ", ".join(o.name for o in offers)
        said = f"You are in several teams; name the profile: {names}."
        raise Refused("several-teams", said, profiles=names)
    return next((o for o in offers if o.profile.default), offers[0])
