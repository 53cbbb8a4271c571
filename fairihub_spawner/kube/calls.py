"""What we ask of the cluster's API: each call with a time limit, each failure with a diagnosis.

Objects come and go as the API has them, camelCase and plain values; only the pod to be made is a
`V1Pod`, as KubeSpawner has it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import aiohttp
from kubernetes_asyncio.client import ApiException, StorageV1Api

from fairihub_core.starts import Diagnosis
from fairihub_spawner.kube.api import refusal_for, unreachable
from fairihub_spawner.kube.bodies import bounded
from fairihub_spawner.kube.names import HUB, label_value
from fairihub_spawner.kube.ownership import in_the_way, is_of
from fairihub_spawner.kube.watching import PAGE, Mirror

Json = dict[str, Any]
Told = Callable[["Diagnosis | None"], None]
T = TypeVar("T")

CALL_SECONDS = 10
PATIENCE_SECONDS = 30
TELL_SECONDS = 3.0
"""What has not passed by then is told to whoever waits."""
START = "fairihub.io/start"
"""The annotation that tells one start from the next of the same server."""
MAX_LOG_BYTES = 128 * 1024
NOT_FOUND, CONFLICT, FORBIDDEN = 404, 409, 403
# Of a container that is just being replaced, the node sends its own excuse in place of the log.
_NO_LOG = re.compile(r"unable to retrieve container logs for |failed to try resolving symlinks ")
_NOTHING_WRITTEN = (400, 404)
"""The answers where no container runs yet, or none ran before, or there is no such pod."""
_MERGE = "application/merge-patch+json"


class LostCause(Exception):
    """Something that a server needs is not to be had; the diagnosis says what and why."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.diagnosis = diagnosis


@dataclass(frozen=True)
class Log:
    """The end of what a container wrote."""

    text: str
    whole: bool
    """Whether nothing comes before it, as far as the node keeps logs."""


