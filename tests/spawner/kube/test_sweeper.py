"""Leftovers are looked for namespace by namespace where the hub may not look everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from weakref import WeakSet

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api

from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube.calls import Calls, LostCause
from fairihub_spawner.kube.steady import Placed, SteadyKubeSpawner
from fairihub_spawner.kube.sweeper import Sweeper
from fairihub_spawner.kube.watching import Mirror
from tests.spawner.conftest import team
from tests.support.standin_kube import StandinKube, forbidden

from .conftest import settings

TEAMS = TeamDirectory(teams=(team("uc4", small={}), team("uc5", small={})))
CLOSED = "Not looked for leftovers in uc4: "


@pytest.fixture
def kube() -> Iterator[StandinKube]:
    with StandinKube() as kube:
        for namespace in ("uc4", "uc5", "gone"):
            meta = {"namespace": namespace, "name": "pod", "labels": {"fairihub.io/hub": "ours"}}
            meta["creationTimestamp"] = "2024-01-01T00:00:00Z"
            kube.put("pods", {"metadata": meta, "spec": {"containers": []}})
        yield kube


@pytest.fixture
async def api(kube: StandinKube) -> AsyncIterator[CoreV1Api]:
    async with ApiClient(Configuration(host=kube.url)) as client:
        yield CoreV1Api(client)


@pytest.fixture
def sweeper(api: CoreV1Api) -> Sweeper:
    said = settings(hub="ours", cluster_wide=False)
    return Sweeper(Calls(api, "ours"), said, WeakSet(), lambda: TEAMS)


async def test_a_namespace_that_refuses_is_passed_over_and_told_of_once(kube, sweeper, caplog):
    assert [left.namespace for left in await sweeper.look()] == ["uc4", "uc5"]
    for _ in range(2):
        kube.fail(forbidden("pods"), verb="list", resource="pods")
        assert [left.namespace for left in await sweeper.look()] == ["uc5"]
        assert sweeper.unread == ("uc4",)
    assert caplog.text.count(CLOSED) == 1
    await sweeper.look()
    kube.fail(forbidden("pods"), verb="list", resource="pods")
    await sweeper.look()
    assert caplog.text.count(CLOSED) == 2, "once again after it could be looked at"


async def test_where_every_namespace_refuses_nothing_is_claimed(kube, sweeper):
    kube.fail(forbidden("pods"), verb="list", resource="pods", times=2)
    with pytest.raises(LostCause):
        await sweeper.look()


async def test_an_api_that_is_away_is_not_asked_for_each_namespace(kube, sweeper):
    kube.close()
    with pytest.raises(LostCause) as lost:
        await sweeper.look()
    assert lost.value.diagnosis.code == "cluster-unreachable"


async def test_what_a_server_had_that_is_gone_is_left_over(api):
    said = settings(hub="ours", cluster_wide=False)
    servers = [Server("uc4", placed=True), Server("uc5", placed=True)]
    servers[1].held = None
    sweeper = Sweeper(Calls(api, "ours"), said, WeakSet(servers), lambda: TEAMS)
    assert [left.namespace for left in await sweeper.look()] == ["uc5"]


class Server:
    """What is asked of a spawner: where it is, and whether it comes or goes."""

    def __init__(self, namespace: str, *, placed: bool = False, pending: str | None = None) -> None:
        self._watched_namespace = namespace
        self.placed = self.held = Placed(namespace, "pod", "secret") if placed else None
        self.pending = pending


async def test_a_namespace_without_servers_is_followed_no_more(kube, api, monkeypatch):
    servers = [
        Server("uc4", placed=True),
        Server("uc5", pending="spawn"),
        Server("gone"),
    ]
    followed = {
        name: Mirror(name, api.list_pod_for_all_namespaces) for name in ("uc4", "uc5", "gone", "")
    }
    monkeypatch.setattr(SteadyKubeSpawner, "all_of_them", WeakSet(servers))
    monkeypatch.setattr(SteadyKubeSpawner, "mirrors", dict(followed))
    for mirror in followed.values():
        await mirror.start()
        assert await mirror.loaded(10)
    await SteadyKubeSpawner.unfollow()
    assert set(SteadyKubeSpawner.mirrors) == {"uc4", "uc5", ""}
    kube.put("pods", {"metadata": {"namespace": "uc4", "name": "new"}, "spec": {"containers": []}})
    for key in ("uc4", "uc5", ""):
        await asyncio.wait_for(heard_of("uc4/new", followed[key]), 10)
        await followed[key].stop()
    assert "uc4/new" not in followed["gone"].resources


async def heard_of(key: str, mirror: Mirror) -> None:
    while key not in mirror.resources:
        await mirror.changed(key, 0.2)
