"""Customer objects over the API of Kubernetes: list, watch, and their status written back.

What the hub needs to be allowed: `get`, `list` and `watch` on `customers`, `patch` on
`customers/status`, both of the group `hub.eox.at`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import aiohttp
from kubernetes_asyncio import client

from fairihub_auth.kube_access import Access, configuration, in_words
from fairihub_auth.sources import MAX_FILES
from fairihub_core.customer_format import GROUP, PLURAL, VERSION
from fairihub_core.errors import FairihubError, Refused, TooLarge, Unavailable
from fairihub_core.logins import printable

PAGE = 100
MAX_PAGE_BYTES = 200 * 1024 * 1024
ANSWER_SECONDS = 30.0
WATCH_SECONDS = 240
"""How long a stream lasts; the API ends it then, and the hub begins the next where it ended."""
SILENCE_SECONDS = 90.0
"""The API puts a bookmark into an idle stream every minute: without one it is dead."""

Raw = dict[str, Any]


class ApiFailure(Exception):
    """What the API did not do, in words for an operator, and when to try again."""

    def __init__(self, problem: FairihubError, status: int = 0, retry_after: float = 0) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.status = status
        self.retry_after = retry_after


class CustomerApi:
    """One connection to a cluster; belongs to the event loop that opened it.

    Raises:
        ApiFailure: from every method, whatever went wrong.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    async def __aenter__(self) -> CustomerApi:
        try:
            self._client = client.ApiClient(await configuration(self._access))
        except Exception as problem:  # the loaders raise whatever a file or a plugin makes them
            raise ApiFailure(
                Unavailable(
                    "no-cluster", f"There is no way to a Kubernetes API: {in_words(problem)}."
                )
            ) from problem
        # Its stubs leave out what its methods take beside the parameters of the API.
        self._objects: Any = client.CustomObjectsApi(self._client)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def list(self) -> tuple[list[Raw], str]:
        """Every object as it is now, not as a cache has it, and the version to watch from."""
        found: list[Raw] = []
        more = ""
        while True:
            page = await self._page(more)
            found += page["items"]
            if len(found) > MAX_FILES:
                said = f"The cluster has more than {MAX_FILES:,} Customer objects, the most read."
                raise ApiFailure(TooLarge("too-many-teams", said))
            more = page["metadata"].get("continue") or ""
            if not more:
                return found, page["metadata"]["resourceVersion"]

    async def watch(self, version: str) -> AsyncGenerator[Raw, None]:
        """Every change after `version`, as `{"type": …, "object": …}`, until the stream ends."""
        limits = aiohttp.ClientTimeout(
            connect=ANSWER_SECONDS, sock_connect=ANSWER_SECONDS, sock_read=SILENCE_SECONDS
        )
        options = {
            "watch": True,
            "resource_version": version,
            "allow_watch_bookmarks": True,
            "timeout_seconds": WATCH_SECONDS,
        }
        with _explained():
            answer = await self._asked(limits, **options)
            try:
                await _checked(answer)
                while line := await answer.content.readline():
                    if not line.endswith(b"\n"):
                        raise ApiFailure(_away("its stream broke off"))
                    yield _event(line)
            finally:
                answer.close()

    async def write_status(self, namespace: str, name: str, uid: str, status: Raw) -> None:
        """Merges `status` into that of the object, if it is still the one with this `uid`."""
        with _explained():
            answer = await self._objects.patch_namespaced_custom_object_status(
                GROUP,
                VERSION,
                namespace,
                PLURAL,
                name,
                {"metadata": {"uid": uid}, "status": status},
                _content_type="application/merge-patch+json",
                _preload_content=False,
                _request_timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            )
            async with answer:
                await _checked(answer, doing="write the status of Customer objects")

    async def _page(self, more: str) -> Raw:
        options = {"_continue": more} if more else {}
        with _explained():
            limits = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
            answer = await self._asked(limits, limit=PAGE, **options)
            async with answer:
                await _checked(answer)
                page = json.loads(await _bounded(answer))
                if not _is_list(page):
                    raise ApiFailure(_away("its answer is no list of Customer objects"))
                return dict(page)

    async def _asked(self, limits: aiohttp.ClientTimeout, **options: Any) -> aiohttp.ClientResponse:
        kept = {"_preload_content": False, "_request_timeout": limits, **options}
        if self._access.namespace is None:
            call = self._objects.list_cluster_custom_object(GROUP, VERSION, PLURAL, **kept)
        else:
            call = self._objects.list_namespaced_custom_object(
                GROUP, VERSION, self._access.namespace, PLURAL, **kept
            )
        answer: aiohttp.ClientResponse = await call
        return answer


@contextmanager
def _explained() -> Iterator[None]:
    """Turns what the client raises into an `ApiFailure`."""
    try:
        yield
    except asyncio.TimeoutError as raised:
        raise ApiFailure(_away("it does not answer")) from raised
    except (aiohttp.ClientError, OSError) as raised:
        raise ApiFailure(_away(f"it cannot be reached ({in_words(raised)})")) from raised
    except ValueError as raised:
        raise ApiFailure(_away("its answer cannot be read")) from raised


async def _checked(answer: aiohttp.ClientResponse, doing: str = "list Customer objects") -> None:
    if answer.ok:
        return
    status = answer.status
    said = _message(await answer.content.read(10_000))
    if status in (401, 403):
        problem: FairihubError = Refused(
            "cluster-refused", f"The cluster does not let the hub {doing}: {said}"
        )
    elif status == 404:
        problem = Unavailable(
            "no-customer-kind",
            "The cluster knows no Customer objects; `fairihub crd | kubectl apply -f -` tells it.",
        )
    else:
        problem = _away(f"it answers {status}: {said}")
    raise ApiFailure(problem, status, _retry_after(answer.headers))


def _event(line: bytes) -> Raw:
    event = json.loads(line)
    found = event.get("object") if isinstance(event, dict) else None
    if not isinstance(found, dict) or not isinstance(event.get("type"), str):
        raise ApiFailure(_away("its stream holds something else than changes"))
    if event["type"] == "ERROR":
        status = found.get("code")
        said = printable(str(found.get("message")), 200)
        status = status if isinstance(status, int) else 0
        raise ApiFailure(_away(f"its stream ended with {status}: {said}"), status)
    return dict(event)


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    """The body; a cluster that answers without end must not fill the memory of the hub."""
    pieces: list[bytes] = []
    size = 0
    async for piece in answer.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > MAX_PAGE_BYTES:
            raise ApiFailure(_away("its list is too large"))
    return b"".join(pieces)


def _is_list(page: Any) -> bool:
    """Whether it is what Kubernetes gives: anything else must not pass for an empty list."""
    if not isinstance(page, dict) or not isinstance(page.get("items"), list):
        return False
    metadata = page.get("metadata")
    return (
        isinstance(metadata, Mapping)
        and isinstance(metadata.get("resourceVersion"), str)
        and bool(metadata["resourceVersion"])
        and str(page.get("kind", "")).endswith("List")
    )


def _message(body: bytes) -> str:
    try:
        said = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return "no reason given."
    return printable(str(said), 200)


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return max(float(headers.get("Retry-After", "0")), 0)
    except ValueError:
        return 0


def _away(why: str) -> Unavailable:
    return Unavailable(
        "source-away",
        f"The Kubernetes API is away: {why.rstrip('.')}. All teams stay as they are.",
    )
