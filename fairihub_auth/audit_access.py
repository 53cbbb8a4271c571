"""What of the audit log somebody reads, and what a service may add to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timezone
from typing import Any, get_args

from pydantic import Field, ValidationError

from fairihub_core import scopes
from fairihub_core.audit import Action, Entry
from fairihub_core.errors import BadInput, Refused, shortened
from fairihub_core.hub_callers import Caller, for_services, not_theirs, require_whole
from fairihub_core.logins import login_of
from fairihub_core.query import count_in
from fairihub_core.teams import Frozen, TeamDirectory

USUAL_ENTRIES = 100
MAX_ENTRIES = 1000
MAX_REPORTED = 200
REPORTED: frozenset[Action] = frozenset(
    {
        "run-dismissed",
        "contribution-published",
        "contribution-declined",
        "entries-lost",
    }
)
"""What services report; all else the hub knows better itself."""


class Wanted(Frozen):
    """Which entries of the audit log are asked for."""

    since: datetime | None = None
    login: str | None = None
    action: Action | None = None
    teams: frozenset[str] | None = None
    """None for all, and for what concerns no team."""
    limit: int = USUAL_ENTRIES


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
            raise not_theirs(query["team"])
        teams = frozenset({query["team"]})
    return Wanted(
        since=_time(query["since"]) if "since" in query else None,
        login=login_of(query["login"]) if "login" in query else None,
        action=_action(query["action"]) if "action" in query else None,
        teams=teams,
        limit=count_in(query, "limit", USUAL_ENTRIES, MAX_ENTRIES),
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
