"""The route of each server that a new hub has verified, at once.

JupyterHub adds what misses when it has looked at the last one, which is not before the last start
that it goes on with is over.
"""

from __future__ import annotations

import asyncio
from typing import Any

LOOK_SECONDS = 0.05


async def routed_once_verified(spawner: Any) -> None:
    """Tells the proxy of a server when JupyterHub is done with it, and has a proxy."""
    while spawner.pending in ("check", "spawn"):  # noqa: ASYNC110 - JupyterHub tells nobody
        await asyncio.sleep(LOOK_SECONDS)
    proxy = spawner.user.settings["proxy"]
    await asyncio.wait([proxy.app._start_future])
    if not spawner.ready:
        return  # it is stopped, or was
    try:
        await proxy.add_user(spawner.user, spawner.name)
    except Exception as problem:  # of whatever proxy
        spawner.log.warning("%s: its route is added later: %r", spawner._log_name, problem)
