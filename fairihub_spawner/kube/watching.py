"""The cluster's objects of one kind, kept up to date whatever happens to the connection.

KubeSpawner's reflectors list everything anew every few seconds and give up after half a minute
without an API. A `Mirror` lists once, then follows from the version that it has; it lists again
only when the API has forgotten that version, or once in a while, and it never gives up.
Source: kubernetes.io, “API concepts: efficient detection of changes”.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from kubernetes_asyncio.client import ApiException

from fairihub_spawner.kube.bodies import bounded

Json = dict[str, Any]
Call = Callable[..., Awaitable[Any]]
"""A list call of the client, which also watches: `api.list_namespaced_pod` with its namespace."""

PAGE = 250
"""Objects that are read at a time, so that no answer holds up the event loop."""
STREAM_SECONDS = 290
QUIET_SECONDS = 60
"""A bookmark comes every minute; a connection that is silent for longer than two is dead."""
CALL_SECONDS = 30
LIST_AGAIN_SECONDS = 600
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
MAX_LINE = 16 * 1024 * 1024

GONE, FORBIDDEN = 410, 403

_AWAY = (ApiException, aiohttp.ClientError, OSError, asyncio.TimeoutError)
"""What befalls a connection; anything else is a defect, after which the state is read anew."""

log = logging.getLogger("fairihub.cluster")


class Mirror:
    """What the cluster holds of one kind; `resources` is by `namespace/name`.

    The objects are as the API has them (camelCase), without `managedFields`. They stay as they
    were while the API cannot be reached: whoever acts on one that is missing asks the API first.
    KubeSpawner takes it for one of its reflectors.

    Args:
        what: how the log calls it.
        call: lists, and watches with `watch=True`.
        selectors: `label_selector`, `field_selector`.
    """

    def __init__(self, what: str, call: Call, **selectors: str) -> None:
        self.resources: dict[str, Json] = {}
        self.first_load_future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.trouble: Exception | None = None
        """Why the cluster cannot be followed at present."""
        self._heard = time.monotonic()
        self._what = what
        self._call = call
        self._selectors = selectors
        # Of each key for as long as somebody waits for it.
        self._pulses: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._task: asyncio.Task[None] | None = None

    @property
    def pods(self) -> dict[str, Json]:
        """The name by which KubeSpawner asks."""
        return self.resources

    async def start(self) -> None:
        """Begins to follow; does not wait for the first answer."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def silent_for(self) -> float:
        """Seconds for which nothing has been heard, if the cluster cannot be followed; else 0.

        Who may list and not watch is in trouble for ever, and yet hears of everything.
        """
        return 0.0 if self.trouble is None else time.monotonic() - self._heard

    async def loaded(self, seconds: float) -> bool:
        """Whether the first answer has come, within so many seconds."""
        done, _ = await asyncio.wait([self.first_load_future], timeout=seconds)
        return bool(done)

    async def changed(self, key: str, seconds: float) -> None:
        """Waits for the next change of the object `namespace/name`, for so many seconds at most.

        Of that one alone: a hundred starts that all look at each change of any of them would keep
        the hub busy with nothing else.
        """
        pulse = self._pulses.get(key) or self._pulses.setdefault(key, asyncio.Event())
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(pulse.wait(), seconds)

    async def _follow(self) -> None:
        version: str | None = None
        pause, listed = FIRST_PAUSE, 0.0
        while True:
            began = time.monotonic()
            try:
                if version is None or began - listed > LIST_AGAIN_SECONDS:
                    version, listed = await self._list(), began
                version = await self._watch(version)
                self._recovered()
                # A stream that ends as soon as it begins must not become a busy loop.
                pause = FIRST_PAUSE if time.monotonic() - began > 1 else min(2 * pause, 1.0)
            except Exception as problem:
                # Who may list and not watch is up to date by listing.
                if _is(GONE, problem) or _is(FORBIDDEN, problem) or not isinstance(problem, _AWAY):
                    version = None
                if not _is(GONE, problem):
                    self._troubled(problem)
                pause = min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _list(self) -> str:
        """Takes the whole state, page by page, and its version."""
        found: dict[str, Json] = {}
        more: dict[str, str] = {}
        while True:
            page = await self._answer(limit=PAGE, **more)
            for item in page["items"]:
                found[_key(item)] = _lean(item)
            rest = page["metadata"].get("continue")
            if not rest:
                break
            more = {"_continue": rest}
        self.resources = found
        if not self.first_load_future.done():
            self.first_load_future.set_result(None)
        for key in tuple(self._pulses):
            self._tell(key)
        version: str = page["metadata"]["resourceVersion"]
        return version

    async def _answer(self, **query: Any) -> Json:
        answer = await self._call(
            _preload_content=False, _request_timeout=CALL_SECONDS, **self._selectors, **query
        )
        async with answer:
            body = await bounded(answer)
        if answer.status != 200:
            raise _refused(answer, body)
        self._heard = time.monotonic()
        return dict(json.loads(body))

    async def _watch(self, version: str) -> str | None:
        """Follows from `version` until the stream ends; the version reached, None if it is gone."""
        answer = await self._call(
            watch=True,
            resource_version=version,
            allow_watch_bookmarks=True,
            timeout_seconds=STREAM_SECONDS,
            _preload_content=False,
            _request_timeout=(CALL_SECONDS, 2 * QUIET_SECONDS),
            **self._selectors,
        )
        async with answer:
            if answer.status != 200:
                raise _refused(answer, await bounded(answer))
            self._recovered()
            try:
                async for line in _lines(answer.content):
                    version = self._take(json.loads(line)) or version
            except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as problem:
                # Every stream ends some time. What was read counts; from there it goes on.
                log.debug("%s: the stream broke: %s", self._what, _said(problem))
        return version

    def _take(self, event: Mapping[str, Any]) -> str | None:
        """Takes in one event of the stream; the version that it brings."""
        kind, item = event["type"], event["object"]
        if kind == "ERROR":
            raise ApiException(status=item.get("code"), reason=item.get("reason"))
        if kind == "DELETED":
            self.resources.pop(_key(item), None)
        elif kind != "BOOKMARK":
            self.resources[_key(item)] = _lean(item)
        if kind != "BOOKMARK":
            self._tell(_key(item))
        version: str | None = item["metadata"].get("resourceVersion")
        return version

    def _tell(self, key: str) -> None:
        pulse = self._pulses.pop(key, None)
        if pulse is not None:
            pulse.set()

    def _troubled(self, problem: Exception) -> None:
        if self.trouble is None:
            log.warning("%s cannot be followed, trying again: %s", self._what, _said(problem))
            self._heard = time.monotonic()
        self.trouble = problem

    def _recovered(self) -> None:
        if self.trouble is not None:
            log.warning("%s can be followed again", self._what)
        self.trouble = None


async def _lines(content: Any) -> AsyncIterator[bytes]:
    """The whole lines of a stream; what a broken connection left of the last one is dropped."""
    rest = b""
    async for piece in content.iter_any():
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE:
            raise ValueError(f"an object of over {MAX_LINE:,} bytes")
        for line in whole:
            if line.strip():
                yield line


def _refused(answer: Any, body: bytes) -> ApiException:
    refusal = ApiException(status=answer.status, reason=answer.reason)
    refusal.body = body
    return refusal


def _is(status: int, problem: Exception) -> bool:
    return isinstance(problem, ApiException) and problem.status == status


def _key(item: Mapping[str, Any]) -> str:
    meta = item["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"


def _lean(item: Json) -> Json:
    """Without what nobody here reads and often is the larger half of an object."""
    item["metadata"].pop("managedFields", None)
    return item


def _said(problem: Exception) -> str:
    if isinstance(problem, ApiException):
        return f"{problem.status} {problem.reason}"
    return f"{type(problem).__name__} {problem}".strip()
