"""Tidies up while the hub runs: what hubs that were killed left behind, watches nobody needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from kubespawner.clients import load_config, shared_client

from fairihub_core import clock
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube.calls import Calls, LostCause
from fairihub_spawner.kube.leftovers import (
    Key,
    Leftover,
    Leftovers,
    Object,
    of_members,
    of_servers,
)
from fairihub_spawner.kube.settings import KubeSettings
from fairihub_spawner.kube.steady import Placed, SteadyKubeSpawner

FIRST_SECONDS = 300
"""A hub that has just begun takes up what its predecessor left before anything is swept."""
SWEEP_SECONDS = 600

log = logging.getLogger("fairihub.cluster")


class Sweeper:
    """Tidies up as long as the hub runs; `found` is what was left over the last time.

    `unread` are the namespaces of teams that did not let it look then.

    Args:
        spawners: every spawner of the hub.
        directory: the teams of this moment.
    """

    def __init__(
        self,
        calls: Calls,
        settings: KubeSettings,
        spawners: WeakSet[SteadyKubeSpawner],
        directory: Callable[[], TeamDirectory],
    ) -> None:
        self.found: tuple[Leftover, ...] = ()
        self.unread: tuple[str, ...] = ()
        self._calls = calls
        self._settings = settings
        self._spawners = spawners
        self._directory = directory
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        pause = FIRST_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = SWEEP_SECONDS
            try:
                await SteadyKubeSpawner.unfollow()
                await self.look()
            except LostCause as lost:
                log.warning("Nobody could look for leftovers: %s", lost)
            except Exception:
                log.exception("Nobody could look for leftovers")

    async def look(self) -> tuple[Leftover, ...]:
        """What is left over at this moment; the log tells of each once.

        Raises:
            LostCause: the cluster does not answer.
        """
        before = {(one.kind, *_key(one)) for one in self.found}
        self.found = await self._look()
        for leftover in self.found:
            if (leftover.kind, *_key(leftover)) not in before:
                _tell(leftover)
        return self.found

    async def clear(self, told: Callable[[Leftover], None]) -> Leftovers:
        """Deletes the pods and Secrets that are left over; volumes stay.

        Args:
            told: hears of each that is deleted.

        Raises:
            LostCause: the cluster does not answer.
        """
        gone, kept = [], []
        for leftover in await self.look():
            # A start that began meanwhile has the same names as the one before it.
            if not leftover.may_go or _key(leftover) in self._held():
                kept.append(leftover)
                continue
            await self._delete(leftover)
            told(leftover)
            gone.append(leftover)
        self.found = tuple(kept)
        return Leftovers(leftovers=self.found, deleted=tuple(gone), unread=self.unread)

    async def _look(self) -> tuple[Leftover, ...]:
        pods, secrets, claims = await self._ours()
        held, now = self._held(), clock.now()
        return (
            *of_servers("Pod", pods, held, now),
            *of_servers("Secret", secrets, held, now),
            *of_members(claims, self._directory(), now),
        )

    async def _ours(self) -> tuple[list[Object], list[Object], list[Object]]:
        """What bears the hub's name; a namespace that refuses is told of once, and passed over."""
        found: tuple[list[Object], list[Object], list[Object]] = ([], [], [])
        refused: dict[str, LostCause] = {}
        teams = [team.namespace for team in self._directory().teams]
        namespaces = [""] if self._settings.cluster_wide else list(dict.fromkeys(teams))
        for namespace in namespaces:
            try:
                ours = await self._calls.ours(self._settings.hub, namespace)
            except LostCause as lost:
                refused[namespace] = lost
                if not lost.diagnosis.final or len(refused) == len(namespaces):
                    raise
                continue
            for objects, more in zip(found, ours, strict=True):
                objects += more
        for namespace in refused.keys() - {*self.unread}:
            told = refused[namespace].diagnosis
            log.warning(
                "Not looked for leftovers in %s: %s %s", namespace, told.message, told.detail
            )
        self.unread = tuple(refused)
        return found

    def _held(self) -> set[Key]:
        return set(_keys(s.held for s in self._spawners if s.held is not None))

    async def _delete(self, leftover: Leftover) -> None:
        key = _key(leftover)
        if leftover.kind == "Pod":
            await self._calls.delete_pod(*key, uid=leftover.uid)
        else:
            await self._calls.delete_secret(*key, uid=leftover.uid)


_sweepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Sweeper] = WeakKeyDictionary()


def the_sweeper(
    settings: KubeSettings, directory: Callable[[], TeamDirectory], api: Any = None
) -> Sweeper:
    """The one of this hub, which sweeps from when it was asked for first."""
    loop = asyncio.get_running_loop()
    if loop not in _sweepers:
        if api is None:
            load_config()
            api = shared_client("CoreV1Api")
        spawners = SteadyKubeSpawner.all_of_them
        _sweepers[loop] = sweeper = Sweeper(Calls(api, settings.hub), settings, spawners, directory)
        sweeper.start()
    return _sweepers[loop]


def _keys(placed: Iterable[Placed]) -> Iterable[Key]:
    for one in placed:
        yield one.namespace, one.pod
        yield one.namespace, one.secret


def _key(leftover: Leftover) -> Key:
    return leftover.namespace, leftover.name


def _tell(leftover: Leftover) -> None:
    log.warning("Left over: %s", leftover.said)
