"""What one look at a server deletes, while another look and the next start come in between.

The real methods, and an API of which the test says when it answers; the hub itself cannot be made
to look twice in one moment.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api

from fairihub_spawner.kube import steady
from fairihub_spawner.kube.calls import LostCause
from fairihub_spawner.kube.steady import Placed, SteadyKubeSpawner, _settled
from fairihub_spawner.kube.watching import Mirror
from tests.support.standin_kube import Hang, Refusal, StandinKube

FIRST = Placed("uc4", "ada", "of-ada", (), ready=True, pod_uid="p1", secret_uid="s1")
NEXT = replace(FIRST, ready=False, pod_uid="p2", secret_uid="s2")


class Api:
    """One pod and one Secret by name; a deletion is done once `answers` is set."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.asked = asyncio.Event()
        self.pod_uid: str | None = None
        self.secret_uid: str | None = "s1"

    async def pod(self, namespace: str, name: str, uid: str | None = None) -> dict[str, Any] | None:
        there = self.pod_uid is not None and uid in (None, self.pod_uid)
        return {"metadata": {"uid": self.pod_uid}} if there else None

    async def own_secret(self, namespace: str, name: str) -> dict[str, Any] | None:
        return {"metadata": {"uid": self.secret_uid}} if self.secret_uid else None

    async def delete_pod(
        self, namespace: str, name: str, seconds: int = 0, uid: str | None = None
    ) -> None:
        self.asked.set()
        await self.answers.wait()
        if uid in (None, self.pod_uid):
            self.pod_uid = None

    async def delete_secret(self, namespace: str, name: str, uid: str | None = None) -> None:
        if uid in (None, self.secret_uid):
            self.secret_uid = None

    def begin_anew(self) -> None:
        self.pod_uid, self.secret_uid = NEXT.pod_uid, NEXT.secret_uid


class Spawner:
    """As much of a spawner as looks at its server."""

    poll = SteadyKubeSpawner.poll
    _clear_away = SteadyKubeSpawner._clear_away
    _is_there = SteadyKubeSpawner._is_there
    _log_name = "ada"
    log = logging.getLogger("test")
    placing = None

    def __init__(self) -> None:
        self.calls = Api()
        self.placed: Placed | None = FIRST
        self._clearing = asyncio.Lock()

    async def _start_watching_pods(self) -> Any:
        return SimpleNamespace(resources={})


@pytest.fixture
async def spawner() -> Spawner:
    return Spawner()


async def test_a_server_is_not_gone_for_one_look_while_another_clears_it_away(spawner):
    first = asyncio.ensure_future(spawner.poll())
    await spawner.calls.asked.wait()
    second = asyncio.ensure_future(spawner.poll())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not second.done()
    spawner.calls.answers.set()
    assert await asyncio.gather(first, second) == [1, 1]
    assert (spawner.placed, spawner.calls.secret_uid) == (None, None)


async def test_a_look_that_comes_late_deletes_nothing_of_the_next_start(spawner):
    look = asyncio.ensure_future(spawner.poll())
    await spawner.calls.asked.wait()
    spawner.placed = NEXT
    spawner.calls.begin_anew()
    spawner.calls.answers.set()
    assert await look is None
    assert spawner.placed == NEXT
    assert (spawner.calls.pod_uid, spawner.calls.secret_uid) == ("p2", "s2")


async def test_a_pod_of_the_same_name_is_not_taken_for_ones_own(spawner):
    spawner.calls.begin_anew()
    spawner.calls.answers.set()
    assert await spawner.poll() == 1
    assert (spawner.calls.pod_uid, spawner.calls.secret_uid) == ("p2", "s2")


def test_an_earlier_pod_that_the_watch_still_shows_is_not_the_servers():
    earlier = {"metadata": {"uid": FIRST.pod_uid}}
    mirror = SimpleNamespace(resources={"uc4/ada": earlier})
    shown = SteadyKubeSpawner.pod.fget
    assert shown(SimpleNamespace(placed=FIRST, pod_reflector=mirror)) is earlier
    assert shown(SimpleNamespace(placed=NEXT, pod_reflector=mirror)) is None


async def test_what_is_settled_late_spares_what_another_has_made(spawner):
    spawner.calls.begin_anew()
    await _settled(spawner.calls, FIRST, [])
    assert (spawner.calls.pod_uid, spawner.calls.secret_uid) == ("p2", "s2")


@pytest.mark.parametrize("asked", ["pod", "own_secret"])
async def test_what_begins_while_something_is_settled_is_spared(spawner, asked):
    """Also where nobody knows the uids, as of a start that was cancelled while it was made."""
    unknown = replace(FIRST, pod_uid=None, secret_uid=None)
    calls, spawner.placed = spawner.calls, None
    calls.answers.set()
    read = getattr(calls, asked)

    async def and_begun_anew(*said: str | None) -> Any:
        spawner.placed = NEXT
        calls.begin_anew()
        return await read(*said)

    setattr(calls, asked, and_begun_anew)
    await asyncio.wait_for(_settled(calls, unknown, [spawner]), 10)
    assert (calls.pod_uid, calls.secret_uid) == ("p2", "s2")


async def test_what_is_owed_is_deleted(spawner):
    calls, spawner.placed = spawner.calls, None
    calls.secret_uid = "s1"
    await asyncio.wait_for(_settled(calls, FIRST, [spawner]), 10)
    assert calls.secret_uid is None


NOT_ALLOWED = 'pods is forbidden: User "hub" cannot list resource "pods" in the namespace "uc4"'


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Refusal(403, "Forbidden", NOT_ALLOWED), "no-permission"),
        (Refusal(401, "Unauthorized", "Unauthorized"), "hub-not-known"),
        (Refusal(503, "ServiceUnavailable", "starting"), "cluster-unreachable"),
        (Hang(), "cluster-unreachable"),
    ],
)
async def test_why_the_pods_cannot_be_followed(monkeypatch, answer, code):
    monkeypatch.setattr(steady, "LOAD_SECONDS", 1)
    with StandinKube() as kube:
        kube.fail(answer, verb="list", resource="pods", times=float("inf"))
        async with ApiClient(Configuration(host=kube.url)) as client:
            mirror = Mirror("Pods", CoreV1Api(client).list_pod_for_all_namespaces)
            spawner = SimpleNamespace(mirrors={"": mirror}, _watched_namespace="")
            await mirror.start()
            with pytest.raises(LostCause) as lost:
                await SteadyKubeSpawner._start_watching_pods(spawner)
            await mirror.stop()
            kube.release()
    assert lost.value.diagnosis.code == code