class Calls:
    """The calls that a spawner makes beside KubeSpawner's own.

    Every call raises `LostCause` where the API does not do what was asked. The pod or the Secret
    of a server that another hub has made is none, and in the way where one is to be made.

    Args:
        hub: its name in labels.
        told: hears what keeps a call that is made `persistently`; with None that it has passed.
    """

    def __init__(
        self, api: Any, hub: str, seconds: float = CALL_SECONDS, told: Told = lambda trouble: None
    ) -> None:
        self._api = api
        self._hub = hub
        self._seconds = seconds
        self._told = told

    async def persistently(self, call: Callable[..., Awaitable[T]], *given: Any) -> T:
        """What one of these calls answers, made again for half a minute while the API is away.

        Raises:
            LostCause: what cannot pass, or has not passed by then.
        """
        began, pause = time.monotonic(), 0.2
        trouble = unreachable("no answer so far")
        late = asyncio.get_running_loop().call_later(TELL_SECONDS, lambda: self._told(trouble))
        try:
            while True:
                try:
                    answer = await call(*given)
                    break
                except LostCause as lost:
                    trouble = lost.diagnosis
                tried = time.monotonic() - began
                if trouble.final or tried + pause > PATIENCE_SECONDS:
                    raise LostCause(trouble)
                if tried > TELL_SECONDS:
                    self._told(trouble)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)
        finally:
            late.cancel()
        self._told(None)
        return answer

    async def namespace(self, name: str) -> Json | None:
        """The namespace; None if there is none."""
        status, found = await self._asked(self._api.read_namespace, name=name)
        return self._found(status, found, f"reading the namespace {name}")

    async def pod(self, namespace: str, name: str, uid: str | None = None) -> Json | None:
        """The pod; None if there is none that this hub has made.

        With `uid` that very one, though it bear the name that the hub had before.
        """
        there = await self._pod(namespace, name)
        if there is None:
            return None
        meant = is_of(self._hub, there) if uid is None else _uid_of(there) == uid
        return there if meant else None

    async def _pod(self, namespace: str, name: str) -> Json | None:
        what = f"reading the pod {name}"
        call = self._api.read_namespaced_pod
        return self._found(*await self._asked(call, name=name, namespace=namespace), what)

    async def create_pod(self, namespace: str, manifest: Any) -> Json | None:
        """Makes the pod, as the API then has it; None if the pod of another start is in the way.

        One that this very start has made counts: an answer that was lost on its way must not lead
        to a second pod, nor to none.
        """
        call, meta = self._api.create_namespaced_pod, manifest.metadata
        status, said = await self._asked(call, namespace=namespace, body=manifest)
        if status == CONFLICT:
            there = await self._pod(namespace, meta.name)
            if there is None and "already exists" in str(said.get("message")):
                return None  # it was there, and has gone meanwhile
            if there is not None:
                wanted = {"labels": meta.labels, "annotations": meta.annotations}
                _refuse({"metadata": wanted}, there)
                return there if _start_of(there) == meta.annotations.get(START) else None
        self._done(status, said, f"making the pod {meta.name}")
        return said

    async def delete_pod(
        self, namespace: str, name: str, seconds: int = 0, uid: str | None = None
    ) -> None:
        """Deletes the pod, which has so many seconds to end; with `uid` only that very one."""
        if uid is None and (uid := _uid_of(await self.pod(namespace, name))) is None:
            return
        status, said = await self._asked(
            self._api.delete_namespaced_pod,
            name=name,
            namespace=namespace,
            # The API reads either a body or the query, not both.
            body={"gracePeriodSeconds": seconds, **_only(uid)},
        )
        if status not in (NOT_FOUND, CONFLICT):
            self._done(status, said, f"deleting the pod {name}")

    async def claim(self, namespace: str, name: str) -> Json | None:
        what = f"reading the volume claim {name}"
        call = self._api.read_namespaced_persistent_volume_claim
        return self._found(*await self._asked(call, name=name, namespace=namespace), what)

    async def create_claim(self, manifest: Json) -> Json | None:
        """Makes the claim, as the API then has it; or finds the one that was made meanwhile."""
        meta = manifest["metadata"]
        call = self._api.create_namespaced_persistent_volume_claim
        status, said = await self._asked(call, namespace=meta["namespace"], body=manifest)
        if status == CONFLICT:
            return await self.claim(meta["namespace"], meta["name"])
        self._done(status, said, f"making the volume claim {meta['name']}")
        return said

    async def patch_claim(self, namespace: str, name: str, patch: Mapping[str, Any]) -> None:
        """Changes a claim, so that its volume grows."""
        call = self._api.patch_namespaced_persistent_volume_claim
        asked = self._asked(
            call, name=name, namespace=namespace, body=dict(patch), _content_type=_MERGE
        )
        self._done(*await asked, f"letting the volume claim {name} grow")

    async def grows(self, storage_class: str | None) -> bool:
        """Whether volumes of that class can grow; False where the hub may not ask."""
        if storage_class is None:
            return False
        api = StorageV1Api(self._api.api_client)
        status, found = await self._asked(api.read_storage_class, name=storage_class)
        if status in (FORBIDDEN, NOT_FOUND):
            return False
        self._done(status, found, f"reading the storage class {storage_class}")
        return bool(found.get("allowVolumeExpansion"))

    async def put_secret(self, manifest: Json) -> Json:
        """Makes the secret, in place of an older one of its name; the secret as it then is."""
        meta = manifest["metadata"]
        call = self._api.create_namespaced_secret
        status, said = await self._asked(call, namespace=meta["namespace"], body=manifest)
        if status == CONFLICT:
            there = await self.secret(meta["namespace"], meta["name"])
            if there is not None:
                _refuse(manifest, there)
                await self.delete_secret(meta["namespace"], meta["name"], _uid_of(there))
            status, said = await self._asked(call, namespace=meta["namespace"], body=manifest)
        self._done(status, said, f"making the secret {meta['name']}")
        return said

    async def patch_secret(self, namespace: str, name: str, patch: Mapping[str, Any]) -> None:
        call = self._api.patch_namespaced_secret
        asked = self._asked(
            call, name=name, namespace=namespace, body=dict(patch), _content_type=_MERGE
        )
        self._done(*await asked, f"giving the secret {name} to its pod")

    async def delete_secret(self, namespace: str, name: str, uid: str | None = None) -> None:
        """Deletes the secret of a server; with `uid` only that very one."""
        if uid is None and (uid := _uid_of(await self.own_secret(namespace, name))) is None:
            return
        call = self._api.delete_namespaced_secret
        status, said = await self._asked(call, name=name, namespace=namespace, body=_only(uid))
        if status not in (NOT_FOUND, CONFLICT):
            self._done(status, said, f"deleting the secret {name}")

    async def own_secret(self, namespace: str, name: str) -> Json | None:
        """The secret; None if there is none that this hub has made."""
        there = await self.secret(namespace, name)
        return there if there is not None and is_of(self._hub, there) else None

    async def secret(self, namespace: str, name: str) -> Json | None:
        """A Secret with its values; None if there is no such one."""
        call = self._api.read_namespaced_secret
        asked = self._asked(call, name=name, namespace=namespace)
        return self._found(*await asked, f"reading the secret {name}")

    async def ours(self, hub: str, namespace: str) -> tuple[list[Json], list[Json], list[Json]]:
        """Pods, server Secrets and volume claims that bear the hub's name; "" is all namespaces."""
        look = partial(self._labelled, namespace=namespace, selector=f"{HUB}={label_value(hub)}")
        return await look("pod"), await look("secret"), await look("persistent_volume_claim")

    async def _labelled(self, kind: str, namespace: str, selector: str) -> list[Json]:
        if namespace:
            call = partial(getattr(self._api, f"list_namespaced_{kind}"), namespace=namespace)
        else:
            call = getattr(self._api, f"list_{kind}_for_all_namespaces")
        doing = f"looking for the hub's own {kind.replace('_', ' ')}s"
        found: list[Json] = []
        more: dict[str, str] = {}
        while True:
            status, page = await self._asked(call, label_selector=selector, limit=PAGE, **more)
            self._done(status, page, doing)
            found += page["items"]
            rest = page["metadata"].get("continue")
            if not rest:
                return found
            more = {"_continue": rest}

    async def events_of(self, namespace: str, name: str) -> list[Json]:
        """What happened to the object of that name, such as a claim; nothing if unknown."""
        status, found = await self._asked(
            self._api.list_namespaced_event,
            namespace=namespace,
            field_selector=f"involvedObject.name={name}",
            limit=100,
        )
        return list(found["items"]) if status < 400 else []

    def events_about(self, namespace: str, name: str) -> Mirror:
        """The events of one object, to be followed for as long as somebody wants to know."""
        call = partial(self._api.list_namespaced_event, namespace=namespace)
        return Mirror(f"Events of {name}", call, field_selector=f"involvedObject.name={name}")

    async def log(self, namespace: str, pod: str, *, lines: int, previous: bool = False) -> Log:
        """The last lines that the server's container wrote; "" if there are none yet.

        Raises:
            LostCause: the API or the node does not give them.
        """
        call = self._api.read_namespaced_pod_log
        query = {"name": pod, "namespace": namespace, "container": "notebook"}
        try:
            # With a limit of its own, the node would give the beginning of these lines. The one
            # line more tells whether there are more.
            answer = await call(
                **query,
                tail_lines=lines + 1,
                previous=previous,
                _preload_content=False,
                _request_timeout=self._seconds,
            )
            async with answer:
                if answer.status >= 400 and answer.status not in _NOTHING_WRITTEN:
                    said = (await bounded(answer)).decode(errors="replace")
                    doing = f"reading the log of the pod {pod}"
                    raise LostCause(refusal_for(answer.status, answer.reason or "", said, doing))
                body, cut = await _end_of(answer) if answer.status < 400 else (b"", False)
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError) as problem:
            raise LostCause(unreachable(type(problem).__name__)) from None
        text = body.decode(errors="replace")
        return Log("", whole=True) if _NO_LOG.match(text) else _last(text, lines, cut)

    async def _asked(self, call: Callable[..., Awaitable[Any]], **query: Any) -> tuple[int, Json]:
        """The status and the body of the answer.

        Raises:
            LostCause: `cluster-unreachable`.
        """
        try:
            answer = await call(_preload_content=False, _request_timeout=self._seconds, **query)
            async with answer:
                return answer.status, _object(await bounded(answer))
        except ApiException as problem:
            return problem.status or 500, {"reason": problem.reason, "message": str(problem.body)}
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError) as problem:
            raise LostCause(unreachable(type(problem).__name__)) from None

    def _found(self, status: int, found: Json, doing: str) -> Json | None:
        if status == NOT_FOUND:
            return None
        self._done(status, found, doing)
        return found

    def _done(self, status: int, said: Json, doing: str) -> None:
        if status >= 400:
            reason, body = str(said.get("reason", "")), str(said.get("message", ""))
            raise LostCause(refusal_for(status, reason, body, doing))


