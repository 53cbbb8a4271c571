"""A server as a pod, with the size and equipment of the profile that its owner chose."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

from jupyterhub.utils import maybe_future, url_path_join
from traitlets import default

from fairihub_core import clock
from fairihub_core.equipment import BucketAccess
from fairihub_core.errors import FairihubError
from fairihub_core.handover import token_is_given
from fairihub_core.offers import Offer
from fairihub_core.servers import ServerLog, was_cancelled
from fairihub_core.starts import Diagnosis, Notice, Start, Step, diagnosed, refused, start_of
from fairihub_spawner.drive import arguments_of
from fairihub_spawner.kube import secrets, starts, taking_up
from fairihub_spawner.kube.answering import found_at
from fairihub_spawner.kube.calls import PATIENCE_SECONDS, START, LostCause
from fairihub_spawner.kube.diagnosis import given_up
from fairihub_spawner.kube.image_sizes import ImageSizes
from fairihub_spawner.kube.observing import Observer
from fairihub_spawner.kube.plan import ServerPlan
from fairihub_spawner.kube.preparing import planned, prepare_volumes
from fairihub_spawner.kube.server_log import log_of
from fairihub_spawner.kube.steady import GONE_SECONDS, Placed, SteadyKubeSpawner, late_end
from fairihub_spawner.kube.steps import progress_event
from fairihub_spawner.kube.sweeper import the_sweeper
from fairihub_spawner.kube.traits import literal, traits_of
from fairihub_spawner.kube.watching import Mirror
from fairihub_spawner.team_server import TeamServer, refusal_of

CALLS_OF_A_START = 9
"""So many calls of it may each be made again and again, and come off in the end."""


class FairihubSpawner(TeamServer, SteadyKubeSpawner):
    """Asks what the owner may have, makes a pod of it, and says what keeps that from starting."""

    last_start: Start | None = None
    """What became of the last start; told by the progress page and `/api/fairihub/starts`."""
    image_sizes: ClassVar = ImageSizes()
    """Of all starts of this hub."""
    _configured: dict[str, Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.let_go = asyncio.Event()
        # Without an event loop, as where something only makes a spawner to look at it, there is
        # nobody to sweep; the first spawner that a running hub makes begins with it.
        with suppress(RuntimeError):
            the_sweeper(self.kubernetes, self.directory, self.api)

    @default("cmd")
    def _default_cmd(self) -> list[str]:
        return ["jupyterhub-singleuser"]

    @default("remember_pvc_name")
    def _default_remember_pvc_name(self) -> bool:
        # What is remembered would be mounted for the next team, too.
        return False

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        # Each part of a start has its own limit, and says which was too long.
        own = self.kubernetes
        node, volumes = own.scale_up_seconds + own.pending_seconds, own.volume_seconds
        calls = CALLS_OF_A_START * PATIENCE_SECONDS + GONE_SECONDS
        return node + volumes + own.pull_seconds + own.server_seconds + calls

    @property
    def has_started(self) -> bool:
        return self.placed is not None

    async def _start(self) -> str:
        """Starts the server and waits until it answers, or until that is a lost cause.

        Raises:
            SpawnException: with the diagnosis, in words.
        """
        began = time.monotonic()
        self.last_start = starts.begun(self.name, "", clock.now())
        try:
            offer = self.chosen_offer()
            self.last_start = starts.begun(self.name, offer.name, clock.now())
            return await self._started(offer)
        except FairihubError as error:
            told = refused(error.code, error.message, clock.now(), error.details)
            raise self._lost(told, error.status) from None
        except LostCause as lost:
            raise self._lost(lost.diagnosis, 503) from None
        except asyncio.CancelledError:
            now = clock.now()
            if starts.ran_out(time.monotonic() - began, self.start_timeout):
                self._lost(given_up(self.last_start.diagnosis, now), 503)
            else:
                self._cancelled()
            raise

    def _cancelled(self) -> None:
        if was_cancelled(self):
            self._lost(diagnosed("start-cancelled", clock.now(), final=True), 409)
        # Else the hub ends; what is in the cluster by now, the next one goes on with.

    def _lost(self, diagnosis: Diagnosis, status: int) -> Exception:
        assert self.last_start is not None  # noqa: S101
        self.last_start = starts.failed(self.last_start, diagnosis, clock.now())
        lost = self.last_start.diagnosis or diagnosis
        refusal: Exception = refusal_of(lost.code, lost.said, status, lost)
        return refusal

    async def _started(self, offer: Offer) -> str:
        bucket = await self._bucket(offer)
        plan = await planned(
            self.calls, offer, self.user.name, self.directory(), self.kubernetes, bucket
        )
        for notice in plan.notices:
            self._notice(notice)
        self._take_on(plan)
        # Of the namespace that is known only now.
        pods = await self.calls.persistently(self._start_watching_pods)
        await prepare_volumes(self.calls, plan, self._notice)
        placed = Placed(plan.namespace, plan.pod_name, plan.server_secret, plan.claim_names)
        await self._place(placed, offer, bucket)
        # With its uids, so that no other pod is taken for it.
        return await self._seen_up(pods, self.placed or placed)

    async def _seen_up(self, pods: Mirror, placed: Placed) -> str:
        hidden = partial(self._hidden, placed)
        observer = Observer(self.calls, pods, placed, self.kubernetes, hidden, self.image_sizes)
        async with observer:
            return await self._ready(observer)

    async def _hidden(self, placed: Placed) -> tuple[str, ...]:
        """Every secret that the server was given, so that nobody reads it in what it wrote.

        By what the cluster has: the offer may be another by now.
        """
        found: list[str] = [self.api_token or ""]
        pod = self.pod or await self.calls.pod(placed.namespace, placed.pod, placed.pod_uid)
        for name in dict.fromkeys((placed.secret, *secrets.named_in(pod or {}))):
            secret = await self.calls.secret(placed.namespace, name)
            found += secrets.values_of(secret or {})
        return tuple(found)

    async def _bucket(self, offer: Offer) -> BucketAccess | None:
        name = offer.profile.s3_bucket_name
        if name is None:
            return None
        access: BucketAccess | None = await asyncio.to_thread(self.bucket_of, offer.team.name, name)
        return access

    def _take_on(self, plan: ServerPlan) -> None:
        """Tells KubeSpawner what the plan says, beside what the operator has configured."""
        if self._configured is None:
            self._configured = dict(self.environment)
        told = traits_of(plan, self.kubernetes)
        told["environment"] = {**literal(self._configured), **told["environment"]}
        told["extra_annotations"] = {**told["extra_annotations"], START: uuid4().hex}
        for name, value in told.items():
            setattr(self, name, value)
        self.dns_name = self.dns_name_template.format(namespace=plan.namespace, name=plan.pod_name)

    async def _place(self, placed: Placed, offer: Offer, bucket: BucketAccess | None) -> None:
        """Puts Secret and pod into the cluster, in place of whatever an earlier start has left.

        What is asked of the API may be done after the start was cancelled. So it is waited for:
        only what is there can be deleted.
        """
        self.placed = placed
        self._remember()
        self.placing = asyncio.create_task(self._put(placed, offer, bucket))
        await asyncio.shield(self.placing)
        self._remember()

    def _remember(self) -> None:
        """A hub that comes after this one finds by it what it has to look after."""
        self.orm_spawner.state = self.get_state()
        self.user.db.commit()

    async def _put(self, placed: Placed, offer: Offer, bucket: BucketAccess | None) -> None:
        secret = secrets.server_secret(
            offer,
            self.user.name,
            self.kubernetes,
            token=self.api_token,
            bucket=bucket,
        )
        token_is_given()  # whether the API has it by then, maybe only the next hub hears
        calls = self.calls
        made = await calls.persistently(calls.put_secret, secret)
        self.placed = replace(placed, secret_uid=made["metadata"]["uid"])
        manifest = await self.get_pod_manifest()
        if self.modify_pod_hook:
            manifest = await maybe_future(self.modify_pod_hook(self, manifest))
        create = partial(calls.create_pod, placed.namespace, manifest)
        while (pod := await calls.persistently(create)) is None:
            self.log.warning("%s: an older pod is in the way and is deleted", self._log_name)
            await self._outlast(placed)
        self.placed = replace(self.placed, pod_uid=pod["metadata"]["uid"])
        owner = secrets.owned_by(pod)
        await calls.persistently(calls.patch_secret, placed.namespace, placed.secret, owner)

    async def _outlast(self, placed: Placed) -> None:
        """Deletes the pod of an earlier start and waits until it is gone; the page says so.

        Raises:
            LostCause: it does not go. Then nothing is left of this start.
        """
        if self.last_start is not None:
            self.last_start = starts.held_up(self.last_start, "pod-ending")
        try:
            await self._delete_pod(placed)
        except LostCause as lost:
            if lost.diagnosis.code == "pod-stuck":
                self.placed = None
                with suppress(LostCause):
                    await self.calls.delete_secret(placed.namespace, placed.secret)
            raise

    async def _ready(self, observer: Observer) -> str:
        """The address of the server once it answers.

        Raises:
            LostCause: the cluster shows before that it never will.
        """
        asked = url_path_join(self.server.base_url, "api")
        starting = asyncio.ensure_future(found_at(observer, self._url_of, asked))
        lost = asyncio.ensure_future(observer.lost_cause(self._tell))
        try:
            await asyncio.wait({starting, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                raise LostCause(lost.result())
            url = starting.result()
        finally:
            for task in (starting, lost):
                task.cancel()
        assert self.placed is not None  # noqa: S101
        assert self.last_start is not None  # noqa: S101
        self.placed = replace(self.placed, ready=True)
        steps = observer.steps(ready=True)
        self.last_start = starts.succeeded(self.last_start, steps, clock.now())
        return url

    def _url_of(self, pod: dict[str, Any] | None) -> str | None:
        """Where the pod is to be found; None if it does not run."""
        return str(self._get_pod_url(pod)) if self.is_pod_running(pod) else None

    def _notice(self, notice: Notice) -> None:
        self.log.warning("%s: %s", self._log_name, notice.message)
        if self.last_start is not None:
            self.last_start = starts.noticed(self.last_start, notice)

    def _ends_late(self, pod: Mapping[str, Any]) -> None:
        told = late_end(pod)
        if self.last_start is not None and told not in self.last_start.notices:
            self._notice(told)

    def _tell(self, steps: tuple[Step, ...], diagnosis: Diagnosis | None) -> None:
        if self.last_start is not None:
            self.last_start = starts.going_on(self.last_start, steps, diagnosis)

    def _trouble(self, trouble: Diagnosis | None) -> None:
        if self.last_start is not None:
            self.last_start = starts.kept_by(self.last_start, trouble)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """The steps of the start, each time that they change."""
        told: dict[str, Any] | None = None
        while (start := start_of(self)) is not None:
            event = progress_event(start.steps, start.diagnosis)
            if event != told:
                told = event
                yield event
            if start.ended is not None:
                return
            await asyncio.sleep(0.3)

    async def poll(self) -> int | None:
        """As ever; a new hub goes on with the starts that its predecessor has begun."""
        status: int | None = await super().poll()
        begun = self.placed is not None and not self.placed.ready
        if status is not None or not begun or not self._check_pending:
            return status
        return await taking_up.pending(self, self._taken_up())

    async def _taken_up(self) -> None:
        """Waits until the server of an earlier hub's start is up.

        Raises:
            SpawnException: it is lost, and cleared away.
        """
        placed = self.placed
        assert placed is not None  # noqa: S101
        self.last_start = self.last_start or starts.begun(self.name, "", clock.now())
        try:
            await self._known(await self._up_in_time(placed))
        except LostCause as lost:
            refusal = self._lost(lost.diagnosis, 503)
            await self.stop(now=True)
            await self.user.stop(self.name)
            raise refusal from None
        except asyncio.CancelledError:
            self._cancelled()
            raise

    async def _up_in_time(self, placed: Placed) -> str:
        """The address of the server once it answers; it has as long as any start, anew.

        Raises:
            LostCause: it never will, or not in that time.
        """
        try:
            return await asyncio.wait_for(self._up(placed), self.start_timeout)
        except asyncio.TimeoutError:
            kept = self.last_start.diagnosis if self.last_start is not None else None
            raise LostCause(given_up(kept, clock.now())) from None

    async def _up(self, placed: Placed) -> str:
        return await self._seen_up(await self._pods_at_last(), placed)

    async def _known(self, url: str) -> None:
        """Tells the database and the proxy; a server that is up does not end by their faults."""
        try:
            self._remember()
            await taking_up.routed(self, url)
        except Exception as problem:
            self.log.exception("%s: it is up, which is not written down", self._log_name)
            self._roll_back(problem)

    async def _pods_at_last(self) -> Mirror:
        while True:
            try:
                return await self._start_watching_pods()
            except LostCause as lost:
                # Never for good: it has begun, and may be up by now.
                steps = self.last_start.steps if self.last_start is not None else ()
                self._tell(steps, lost.diagnosis.model_copy(update={"final": False}))

    async def get_url(self) -> str:
        """Where the server is, by the cluster or, if that does not say, by the database.

        Asked by a new hub of every server that its predecessor has left.
        """
        if self.placed is not None:
            try:
                await self._start_watching_pods()
                if url := self._url_of(self.pod):
                    return str(url_path_join(url, self.server.base_url))
            except LostCause as lost:
                self.log.warning("%s: where it is, is not known: %s", self._log_name, lost)
            except Exception:  # after which JupyterHub would not begin at all
                self.log.exception("%s: where it is, is not known", self._log_name)
        return str(await super().get_url())

    async def log_lines(self, lines: int) -> ServerLog:
        """The last lines that the server wrote, without secrets.

        Raises:
            Unavailable: the cluster does not give them.
        """
        placed = self.placed
        if placed is None:
            return ServerLog(lines=(), whole=True)
        return await log_of(self.calls, placed, lines, partial(self._hidden, placed))

    def get_args(self) -> list[str]:
        return [*arguments_of(self.environment), *super().get_args()]

    def get_env(self) -> dict[str, Any]:
        """The environment; nothing in it is the token itself, which would stand in the pod."""
        env: dict[str, Any] = super().get_env()
        return {key: value for key, value in env.items() if value != self.api_token}

    def clear_state(self) -> None:
        super().clear_state()
        self.let_go.set()  # by JupyterHub, which has stopped the server
        if self._spawn_pending:  # but begins with the next start of it
            self.last_start = starts.begun(self.name, "", clock.now())
            self.cancelled_by_somebody = False
        elif self.last_start is not None:
            if self.last_start.state == "starting":
                self._cancelled()
            self.last_start = starts.stopped(self.last_start)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), **starts.to_state(self.last_start)}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.last_start = starts.from_state(state)
