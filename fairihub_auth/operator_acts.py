"""What operators do at JupyterHub's own addresses, to others or to the hub: for the audit log.

Our own addresses tell of themselves; who makes a token is told where the token is made.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from fairihub_auth.instead import DECIDED_ELSEWHERE
from fairihub_auth.server_requests import found_by, running
from fairihub_core import clock
from fairihub_core.audit import Entry, Record
from fairihub_core.hub_callers import CONSOLES
from fairihub_core.offers import parted
from fairihub_core.teams import Frozen

_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_TOLD_THERE = (("api", "fairihub"), ("api", "oauth2"))
"""What has entries of its own, and how a session of one's own begins."""
_MAX_NAMED = 10

log = logging.getLogger("fairihub.audit")

LogRequest = Callable[[Any], None]
"""As tornado calls it, once for each request that was answered."""


class Act(Frozen):
    """A request of an operator that was answered."""

    by: str
    method: str
    path: tuple[str, ...]
    """Of the address, what follows `/hub/`, in its parts."""
    status: int
    named: tuple[str, ...] = ()
    """The users whom the body names."""
    with_options: bool = False
    """Whether the address has a query that means something."""
    choice: str = ""
    """The profile of the server that it is about, if one ran before or runs now."""
    found_server: bool = True
    """Whether there was a server to stop."""
    refused_as: str = ""
    """The code under which it was refused by an address of ours."""


def entry_of(act: Act, at: datetime) -> Entry | None:
    """What is told of the act; None if it changed nothing, or nothing but what is one's own.

    Of what is refused, only what would have decided who comes in or who operates the hub.
    """
    whom, refused = _whom(act.path), act.refused_as == DECIDED_ELSEWHERE
    if whom in (None, act.by) or not (refused or _changes(act)):
        return None
    failed = f", which failed ({act.status})" if act.status >= 500 else ""
    return Entry(
        at=at,
        action="server-stopped" if _stops(act) and not failed else "operator-acted",
        login=whom or (act.named[0] if len(act.named) == 1 else ""),
        by=act.by,
        team=parted(act.choice)[0],
        detail=f"{act.method} {'/'.join(act.path)}{_listed(act.named)}"
        f"{failed or (', refused' if refused else '')}",
        code=act.refused_as if refused else "",
    )


def _whom(path: tuple[str, ...]) -> str | None:
    """Whom the address names: "" for the hub itself, None if it is not one of these."""
    if path[:1] == ("spawn",):
        return path[1] if len(path) > 1 else None
    if path[:1] != ("api",) or path[:2] in _TOLD_THERE:
        return None
    return path[2] if path[1:2] == ("users",) and len(path) > 2 else ""


def _changes(act: Act) -> bool:
    if 400 <= act.status < 500:
        return False
    if act.method == "POST" and act.path[3:] == ("tokens",):  # told as a token, with its scopes
        return False
    if act.method == "PATCH" and len(act.path) == 3 and _whom(act.path) and act.status < 500:
        return False  # nothing of a user is ever changed by it
    if _stops(act) and not act.found_server:
        return False
    # JupyterHub starts a server also for who opens its page with options in the address.
    return act.method in _CHANGES or (act.path[0] == "spawn" and act.with_options)


def _stops(act: Act) -> bool:
    return act.method == "DELETE" and _is_of_server(act.path)


def _is_of_server(path: tuple[str, ...]) -> bool:
    return path[0] == "spawn" or path[3:4] in (("server",), ("servers",))


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return f": {', '.join(names[:_MAX_NAMED])}{more}" if names else ""


def recorded(record: Record, log_request: LogRequest) -> LogRequest:
    """`log_request`, and an entry for each act of an operator: tornado tells it of each answer."""

    def answered(handler: Any) -> None:
        log_request(handler)
        try:
            act = _act_of(handler)
            entry = entry_of(act, clock.now()) if act is not None else None
        except Exception:  # the request was answered, whatever is wrong with its traces
            log.exception("What an operator did could not be told to the audit log")
            return
        if entry is not None:
            record(entry)

    return answered


def _act_of(handler: Any) -> Act | None:
    user, request = getattr(handler, "_jupyterhub_user", None), handler.request
    prefix = handler.hub.base_url if user is not None else ""
    if user is None or not request.path.startswith(prefix):
        return None
    if not (user.name in CONSOLES if user.kind == "service" else user.admin):
        return None
    path = tuple(unquote(part) for part in request.path[len(prefix) :].split("/") if part)
    found = found_by(handler) if request.method == "DELETE" else _running_now(handler, path)
    return Act(
        by=user.name,
        method=request.method,
        path=path,
        status=handler.get_status(),
        named=_named(request.body) if request.method in _CHANGES else (),
        with_options=bool(request.query_arguments.keys() - {"next", "_xsrf"}),
        choice=found or "",
        found_server=found is not None,
        refused_as=getattr(handler, "refused_as", ""),
    )


def _named(body: bytes) -> tuple[str, ...]:
    """The users whom JupyterHub's API would read out of the body."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    names = said.get("usernames", said.get("users")) if isinstance(said, dict) else None
    named = names if isinstance(names, list) else []
    return tuple(name for name in named if isinstance(name, str))


def _running_now(handler: Any, path: tuple[str, ...]) -> str | None:
    if not path or not _is_of_server(path):
        return None
    return running(handler.find_user(_whom(path) or ""))