def _object(body: bytes) -> Json:
    """What the API answers with; a gateway before it may answer with anything."""
    said = json.loads(body)
    if not isinstance(said, dict):
        raise ValueError(f"{type(said).__name__} in place of an object")
    return said


async def _end_of(answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The end of a body, and whether something of it was left out."""
    kept, cut = bytearray(), False
    async for piece in answer.content.iter_any():
        kept += piece
        if len(kept) > MAX_LOG_BYTES:
            cut = True
            del kept[:-MAX_LOG_BYTES]
    return bytes(kept), cut


def _last(text: str, lines: int, cut: bool) -> Log:
    if cut:  # what is left of the first line may be half a secret
        text = text.partition("\n")[2]
    found = text.removesuffix("\n").split("\n")
    return Log("\n".join(found[-lines:]), whole=not cut and len(found) <= lines)


def _only(uid: str | None) -> Json:
    """For a deletion that is to hit nothing else of that name."""
    return {} if uid is None else {"preconditions": {"uid": uid}}


def _refuse(wanted: Json, there: Json) -> None:
    problem = in_the_way(wanted, there)
    if problem is not None:
        raise LostCause(problem)


def _uid_of(found: Json | None) -> str | None:
    return None if found is None else str(found["metadata"]["uid"])


def _start_of(pod: Mapping[str, Any]) -> str | None:
    told: str | None = (pod["metadata"].get("annotations") or {}).get(START)
    return told
