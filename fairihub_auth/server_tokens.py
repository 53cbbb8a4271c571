"""The token of a server that starts: told once the server has it, never where it was refused.

JupyterHub makes and keeps it before it asks whether the server may start, and takes it back if not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from jupyterhub.spawner import SpawnException
from jupyterhub.user import User
from tornado import web

Tell = Callable[[], None]

_held: ContextVar[list[Tell] | None] = ContextVar("held", default=None)
_REFUSALS = (SpawnException, web.HTTPError)

_theirs = User.spawn


def hold_until_started() -> None:
    """For all starts of servers in this process, by whichever spawner."""
    User.spawn = _spawned


def tell_when_due(tell: Tell) -> None:
    """Tells of a token that is kept: at once, or when the server has started that it is for.

    Called in the task that made the token, which a start of a server has to itself.
    """
    held = _held.get()
    if held is None:
        tell()
    else:
        held.append(tell)


async def _spawned(user: Any, *args: Any, **named: Any) -> Any:
    held: list[Tell] = []
    before = _held.set(held)
    try:
        answer = await _theirs(user, *args, **named)
    except _REFUSALS:
        held.clear()
        raise
    finally:
        _held.reset(before)
        # Also of a server that began and failed: it had the token.
        for tell in held:
            tell()
    return answer
