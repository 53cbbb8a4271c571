"""The token of a server that starts: told once the server is given it, never where it was refused.

JupyterHub makes and keeps it before it asks whether the server may start, and takes it back if not.
"""

from __future__ import annotations

from typing import Any

from jupyterhub.spawner import SpawnException
from jupyterhub.user import User
from tornado import web

from fairihub_core import handover
from fairihub_core.handover import Handover, Tell

_REFUSALS = (SpawnException, web.HTTPError)

_theirs = User.spawn


def hold_until_started() -> None:
    """For all starts of servers in this process, by whichever spawner."""
    User.spawn = _spawned


def tell_when_due(tell: Tell) -> None:
    """Tells of a token that is kept: at once, or when the server that it is for is given it.

    Called in the task that made the token, which a start of a server has to itself.
    """
    start = handover.current.get()
    if start is None:
        tell()
    else:
        start.tell_then(tell)


async def _spawned(user: Any, *args: Any, **named: Any) -> Any:
    start = Handover()
    before = handover.current.set(start)
    try:
        answer = await _theirs(user, *args, **named)
    except _REFUSALS:
        raise  # it has no token, unless its spawner has said that it does
    except BaseException:
        start.done()  # of whichever spawner: it may have begun, and failed
        raise
    finally:
        handover.current.reset(before)
    start.done()
    return answer
