"""The way to the servers that a hub finds of its predecessor."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spawner.conftest import team
from tests.support.kube_hub import KubeHub
from tests.support.standin_kube import Kubelet, StandinKube
from tests.support.waiting import eventually

from .scene import TEAM, Scene, login_of

SELDOM = Path(__file__).with_name("seldom_config.py")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with StandinKube() as kube, Kubelet(kube) as kubelet:
        kube.put("namespaces", {"metadata": {"name": TEAM, "labels": {"fairihub.io/team": TEAM}}})
        config = kube.kubeconfig(tmp_path / "kubeconfig")
        traits = {"port": kubelet.port, "delete_grace_period": 0}
        hub = KubeHub(tmp_path / "hub", "127.0.0.1", config, traits=traits, config=SELDOM)
        hub.teams_are(team(TEAM, "ada dan", small={}))
        hub.run()
        yield Scene(hub, kube, kubelet)
        hub.end()


def test_a_start_that_is_gone_on_with_keeps_nobody_elses_route_away(scene):
    scene.hub.started("ada", "small")
    scene.kubelet.lets_run = lambda pod: login_of(pod) != "dan"
    (asking,) = scene.ask_for("dan")
    assert eventually(lambda: scene.pods_of("dan"))
    scene.hub.end(signal.SIGKILL)
    asking.join(30)
    # Ada's server is verified only when this hub has begun.
    scene.kubelet.lets_answer = lambda: False
    scene.hub.run()
    assert not scene.runs("ada")
    scene.kubelet.lets_answer = lambda: True
    assert eventually(lambda: scene.runs("ada")), scene.hub.tail()
    assert eventually(lambda: scene.hub.call("GET", "/user/ada/api")[0] == 200), scene.hub.tail()
    assert (scene.hub.server("dan") or {})["pending"] == "spawn"
