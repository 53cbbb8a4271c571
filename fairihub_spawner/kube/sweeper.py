"""Looks again and again for what a hub that was killed, or an API that was away, left behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from weakref import WeakSet

from fairihub_core import clock
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube.calls import Cluster, LostCause
from fairihub_spawner.kube.leftovers import Leftover, Place, of_members, of_servers
from fairihub_spawner.kube.settings import KubeSettings
from fairihub_spawner.kube.steady import Placed, SteadyKubeSpawner

FIRST_SECONDS = 300
"""A hub that has just begun takes up what its predecessor left before anything is swept."""
SWEEP_SECONDS = 600

log = logging.getLogger("fairihub.cluster")


class Sweeper:
    """Sweeps as long as the hub runs; `found` is what was there the last time.

    Args:
        spawners: every spawner of the hub.
        directory: the teams of this moment.
    """

    def __init__(
        self,
        calls: Cluster,
        settings: KubeSettings,
        spawners: WeakSet[SteadyKubeSpawner],
        directory: Callable[[], TeamDirectory],
    ) -> None:
        self.found: tuple[Leftover, ...] = ()
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
        before = {(one.kind, *_place(one)) for one in self.found}
        self.found = await self._look()
        for leftover in self.found:
            if (leftover.kind, *_place(leftover)) not in before:
                _tell(leftover)
        return self.found

    async def clear(self) -> tuple[Leftover, ...]:
        """Deletes the pods and Secrets that are left over, and says which; volumes stay.

        Raises:
            LostCause: the cluster does not answer.
        """
        gone = []
        for leftover in await self.look():
            # A start that began meanwhile has the same names as the one before it.
            if leftover.may_go and _place(leftover) not in self._held():
                await self._delete(leftover)
                gone.append(leftover)
        return tuple(gone)

    async def _look(self) -> tuple[Leftover, ...]:
        settings = self._settings
        teams = [team.namespace for team in self._directory().teams]
        namespaces = [""] if settings.cluster_wide else teams
        pods, secrets, claims = await self._calls.ours(settings.hub, namespaces)
        held, now = self._held(), clock.now()
        return (
            *of_servers("Pod", pods, held, now),
            *of_servers("Secret", secrets, held, now),
            *of_members(claims, self._directory(), now),
        )

    def _held(self) -> set[Place]:
        return set(_places(s.placed for s in self._spawners if s.placed is not None))

    async def _delete(self, leftover: Leftover) -> None:
        delete = self._calls.delete_pod if leftover.kind == "Pod" else self._calls.delete_secret
        await delete(leftover.namespace, leftover.name)


def _places(placed: Iterable[Placed]) -> Iterable[Place]:
    for one in placed:
        yield one.namespace, one.pod
        yield one.namespace, one.secret


def _place(leftover: Leftover) -> Place:
    return leftover.namespace, leftover.name


def _tell(leftover: Leftover) -> None:
    log.warning(
        "Left over: %s %s/%s of “%s”, team “%s”. %s",
        leftover.kind,
        leftover.namespace,
        leftover.name,
        leftover.login,
        leftover.team,
        leftover.why,
    )
