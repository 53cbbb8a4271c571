"""The last lines that a running server wrote, for its owner; or why they cannot be had now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fairihub_core.errors import Unavailable
from fairihub_core.servers import ServerLog
from fairihub_core.starts import Diagnosis
from fairihub_spawner.answering import away
from fairihub_spawner.kube.calls import Calls, LostCause
from fairihub_spawner.kube.last_words import last_words
from fairihub_spawner.kube.steady import Placed

log = logging.getLogger("fairihub.cluster")


async def log_of(
    calls: Calls, placed: Placed, lines: int, hidden: Callable[[], Awaitable[tuple[str, ...]]]
) -> ServerLog:
    """The last lines of the server's log.

    Args:
        hidden: the secrets that must not be told.

    Raises:
        Unavailable: `cluster-unreachable`, `server-log-away`, `server-log-refused`.
    """
    try:
        found = await calls.log(placed.namespace, placed.pod, lines=lines)
        secrets = await hidden()
    except LostCause as lost:
        log.warning(
            "The log of %s/%s is not read: %s", placed.namespace, placed.pod, lost.diagnosis.detail
        )
        raise _unread(lost.diagnosis) from None
    told = await asyncio.to_thread(last_words, found.text, secrets, lines=lines)
    return ServerLog(lines=told, whole=found.whole)


def _unread(diagnosis: Diagnosis) -> Unavailable:
    """Why there is no log to show, for its reader; the diagnosis is in words for a start."""
    if diagnosis.code == "cluster-unreachable":
        return away(diagnosis)
    if diagnosis.code == "cluster-busy":
        return Unavailable(
            "server-log-away",
            "The cluster, or the node of your server, does not give the log now. Try again in a "
            "minute.",
        )
    return Unavailable(
        "server-log-refused",
        "The cluster does not let the hub read the log of your server, or the Secrets that must "
        "not be shown in it. Ask the operator of the hub, whose log has what it said.",
    )
