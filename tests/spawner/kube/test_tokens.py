"""The token that a pod was given stands in the audit log, whatever became of the start."""

from __future__ import annotations

import pytest

from tests.support.standin_kube import Refusal
from tests.support.waiting import eventually

from .scene import ALWAYS, TEAM, Scene


def _told(scene: Scene, login: str) -> int:
    said = f"“Server at /user/{login}/”"
    made = [e for e in scene.hub.recorded if e["action"] == "token-made"]
    return sum(e["detail"].endswith(said) for e in made)


def test_of_a_start_that_is_lost_with_its_pod(scene):
    scene.kubelet.lets_run = lambda pod: False
    (asking,) = scene.ask_for("cleo")
    assert eventually(lambda: scene.pods_of("cleo"))
    name = scene.pod_of("cleo")["metadata"]["name"]
    waiting = {"reason": "ErrImageNeverPull", "message": "is not present with pull policy of Never"}
    broken = {"name": "notebook", "image": "x", "state": {"waiting": waiting}, "restartCount": 0}
    scene.kube.update("pods", TEAM, name, status={"containerStatuses": [broken]})
    asking.join(30)
    assert eventually(lambda: scene.nothing_left("cleo")), scene.hub.tail()
    assert scene.start_of("cleo")["state"] == "failed"
    assert _told(scene, "cleo") == 1


def test_of_a_start_that_the_next_hub_takes_up(scene):
    scene.hub_dies_in_the_start_of("dan")
    scene.kubelet.lets_run = lambda pod: True
    scene.hub.run()
    assert eventually(lambda: scene.runs("dan")), scene.hub.tail()
    assert _told(scene, "dan") == 1


@pytest.mark.parametrize("profile", ["small", "none-such"])
def test_not_of_one_that_is_refused_before(scene, profile):
    for claim in scene.kube.all("persistentvolumeclaims"):
        scene.kube.remove("persistentvolumeclaims", TEAM, claim["metadata"]["name"])
    no = Refusal(403)
    scene.kube.fail(no, verb="create", resource="persistentvolumeclaims", times=ALWAYS)
    status, answer = scene.hub.start("eve", profile)
    assert status in (403, 503), answer
    assert eventually(lambda: scene.nothing_left("eve"))
    assert _told(scene, "eve") == 0
