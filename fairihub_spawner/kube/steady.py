"""A KubeSpawner that loses no server when the cluster's API is away, slow or forgetful.

JupyterHub takes a failed look at a server for its end. So a look that brings no answer says that
the server runs; only the API itself, asked for that one pod, can say that it is gone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, ClassVar
from weakref import WeakSet

import aiohttp
from kubernetes_asyncio.client import ApiException
from kubespawner import KubeSpawner
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Instance, default

from fairihub_core import clock
from fairihub_core.starts import Diagnosis, Notice, diagnosed, notice
from fairihub_spawner.kube import names
from fairihub_spawner.kube.api import trouble_with
from fairihub_spawner.kube.calls import Calls, LostCause
from fairihub_spawner.kube.connections import unbound
from fairihub_spawner.kube.observed import part, rows, text
from fairihub_spawner.kube.ownership import is_of
from fairihub_spawner.kube.routing import routed_once_verified
from fairihub_spawner.kube.settings import KubeSettings
from fairihub_spawner.kube.watching import Mirror

GONE_SECONDS = 120
GONE_LOOK = 1.0
LATE_SECONDS = 10
"""After so much more than the pod was given a stop says what it waits for."""
SETTLE_SECONDS = 5
LOAD_SECONDS = 8
"""JupyterHub answers a start after ten."""

log = logging.getLogger("fairihub.cluster")
_AWAY = (LostCause, ApiException, aiohttp.ClientError, OSError, asyncio.TimeoutError)


@dataclass(frozen=True)
class Placed:
    """What one start put into the cluster, so that it is found and cleared away again."""

    namespace: str
    pod: str
    secret: str
    claims: tuple[str, ...] = ()
    ready: bool = False
    """Whether the server has answered; if not, a hub that comes after waits for it."""
    pod_uid: str | None = None
    secret_uid: str | None = None
    """Once they are made, so that what the next start makes under these names is not meant."""


class SteadyKubeSpawner(KubeSpawner):
    """Pods that are followed by one watch, and what becomes of them in spite of faults."""

    kubernetes = Instance(KubeSettings, help="What the operator says of the cluster.").tag(
        config=True
    )

    all_of_them: ClassVar[WeakSet[SteadyKubeSpawner]] = WeakSet()
    """Every spawner of the hub that is in memory, so all whose servers run."""
    mirrors: ClassVar[dict[str, Mirror]] = {}
    """Of pods, by namespace; "" is the one for all namespaces."""
    debts: ClassVar[set[asyncio.Task[None]]] = set()
    """What could not be deleted, as the API was away, and is deleted when it is back."""
    verified: ClassVar[set[asyncio.Task[None]]] = set()
    """The routes of servers of an earlier hub, on their way to the proxy."""
    placed: Placed | None = None
    placing: asyncio.Task[None] | None = None
    """What is on its way into the cluster, and arrives there even if the start is cancelled."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.all_of_them.add(self)
        self._clearing = asyncio.Lock()
        self._looking = asyncio.Lock()

    @default("events_enabled")
    def _default_events_enabled(self) -> bool:
        # Events are followed by each start for its own pod, not for all pods at all times.
        return False

    @property
    def calls(self) -> Calls:
        unbound(self.api.api_client)
        return Calls(self.api, self.kubernetes.hub, told=self._trouble)

    def _trouble(self, trouble: Diagnosis | None) -> None:
        """Hears what keeps a call to the API that is made again and again."""

    @property
    def pod(self) -> dict[str, Any] | None:
        """The pod as the cluster last told it; None if there is none of this start."""
        placed, mirror = self.placed, self.pod_reflector
        if placed is None or mirror is None:
            return None
        found = mirror.resources.get(f"{placed.namespace}/{placed.pod}")
        return found if is_the_one(found, placed.pod_uid) else None

    @property
    def held(self) -> Placed | None:
        """What is in the cluster for a server that runs, comes or goes; None if there is no such
        server, though something of it may be left.
        """
        arriving = self.placing is not None and not self.placing.done()
        return self.placed if self.active or arriving else None

    @property
    def pod_reflector(self) -> Mirror | None:
        return self.mirrors.get(self._watched_namespace)

    @property
    def _watched_namespace(self) -> str:
        return "" if self.kubernetes.cluster_wide else self.namespace

    async def _start_watching_pods(self, replace: bool = False) -> Mirror:
        """Follows the pods from now on, if nobody does yet.

        Raises:
            LostCause: the API does not say which pods there are.
        """
        key = self._watched_namespace
        mirror = self.mirrors.get(key)
        if mirror is None:
            mirror = self.mirrors[key] = self._mirror(key)
            await mirror.start()
        if not await mirror.loaded(LOAD_SECONDS):
            raise LostCause(trouble_with(mirror.trouble, "following the pods"))
        return mirror

    @classmethod
    async def unfollow(cls) -> None:
        """Ends the watches over namespaces in which no server is, nor is on its way."""
        used = {s._watched_namespace for s in cls.all_of_them if s.placed or s.pending}
        # At once, as whoever starts one meanwhile must get a watch that lasts.
        unused = [cls.mirrors.pop(key) for key in {*cls.mirrors} - used - {""}]
        for mirror in unused:
            await mirror.stop()

    def _mirror(self, namespace: str) -> Mirror:
        unbound(self.api.api_client)
        hub = names.label_value(self.kubernetes.hub)
        ours = f"component={self.component_label},{names.HUB}={hub}"
        if not namespace:
            return Mirror("Pods", self.api.list_pod_for_all_namespaces, label_selector=ours)
        call = partial(self.api.list_namespaced_pod, namespace=namespace)
        return Mirror(f"Pods of {namespace}", call, label_selector=ours)

    async def poll(self) -> int | None:
        """None while the pod is there and has not ended, or as long as nobody can say."""
        placed = self.placed
        if placed is None:
            return 0
        if self.placing is not None and not self.placing.done():
            return None
        try:
            status: int | None = 1
            if await self._is_there(placed):
                status = await super().poll()
                if status is None and self._has_ended():
                    status = 1
            if status is not None:
                await self._clear_away(placed)
                status = status if self.placed is None else None  # it has been started anew
        except _AWAY as problem:
            self.log.warning("%s: nobody says whether it runs: %s", self._log_name, problem)
            return None
        except Exception as problem:  # a pod of another shape, a database that is locked
            self.log.exception("%s: nobody says whether it runs", self._log_name)
            self._roll_back(problem)
            return None
        return status

    def _roll_back(self, problem: Exception) -> None:
        """Until then, a database that could not be written takes nothing more."""
        if isinstance(problem, SQLAlchemyError):
            self.user.db.rollback()

    async def poll_and_notify(self) -> int | None:
        """One at a time, with what its end entails: a second look that found the same end would
        let a start begin, which the first one then stops.
        """
        async with self._looking:
            status: int | None = await super().poll_and_notify()
            return status

    def start_polling(self) -> None:
        """As ever; of a server that an earlier hub has left it means that it is verified."""
        super().start_polling()
        if self._check_pending:
            task = asyncio.ensure_future(routed_once_verified(self))
            self.verified.add(task)
            task.add_done_callback(self.verified.discard)

    async def _is_there(self, placed: Placed) -> bool:
        """Whether there is the pod; the API is asked before a missing one counts as gone.

        It is asked each time for one that is not followed, as the hub's name was another then.
        """
        mirror = await self._start_watching_pods()
        key = f"{placed.namespace}/{placed.pod}"
        found = mirror.resources.get(key)
        followed = found is not None and is_of(self.kubernetes.hub, found)
        if followed and is_the_one(found, placed.pod_uid):
            return True
        pod = await self.calls.pod(placed.namespace, placed.pod, placed.pod_uid)
        if pod is not None:
            mirror.resources[key] = pod
        elif not followed:
            mirror.resources.pop(key, None)
        return pod is not None

    def is_pod_running(self, pod: Mapping[str, Any] | None) -> bool:
        """Whether every container of the pod is ready; what it does not say is not so."""
        status = part(pod, "status")
        containers = rows(status, "containerStatuses")
        return (
            text(status, "phase") == "Running"
            and bool(text(status, "podIP"))
            and "deletionTimestamp" not in part(pod, "metadata")
            and bool(containers)
            and all(container.get("ready") for container in containers)
        )

    def _has_ended(self) -> bool:
        """Whether the pod is over though no container of it says so, as of one that is evicted."""
        return text(part(self.pod, "status"), "phase") in ("Failed", "Succeeded")

    async def stop(self, now: bool = False) -> None:
        """Deletes the pod and waits until it is gone; its volumes stay.

        JupyterHub forgets a server even if this fails. So it does not: what cannot be deleted now
        is deleted later.
        """
        if self.placing is not None:
            await asyncio.wait([self.placing])
        placed = self.placed
        if placed is None:
            return
        try:
            seconds = 0 if now else self.delete_grace_period
            await self._delete_pod(placed, seconds, self._ends_late)
        except LostCause as problem:
            self.placed = None
            self._owe(placed, problem)
            return
        await self._clear_away(placed)

    def _ends_late(self, pod: Mapping[str, Any]) -> None:
        """Hears of the pod at each look while a stop takes longer than it should."""

    async def _delete_pod(
        self,
        placed: Placed,
        seconds: int = 0,
        late: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        """Deletes the pod and waits until the API has it no more; `late` hears if that lasts.

        Raises:
            LostCause: `pod-stuck`, or the API does not do it.
        """
        uid = placed.pod_uid
        calls = self.calls
        await calls.persistently(calls.delete_pod, placed.namespace, placed.pod, seconds, uid)
        due = time.monotonic() + seconds
        while pod := await calls.persistently(calls.pod, placed.namespace, placed.pod, uid):
            if time.monotonic() > due + GONE_SECONDS:
                raise LostCause(_stuck(pod))
            if late is not None and time.monotonic() > due + LATE_SECONDS:
                late(pod)
            mirror = self.pod_reflector
            key = f"{placed.namespace}/{placed.pod}"
            await (mirror.changed(key, GONE_LOOK) if mirror else asyncio.sleep(GONE_LOOK))

    async def _clear_away(self, placed: Placed) -> None:
        """Deletes what an ended server has left; the Secret goes with the pod in any case.

        Until that is done the server counts as there: the next start of it makes things of the
        same names.
        """
        async with self._clearing:
            if self.placed is not placed:
                return  # somebody else has
            try:
                await self.calls.delete_pod(placed.namespace, placed.pod, uid=placed.pod_uid)
                await self.calls.delete_secret(placed.namespace, placed.secret, placed.secret_uid)
            except LostCause as lost:
                self._owe(placed, lost)
            if self.placed is placed:
                self.placed = None

    def _owe(self, placed: Placed, problem: object) -> None:
        self.log.warning("%s: deleted later, as for now: %s", self._log_name, problem)
        task = asyncio.create_task(_settled(self.calls, placed, self.all_of_them))
        self.debts.add(task)
        task.add_done_callback(self.debts.discard)

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state()
        if self.placed is not None:
            state["placed"] = asdict(self.placed)
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        if "placed" in state:
            told = state["placed"]
            self.placed = Placed(**{**told, "claims": tuple(told["claims"])})
            self.namespace, self.pod_name = self.placed.namespace, self.placed.pod
            if self.server is None:
                self._let_go_of(self.placed)

    def _let_go_of(self, placed: Placed) -> None:
        """Deletes what a hub has left that ended while it stopped the server."""
        self.placed = None
        with suppress(RuntimeError):  # without an event loop a spawner is only looked at
            asyncio.get_running_loop()
            self._owe(placed, "the hub ended while it was stopped")


async def _settled(calls: Calls, placed: Placed, spawners: WeakSet[SteadyKubeSpawner]) -> None:
    """Deletes what one server had, however long the API is away.

    A new start of the same server makes it the new one's business: it has the same names. Whether
    there is one is looked at again after each answer, as what it shows may be the new one's.
    """

    def begun_anew() -> bool:
        return any(_same(placed, s.placed) for s in spawners)

    while not begun_anew():
        try:
            pod = await calls.pod(placed.namespace, placed.pod, placed.pod_uid)
            secret = await calls.own_secret(placed.namespace, placed.secret)
            if begun_anew():
                return
            if pod is None or not is_the_one(pod, placed.pod_uid):
                if secret is not None and is_the_one(secret, placed.secret_uid):
                    uid = secret["metadata"]["uid"]
                    await calls.delete_secret(placed.namespace, placed.secret, uid)
                return
            if not pod["metadata"].get("deletionTimestamp"):
                await calls.delete_pod(placed.namespace, placed.pod, uid=pod["metadata"]["uid"])
        except LostCause as lost:
            log.debug("The pod %s is still not deleted: %s", placed.pod, lost)
        await asyncio.sleep(SETTLE_SECONDS)


def is_the_one(found: Mapping[str, Any] | None, uid: str | None) -> bool:
    """Whether an object is there and the one of that uid; any is, where none is known."""
    return found is not None and uid in (None, found["metadata"]["uid"])


def _stuck(pod: Mapping[str, Any]) -> Diagnosis:
    meta, node = pod["metadata"], pod.get("spec", {}).get("nodeName", "")
    holding = ", ".join(meta.get("finalizers") or ["no finalizer"])
    said = f"{meta['name']}: {holding}; node: {node or 'none'}"
    return diagnosed("pod-stuck", clock.now(), final=True, detail=said)


def late_end(pod: Mapping[str, Any]) -> Notice:
    """What keeps a pod that is deleted from going."""
    finalizers = ", ".join(pod["metadata"].get("finalizers") or ())
    if finalizers:
        return notice("stop-held", finalizers=finalizers)
    return notice("stop-unconfirmed", node=pod.get("spec", {}).get("nodeName") or "?")


def _same(one: Placed, other: Placed | None) -> bool:
    return other is not None and (one.namespace, one.pod) == (other.namespace, other.pod)
