"""Who asks the hub's own API, and who of them is let through where.

The handlers are those of JupyterHub, which this room does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from fairihub_core.access import administers
from fairihub_core.callers import limited, not_a_person, signed_out
from fairihub_core.errors import Missing, Refused
from fairihub_core.logins import printable
from fairihub_core.teams import TeamDirectory

CONSOLES = frozenset({"cli"})
"""Services that speak for the operators: the command line of the hub's own machine."""


@dataclass(frozen=True)
class Caller:
    """Who asks the hub's own API: a person who is let in, or a service."""

    name: str
    is_service: bool = False
    whole: bool = False
    """Whether a person asks with all they may do, not with a token that is limited."""
    scopes: frozenset[str] = frozenset()

    def operates(self, directory: TeamDirectory) -> bool:
        """Whether the caller looks after the hub as a whole."""
        if self.is_service:
            return self.name in CONSOLES
        return self.whole and self.name in directory.operators


def caller_of(handler: Any) -> Caller:
    """Who asks, and whether with all they may do.

    Raises:
        SignedOut: nobody, or somebody who is let in no more.
    """
    user = handler.current_user
    if user is None:
        raise signed_out()
    scopes = frozenset(handler.expanded_scopes)
    if user.kind == "service":
        return Caller(user.name, is_service=True, scopes=scopes)
    # A session may do all that its owner may; a token that can make any other token, too.
    whole = handler.get_token() is None or handler.has_scope(f"tokens!user={user.name}")
    return Caller(user.name, whole=whole, scopes=scopes)


def require_whole(caller: Caller) -> None:
    """Lets pass people with all they may do, and services that speak for operators.

    Raises:
        Refused: `no-scope`, `not-a-person`.
    """
    if caller.is_service and caller.name not in CONSOLES:
        raise not_a_person()
    if not caller.is_service and not caller.whole:
        raise limited()


def require_person(caller: Caller) -> None:
    """Lets pass people with all they may do, and no service.

    Raises:
        Refused: `no-scope`, `not-a-person`.
    """
    if caller.is_service:
        raise not_a_person()
    require_whole(caller)


def require_operator(caller: Caller, directory: TeamDirectory) -> None:
    """Lets pass operators, and services that speak for them.

    Raises:
        Refused: `no-scope`, `not-a-person`, `operators-only`.
    """
    require_whole(caller)
    if not caller.operates(directory):
        raise Refused("operators-only", "This is for the operators of the hub.")


def require_admin(caller: Caller, team: str, directory: TeamDirectory, today: date) -> None:
    """Lets pass the admins of `team` and operators, in person; for all others there is no team.

    Raises:
        Refused: `no-scope`, `not-a-person`.
        Missing: `no-such-team`, which is also what others' teams are.
    """
    require_person(caller)
    if not administers(caller.name, team, directory, today):
        raise not_theirs(team)


def not_theirs(team: str) -> Missing:
    """For who asks about a team that is none of theirs, or none at all."""
    return Missing("no-such-team", f"You are no admin of “{printable(team)}”.")


def for_services(scope: str) -> Refused:
    """For who asks what only services with `scope` may."""
    return Refused("no-scope", f"This takes the token of a service with {scope}.", scope=scope)
