"""What a real spawner makes of a cluster, a database and callbacks that do not behave.

No server ends by a defect of what is around it, nor by a look that comes too late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api
from sqlalchemy.exc import OperationalError

from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube import steady
from fairihub_spawner.kube.spawner import FairihubSpawner
from fairihub_spawner.kube.steady import Placed, SteadyKubeSpawner
from tests.support.standin_kube import StandinKube
from tests.support.waiting import eventually

from .conftest import settings

FIRST = Placed("uc4", "ada", "of-ada", (), ready=True, pod_uid="p1", secret_uid="s1")
UP = {
    "phase": "Running",
    "podIP": "10.0.0.1",
    "containerStatuses": [{"name": "notebook", "ready": True, "state": {"running": {}}}],
}
SPEC = {"containers": [{"ports": [{"name": "notebook-port", "containerPort": 8888}]}]}
LOCKED = OperationalError("UPDATE spawners", {}, Exception("database is locked"))


class Database:
    def __init__(self) -> None:
        self.said: list[str] = []

    def commit(self) -> None:
        self.said.append("commit")
        raise LOCKED

    def rollback(self) -> None:
        self.said.append("rollback")


class Kept(FairihubSpawner):
    """With its pod as the cluster last told it."""

    async def _start_watching_pods(self, replace: bool = False) -> Any:
        return self.mirrors[""]


@pytest.fixture
async def spawner(monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)
    monkeypatch.setattr("kubespawner.spawner.shared_client", lambda *_: SimpleNamespace())
    pods: dict[str, Any] = {}
    followed = {"": SimpleNamespace(resources=pods, pods=pods)}
    monkeypatch.setattr(SteadyKubeSpawner, "mirrors", followed)
    monkeypatch.setattr(SteadyKubeSpawner, "all_of_them", WeakSet())
    monkeypatch.setattr("fairihub_spawner.kube.spawner.the_sweeper", lambda *_: None)
    made = Kept(_mock=True, kubernetes=settings(), directory=lambda: TeamDirectory(teams=()))
    made.orm_spawner = SimpleNamespace(server=None, name="")
    made.namespace, made.pod_name, made.placed = "uc4", "ada", FIRST
    made.user.db = made.db = Database()
    return made


def told(spawner: Kept, status: Any) -> dict[str, Any]:
    labels = {"fairihub.io/hub": "fairihub"}
    meta = {"namespace": "uc4", "name": "ada", "uid": "p1", "labels": labels}
    pod = {"metadata": meta, "spec": SPEC, "status": status}
    spawner.mirrors[""].resources["uc4/ada"] = pod
    return pod


@pytest.mark.parametrize("missing", ["phase", "podIP", "containerStatuses"])
async def test_a_pod_that_does_not_say_all_is_not_ready_yet(spawner, missing):
    assert spawner.is_pod_running(told(spawner, UP))
    rest = {key: value for key, value in UP.items() if key != missing}
    assert not spawner.is_pod_running(told(spawner, rest))
    assert not spawner.is_pod_running(None)


@pytest.mark.parametrize("status", [{}, None, {"phase": "Running", "containerStatuses": [{}]}])
async def test_a_pod_of_another_shape_ends_no_server(spawner, status):
    told(spawner, status)
    assert await spawner.poll() is None
    assert spawner.placed == FIRST


async def test_a_database_that_is_locked_ends_no_server(spawner):
    told(spawner, UP)
    spawner.orm_spawner = None
    spawner._server = SimpleNamespace(url="http://10.0.0.9:8888/", ip="10.0.0.9", port=8888)
    assert await spawner.poll() is None
    assert spawner.db.said == ["commit", "rollback"]


async def test_a_server_that_is_up_does_not_end_by_what_cannot_be_written_down(spawner):
    spawner.orm_spawner.state = {}
    await spawner._known("http://10.0.0.1:8888")
    assert spawner.db.said == ["commit", "rollback"]


async def test_where_a_server_is_says_the_database_if_the_cluster_speaks_nonsense(
    spawner, monkeypatch
):
    async def nonsense() -> None:
        raise KeyError("status")

    monkeypatch.setattr(spawner, "_start_watching_pods", nonsense)
    spawner.orm_spawner = None
    spawner._server = SimpleNamespace(url="http://of.the/database")
    assert await spawner.get_url() == "http://of.the/database"


async def test_a_second_look_waits_for_what_the_first_one_entails(spawner, monkeypatch):
    """Else it says that a start may begin, which the first one then stops."""
    stopping, stopped = asyncio.Event(), asyncio.Event()

    async def user_stopped() -> None:
        stopping.set()
        await stopped.wait()

    async def ended() -> int:
        return 1

    monkeypatch.setattr(spawner, "poll", ended)
    spawner.add_poll_callback(user_stopped)
    first = asyncio.ensure_future(spawner.poll_and_notify())
    await stopping.wait()
    second = asyncio.ensure_future(spawner.poll_and_notify())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not second.done()
    stopped.set()
    assert await asyncio.gather(first, second) == [1, 1]


@pytest.fixture
async def placed(spawner: Kept) -> AsyncIterator[tuple[Kept, StandinKube]]:
    """A spawner whose pod and Secret are there, as an earlier hub has made them."""
    with StandinKube() as kube:
        meta = {"namespace": "uc4", "labels": {"fairihub.io/hub": "fairihub"}}
        pod = kube.put("pods", {"metadata": {**meta, "name": "ada"}, "spec": SPEC})
        secret = kube.put("secrets", {"metadata": {**meta, "name": "of-ada"}})
        kube.update("pods", "uc4", "ada", status=UP)
        pod_uid, secret_uid = (made["metadata"]["uid"] for made in (pod, secret))
        async with ApiClient(Configuration(host=kube.url)) as client:
            spawner.api = CoreV1Api(client)
            spawner.placed = replace(FIRST, pod_uid=pod_uid, secret_uid=secret_uid)
            yield spawner, kube


@pytest.fixture
async def renamed(placed: tuple[Kept, StandinKube]) -> tuple[Kept, StandinKube]:
    """The same, and the hub had another name when it made them."""
    spawner, kube = placed
    kube.update("pods", "uc4", "ada", metadata={"labels": {"fairihub.io/hub": "before"}})
    return spawner, kube


async def test_a_hub_of_a_new_name_keeps_the_servers_that_it_has(renamed):
    spawner, kube = renamed
    assert [await spawner.poll() for _ in range(2)] == [None, None]
    assert kube.all("pods")
    kube.remove("pods", "uc4", "ada")
    assert await spawner.poll() == 1
    assert (spawner.placed, spawner.pod) == (None, None)


async def test_a_hub_of_a_new_name_waits_until_the_pod_of_a_server_is_gone(renamed, monkeypatch):
    spawner, kube = renamed
    monkeypatch.setattr(steady, "GONE_LOOK", 0.05)
    spawner.mirrors.clear()
    kube.update("pods", "uc4", "ada", metadata={"finalizers": ["test/holds"]})
    stopping = asyncio.ensure_future(spawner.stop())
    assert await asyncio.to_thread(
        eventually, lambda: kube.get("pods", "uc4", "ada")["metadata"].get("deletionTimestamp")
    )
    looks = len(kube.requests("get", "pods"))
    assert await asyncio.to_thread(
        eventually, lambda: len(kube.requests("get", "pods")) > looks + 3
    )
    assert not stopping.done()
    kube.update("pods", "uc4", "ada", metadata={"finalizers": None})
    await stopping
    assert not kube.all("pods")


async def test_what_a_hub_left_that_ended_while_it_stopped_a_server_is_deleted(placed, monkeypatch):
    spawner, kube = placed
    monkeypatch.setattr(steady, "SETTLE_SECONDS", 0.05)
    spawner.load_state(spawner.get_state())
    assert spawner.placed is None
    await asyncio.wait(spawner.debts, timeout=10)
    assert not kube.all("pods")
    assert not kube.all("secrets")


async def test_a_server_that_an_earlier_hub_has_left_running_is_kept(placed):
    spawner, _ = placed
    before, spawner.orm_spawner = spawner.placed, None
    spawner._server = SimpleNamespace(url="http://10.0.0.1:8888")
    spawner.load_state(spawner.get_state())
    assert (spawner.placed, spawner.held, spawner.debts) == (before, before, set())
    spawner._server = None
    assert spawner.held is None
