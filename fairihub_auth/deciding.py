"""What the hub's own API answers to whom: decisions, and what they are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any, get_args

from pydantic import Field, ValidationError

from fairihub_core import scopes
from fairihub_core.access import administers, denial_of
from fairihub_core.audit import Action, Entry
from fairihub_core.callers import limited, not_a_person
from fairihub_core.errors import BadInput, Missing, Refused, shortened
from fairihub_core.logins import login_of, printable
from fairihub_core.teams import Frozen, TeamDirectory

CONSOLES = frozenset({"cli"})
"""Services that speak for the operators: the command line of the hub's own machine."""
MAX_ENTRIES = 1000
MAX_REPORTED = 200
_MAX_VALUE = 200
REPORTED: frozenset[Action] = frozenset(
    {
        "run-dismissed",
        "contribution-published",
        "contribution-declined",
        "entries-lost",
    }
)
"""What services report; all else the hub knows better itself."""


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


def require_whole(caller: Caller) -> None:
    """Lets pass people with all they may do, and services that speak for operators.

    Raises:
        Refused: `no-scope`, `not-a-person`.
    """
    if caller.is_service and caller.name not in CONSOLES:
        raise not_a_person()
    if not caller.is_service and not caller.whole:
        raise limited()


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
    if caller.is_service:
        raise not_a_person()
    require_whole(caller)
    if not administers(caller.name, team, directory, today):
        raise _not_theirs(team)


def _not_theirs(team: str) -> Missing:
    return Missing("no-such-team", f"You are no admin of “{printable(team)}”.")


def for_services(scope: str) -> Refused:
    """For who asks what only services with `scope` may."""
    return Refused("no-scope", f"This takes the token of a service with {scope}.", scope=scope)


class Standing(Frozen):
    """Whether somebody is let in at this moment, and until when their server runs."""

    login: str
    admitted: bool
    code: str | None = None
    message: str | None = None
    server_ends: datetime | None = None
    """When a server ends whose team does not admit its owner any more."""


def standing_of(
    login: str,
    directory: TeamDirectory,
    today: date,
    *,
    stays_out: bool = False,
    server_ends: datetime | None = None,
) -> Standing:
    """How `login` stands, for the pages that are open in their browser.

    Args:
        stays_out: let in again, but not signed in since.
        server_ends: when their server ends, if it does.
    """
    denial = denial_of(login, directory, today)
    code: str | None = None
    message: str | None = None
    if denial is not None:
        code, message = denial.reason, denial.message()
    elif stays_out:
        code, message = "signed-out", "You are let in again. Sign in once more."
    elif server_ends is not None:
        message = "The team of your server lets you in no more. You can start another one."
    return Standing(
        login=printable(login),
        admitted=code is None,
        code=code,
        message=message,
        server_ends=server_ends,
    )


class Wanted(Frozen):
    """Which entries of the audit log are asked for."""

    since: datetime | None = None
    login: str | None = None
    action: Action | None = None
    teams: frozenset[str] | None = None
    """None for all, and for what concerns no team."""
    limit: int = 100


def wanted(
    caller: Caller, query: Mapping[str, str], directory: TeamDirectory, today: date
) -> Wanted:
    """What of the audit log the caller is shown: admins see what concerns their teams.

    Raises:
        Refused: `admins-only`.
        Missing: `no-such-team`, also for one of others.
        BadInput: `bad-query`.
    """
    require_whole(caller)
    teams = None
    if not caller.operates(directory):
        teams = frozenset(t.name for t in directory.administered_by(caller.name, today))
        if not teams:
            raise Refused("admins-only", "The audit log is for operators and admins of teams.")
    if "team" in query:
        if teams is not None and query["team"] not in teams:
            raise _not_theirs(query["team"])
        teams = frozenset({query["team"]})
    return Wanted(
        since=_time(query["since"]) if "since" in query else None,
        login=login_of(query["login"]) if "login" in query else None,
        action=_action(query["action"]) if "action" in query else None,
        teams=teams,
        limit=_limit(query.get("limit", "100")),
    )


class _Report(Frozen):
    entries: tuple[Entry, ...] = Field(max_length=MAX_REPORTED)


def reported(caller: Caller, body: Any) -> tuple[Entry, ...]:
    """The entries that a service reports.

    Raises:
        Refused: `no-scope`.
        BadInput: `bad-request`.
    """
    if not caller.is_service or scopes.AUDIT not in caller.scopes:
        raise for_services(scopes.AUDIT)
    try:
        entries = _Report.model_validate(body).entries
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise BadInput("bad-request", f"{shortened(place)}: {first['msg']}.") from None
    foreign = next((e.action for e in entries if e.action not in REPORTED), None)
    if foreign is not None:
        raise BadInput("bad-request", f"“{foreign}” is not for a service to say.")
    return entries


def query_of(given: Mapping[str, list[bytes]], allowed: Iterable[str]) -> dict[str, str]:
    """The parameters of an address, each of them known and given once.

    Raises:
        BadInput: `unknown-parameter`, `bad-query`.
    """
    known = tuple(allowed)
    for name, values in given.items():
        if name not in known:
            can_be = ", ".join(known) or "none"
            said = f"“{printable(name)}” is no parameter here; these are: {can_be}."
            raise BadInput("unknown-parameter", said)
        if len(values) != 1 or not 0 < len(values[0]) <= _MAX_VALUE:
            raise BadInput("bad-query", f"“{name}” is given once, with up to {_MAX_VALUE} bytes.")
    try:
        return {name: values[0].decode("utf-8") for name, values in given.items()}
    except UnicodeDecodeError:
        raise BadInput("bad-query", "The parameters are not UTF-8.") from None


def number_in(query: Mapping[str, str], name: str, default: int) -> int:
    """The whole number that `query` gives for `name`.

    Raises:
        BadInput: `bad-query`.
    """
    try:
        return int(query.get(name, default))
    except ValueError:
        raise BadInput("bad-query", f"“{name}” is a whole number.") from None


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text.removesuffix("Z"))
        aware = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise BadInput(
            "bad-query", "“since” is a time, in UTC, such as 2026-11-21T08:00:00Z."
        ) from None


def _action(text: str) -> Action:
    found: Action | None = next((action for action in get_args(Action) if action == text), None)
    if found is None:
        raise BadInput("bad-query", f"“action” is one of: {', '.join(get_args(Action))}.")
    return found


def _limit(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= 9
    if not is_number or not 1 <= int(text) <= MAX_ENTRIES:
        raise BadInput("bad-query", f"“limit” is a number from 1 to {MAX_ENTRIES:,}.")
    return int(text)
