"""Follows the Customer objects of a cluster through everything that its API may do.

What was seen last stays, whatever happens: a stream that breaks off, an answer of 410, 429 or 500,
one that never comes, an API that is away. The one answer that would remove teams, a list with
nothing in it, counts only if a second one, a pause later, says the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fairihub_auth.customer_api import ApiFailure, CustomerApi
from fairihub_auth.customer_object import CustomerObject, object_from
from fairihub_auth.kube_access import Access
from fairihub_auth.object_status import FIRST_BACKOFF, StatusWriter
from fairihub_core.errors import FairihubError, Unavailable

Objects = Mapping[str, CustomerObject]

log = logging.getLogger("fairihub.teams")


@dataclass(frozen=True)
class Tempo:
    """How patient the hub is with a cluster, in seconds."""

    confirm: float = 5.0
    """Between a list with nothing in it, and the second one that confirms it."""
    away: float = 5.0
    """How long the API may fail before the hub says so."""
    relist: float = 600.0
    """A stream is not trusted for ever: after this all objects are listed anew."""
    between: float = 1.0
    """Streams follow each other no faster than this."""
    first_backoff: float = 0.2
    last_backoff: float = 30.0
    longest_retry_after: float = 60.0
    status_backoff: float = FIRST_BACKOFF


class ObjectFollower:
    """The objects as they were seen last; `run` belongs to one event loop.

    Args:
        changed: called when `objects` or `problem` may be others, in the loop of `run`.
    """

    def __init__(self, access: Access, tempo: Tempo, changed: Callable[[], None]) -> None:
        self._access = access
        self._tempo = tempo
        self._changed = changed
        self._objects: dict[str, CustomerObject] | None = None
        self._problem: FairihubError | None = None
        self._failing_since: float | None = None
        self._failures = 0
        self._poked = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._stopping = False
        self.writer = StatusWriter(tempo.status_backoff)

    @property
    def objects(self) -> Objects | None:
        """By path; None while the cluster was never listed. From any thread."""
        return None if self._objects is None else MappingProxyType(self._objects)

    def away(self) -> FairihubError | None:
        """Why `objects` may not be the latest. From any thread."""
        problem, since = self._problem, self._failing_since
        if since is not None and time.monotonic() - since < self._tempo.away:
            return None
        return problem

    def problem(self) -> FairihubError | None:
        """What went wrong last, also if that is but a moment ago. From any thread."""
        return self._problem

    def poke(self) -> None:
        """Tries again at once, if it is waiting to."""
        self._poked.set()

    def stop(self) -> None:
        """Ends `run`."""
        self._stopping = True
        if self._running is not None:
            self._running.cancel()

    async def run(self) -> None:
        """Follows until it is stopped."""
        self._running = asyncio.current_task()
        while not self._stopping:
            wait = 0.0
            try:
                async with CustomerApi(self._access) as api:
                    writing = asyncio.create_task(self.writer.run(api))
                    try:
                        await self._follow(api)
                    finally:
                        await _ended(writing)
            except ApiFailure as failure:
                wait = min(failure.retry_after, self._tempo.longest_retry_after)
                self._fail(None if failure.status == 410 else failure.problem)
            except Exception as defect:
                self._fail_by(defect)
            await self._pause(wait)

    async def _follow(self, api: CustomerApi) -> None:
        """Lists, then watches; comes back when it is time for a new list."""
        version = await self._listed(api)
        until = time.monotonic() + self._tempo.relist
        while time.monotonic() < until:
            began = time.monotonic()
            seen = await self._watched(api, version)
            if seen is None:
                return
            version = seen
            self._well()
            await asyncio.sleep(began + self._tempo.between - time.monotonic())

    async def _listed(self, api: CustomerApi) -> str:
        found, version = await api.list()
        if not found and self._objects != {}:
            self._doubt()
            await asyncio.sleep(self._tempo.confirm)
            found, version = await api.list()
            if not found and self._objects:
                log.warning("The cluster has no Customer objects any more: their teams are gone")
        self._take([_object(raw) for raw in found])
        self._problem = self._failing_since = None
        self._changed()
        return version

    async def _watched(self, api: CustomerApi, version: str) -> str | None:
        """The version up to which the stream told of changes; None to list anew."""
        async with contextlib.aclosing(api.watch(version)) as events:
            async for event in events:
                self._well()
                version = _version(event["object"])
                if event["type"] != "BOOKMARK" and not self._changed_by(event):
                    return None
        return version

    def _changed_by(self, event: Mapping[str, Any]) -> bool:
        """Takes in one change; False if only a list can say whether it is so."""
        found = _object(event["object"])
        known = dict(self._objects or {})
        if event["type"] == "DELETED":
            if known.keys() == {found.path}:
                return False
            known.pop(found.path, None)
        else:
            known[found.path] = found
        self._take(list(known.values()))
        self._changed()
        return True

    def _take(self, found: list[CustomerObject]) -> None:
        known = self._objects or {}
        self._objects = {one.path: one.as_known_since(known.get(one.path)) for one in found}

    def _well(self) -> None:
        self._failures = 0

    def _doubt(self) -> None:
        self._problem = Unavailable(
            "empty-list",
            "The cluster lists no Customer objects. All teams stay as they are until a second "
            "look confirms that there are none.",
        )
        self._failing_since = None
        self._changed()

    def _fail(self, problem: FairihubError | None) -> None:
        self._failures += 1
        if problem is not None:
            if self._problem is None:
                self._failing_since = time.monotonic()
            self._problem = problem
            self._changed()

    def _fail_by(self, defect: Exception) -> None:
        if self._problem is None or self._problem.code != "internal":
            log.exception("The Customer objects could not be followed; trying again")
        said = "Following the cluster failed, which is a defect of fairihub; the log says more."
        self._fail(Unavailable("internal", f"{said} All teams stay as they are."))

    async def _pause(self, at_least: float) -> None:
        if not self._failures or self._stopping:
            return
        tempo = self._tempo
        wait = min(tempo.first_backoff * 2 ** min(self._failures - 1, 20), tempo.last_backoff)
        wait = max(at_least, wait * random.uniform(0.7, 1))  # noqa: S311
        self._poked.clear()
        await asyncio.sleep(min(wait, max(at_least, tempo.first_backoff)))
        with contextlib.suppress(asyncio.TimeoutError):
            left = wait - max(at_least, tempo.first_backoff)
            if left > 0:
                await asyncio.wait_for(self._poked.wait(), left)


async def _ended(task: asyncio.Task[None]) -> None:
    """Ends `task`; aiohttp makes a cancellation a mere timeout if one falls due at that moment."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)


def _object(raw: Any) -> CustomerObject:
    try:
        return object_from(raw)
    except ValueError:
        said = "The Kubernetes API gives something else than Customer objects. All teams stay."
        raise ApiFailure(Unavailable("source-away", said)) from None


def _version(raw: Any) -> str:
    try:
        return str(raw["metadata"]["resourceVersion"])
    except (KeyError, TypeError):
        said = "The Kubernetes API gives changes without a version. All teams stay."
        raise ApiFailure(Unavailable("source-away", said)) from None
