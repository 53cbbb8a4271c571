"""The sign-in links that `fairihub up` prints: for members, by any source, and for operators."""

from __future__ import annotations

import time

from fairihub.hub_settings import HubSettings
from fairihub.new_links import new_links
from fairihub.team_files import kept_state
from fairihub_core import clock
from fairihub_core.teams import TeamDirectory

MAX_LINKS = 12
"""So many members at most, and so many operators."""
PATIENCE_SECONDS = 5
"""For the first team, from a hub that runs."""


def kept_teams(hub: HubSettings) -> TeamDirectory | None:
    """The teams of all sources in the last good state that the hub keeps; None if it has none."""
    kept = kept_state(hub.team_state_file)
    return kept.directory if kept else None


def teams_read(hub: HubSettings, directory: TeamDirectory) -> TeamDirectory:
    """The teams of all sources: a cluster tells of its own only a moment after the hub runs.

    Args:
        directory: those that were read before, if the hub has nothing to tell.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := kept_teams(hub) or directory).teams and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def first_links(
    hub: HubSettings, directory: TeamDirectory, *, with_operators: bool
) -> dict[str, str]:
    """A sign-in link for each of the first logins; none where a provider says who they are.

    Args:
        with_operators: whether operators get theirs; not where others than them may read it.
    """
    if hub.sign_in != "links":
        return {}
    operators = operators_of(hub)
    wanted = first_logins(directory, operators)
    return new_links(
        hub,
        [login for login in wanted if with_operators or login not in operators],
        "When the hub started",
    )


def operators_of(hub: HubSettings) -> tuple[str, ...]:
    """The operators as settings list them."""
    return tuple(operator.userName for operator in hub.settings.operators)


def first_logins(directory: TeamDirectory, operators: tuple[str, ...] = ()) -> list[str]:
    """Each login once, members in the order of the files; of large directories only the first."""
    members = dict.fromkeys(member.login for team in directory.teams for member in team.members)
    return list(dict.fromkeys([*list(members)[:MAX_LINKS], *operators[:MAX_LINKS]]))


def told_of(login: str, directory: TeamDirectory, operators: tuple[str, ...] = ()) -> str:
    """What a login is, in brackets: `(alpha: admin, beta)`, `(operator)`."""
    today = clock.today()
    told = []
    for team in directory.teams_of(login):
        member = team.member(login)
        words = [team.name]
        if not team.admits(login, today):
            words.append("closed")
        elif member is not None and member.role == "admin":
            words.append("admin")
        elif member is not None and "notebooks" in member.rights:
            words.append("curator")
        told.append(": ".join(words))
    if login in operators:
        told.append("operator")
    return f"({', '.join(told)})"
