"""The servers that a hub finds of its predecessor, while it still looks at some of them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairihub_auth.server_requests import IS_LOOKED_AT
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


def the_next_hub(scene: Scene) -> None:
    """It begins and is not done with anybody's server, as none answers."""
    scene.hub.end(signal.SIGKILL)
    scene.kubelet.lets_answer = lambda: False
    scene.hub.run()
    assert (scene.hub.server("ada") or {})["pending"] == "check"


def asked(scene: Scene, *asking: tuple[str, str | None]) -> list[tuple[int, Any]]:
    """What the hub says to those who stop Ada's server at the same time."""
    answers: list[tuple[int, Any]] = []

    def ask(path: str, login: str | None) -> None:
        answers.append(scene.hub.call("DELETE", f"/hub/api/{path}", login=login))

    threads = [threading.Thread(target=ask, args=one) for one in asking]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_a_start_that_is_gone_on_with_keeps_nobody_elses_route_away(scene):
    scene.hub.started("ada", "small")
    scene.kubelet.lets_run = lambda pod: login_of(pod) != "dan"
    (asking,) = scene.ask_for("dan")
    assert eventually(lambda: scene.pods_of("dan"))
    the_next_hub(scene)
    asking.join(30)
    scene.kubelet.lets_answer = lambda: True
    assert eventually(lambda: scene.runs("ada")), scene.hub.tail()
    assert eventually(lambda: scene.hub.call("GET", "/user/ada/api")[0] == 200), scene.hub.tail()
    assert (scene.hub.server("dan") or {})["pending"] == "spawn"


def test_whoever_stops_a_server_before_the_hub_has_looked_at_it_is_told_so(scene):
    scene.hub.started("ada", "small")
    the_next_hub(scene)
    by_team, by_hub = f"fairihub/teams/{TEAM}/servers/ada", "users/ada/server"
    refused = asked(scene, (by_team, "ada"), (by_hub, None))
    assert [status for status, _ in refused] == [503, 503], refused
    assert {answer["message"] for _, answer in refused} == {IS_LOOKED_AT}
    assert eventually(lambda: scene.pods_of("ada"))
    scene.kubelet.lets_answer = lambda: True
    ((status, answer),) = asked(scene, (by_hub, None))
    assert status in (202, 204), answer
    assert eventually(lambda: scene.nothing_left("ada")), scene.hub.tail()
