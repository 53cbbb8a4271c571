"""More watches than a client has connections must not keep calls from getting through."""

from __future__ import annotations

import asyncio
from functools import partial

from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api

from fairihub_spawner.kube.calls import Calls
from fairihub_spawner.kube.connections import unbound
from fairihub_spawner.kube.watching import Mirror
from tests.support.standin_kube import StandinKube
from tests.support.waiting import eventually

WATCHES = 120


async def test_a_call_is_answered_beside_many_watches() -> None:
    with StandinKube() as kube:
        async with ApiClient(Configuration(host=kube.url)) as client:
            unbound(client)
            unbound(client)
            api = CoreV1Api(client)
            mirrors = [
                Mirror("pods", partial(api.list_namespaced_pod, namespace=f"team-{number}"))
                for number in range(WATCHES)
            ]
            for mirror in mirrors:
                await mirror.start()
            assert all(await asyncio.gather(*(mirror.loaded(20) for mirror in mirrors)))
            watched = partial(kube.watching, "pods")
            assert await asyncio.to_thread(eventually, lambda: watched() == WATCHES)
            assert await Calls(api, "ours", 5).pod("team-0", "none") is None
            for mirror in mirrors:
                await mirror.stop()
