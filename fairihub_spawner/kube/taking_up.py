"""A start that an earlier hub has begun, made one of this hub: shown, waited for and cancelled.

JupyterHub looks at every server that it finds in its database, and lets nobody do anything with
one until that look is over. A start may take many minutes more. So it is told to be one of its
own, as `spawn_single_user` does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

CANCEL_SECONDS = 60
"""After a start was cancelled, JupyterHub begins to stop the server within so many."""
LOOK_SECONDS = 0.05
ROUTE_SECONDS = 5
"""A hub that has just begun may have no proxy yet; it adds what misses later."""


async def pending(spawner: Any, start: Coroutine[Any, Any, None]) -> int | None:
    """What a poll says once `start` is over; until then the server is pending as any other.

    It stays so until JupyterHub's look is over, too: what that does to a server that is stopped
    meanwhile would befall the next one. Of a start that was cancelled it says nothing before the
    server is stopped, which is for who cancelled it.
    """
    spawner.let_go.clear()
    starting = asyncio.ensure_future(start)
    task = asyncio.ensure_future(_looked_at(spawner, starting))

    def up(starting: asyncio.Future[None]) -> None:
        if not starting.cancelled() and starting.exception() is None:
            spawner._check_pending = True

    def over(task: asyncio.Task[None]) -> None:
        starting.cancel()
        if spawner._spawn_future is not task:
            return  # the next start has begun
        if task.cancelled() or task.exception() is None:
            spawner._spawn_future = None
        spawner._spawn_pending = False

    starting.add_done_callback(up)
    task.add_done_callback(over)
    spawner._spawn_future, spawner._spawn_pending, spawner._check_pending = task, True, False
    await asyncio.wait([starting])
    if not starting.cancelled():
        return None if starting.exception() is None else 1
    if await _stopped(spawner):
        return 0
    spawner._check_pending = True
    return None


async def _looked_at(spawner: Any, starting: asyncio.Future[None]) -> None:
    """Waits for the start, and until JupyterHub's look at what came of it is over."""
    await starting
    while spawner._check_pending:  # noqa: ASYNC110 - JupyterHub tells nobody
        await asyncio.sleep(LOOK_SECONDS)


async def _stopped(spawner: Any) -> bool:
    """Whether somebody stops the server; if so, waits until that is done."""
    stopped = asyncio.ensure_future(spawner.let_go.wait())
    while True:
        await asyncio.wait([stopped], timeout=CANCEL_SECONDS)
        if stopped.done() or not spawner._stop_pending:
            stopped.cancel()
            return bool(spawner.let_go.is_set())


async def routed(spawner: Any, url: str) -> None:
    """Tells JupyterHub and its proxy where the server is."""
    where = urlsplit(url)
    spawner.server.proto, spawner.server.ip = where.scheme, where.hostname
    spawner.server.port = where.port or (443 if where.scheme == "https" else 80)
    spawner.user.db.commit()
    proxy = spawner.user.settings["proxy"]
    try:
        await asyncio.wait_for(proxy.add_user(spawner.user, spawner.name), ROUTE_SECONDS)
    except Exception as problem:  # of whatever proxy
        spawner.log.warning("%s: its route is added later: %r", spawner._log_name, problem)
