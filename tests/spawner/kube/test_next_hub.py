"""What a hub finds of its predecessor: servers that run on, and starts that it goes on with."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from tests.support.standin_kube import Slow
from tests.support.waiting import eventually

from .scene import ALWAYS, TEAM, TEN, Scene, login_of, stays


def test_a_hub_that_begins_while_the_api_is_away_keeps_its_servers(scene):
    scene.hub.started("ada", "small")
    before = scene.pod_of("ada")["metadata"]["uid"]
    scene.hub.end(signal.SIGKILL)
    scene.kube.close()
    scene.hub.run()
    assert stays(lambda: scene.hub.server("ada")), scene.hub.tail()
    scene.kube.start()
    assert eventually(lambda: scene.runs("ada")), scene.hub.tail()
    assert scene.pod_of("ada")["metadata"]["uid"] == before
    scene.hub.stop("ada")
    assert scene.nothing_left("ada")


@pytest.mark.parametrize("made", [1, 6])
def test_a_hub_that_is_killed_in_the_middle_of_ten_starts(scene, made):
    """Each comes up in the end, or was interrupted and has left nothing; what ran runs on."""
    scene.hub.started("ada", "small")
    ran = scene.pod_of("ada")["metadata"]["uid"]
    before = sum(map(scene.made, TEN))
    scene.kubelet.lets_run = lambda pod: login_of(pod) == TEN[0]
    scene.kube.fail(Slow(0.2), verb="create", times=ALWAYS)
    asking = scene.ask_for(*TEN)
    assert eventually(lambda: sum(map(scene.made, TEN)) - before >= made)
    scene.hub.end(signal.SIGKILL)
    for thread in asking:
        thread.join(30)
    scene.kube.behave()
    scene.kubelet.lets_run = lambda pod: True
    scene.hub.run()
    for login in TEN:
        assert eventually(lambda who=login: scene.runs(who) or scene.nothing_left(who)), login
        assert len(scene.pods_of(login)) == len(scene.secrets_of(login)) == scene.runs(login)
        if not scene.runs(login) and scene.start_of(login):
            assert scene.start_of(login)["diagnosis"]["code"] == "start-interrupted"
    assert scene.runs("ada")
    assert scene.pod_of("ada")["metadata"]["uid"] == ran


def _taken_up(scene: Scene, login: str) -> None:
    """A start in which the hub is killed, and another begins, before its server comes up."""
    scene.kubelet.lets_run = lambda pod: False
    (asking,) = scene.ask_for(login)
    assert eventually(lambda: scene.pods_of(login))
    scene.hub.end(signal.SIGKILL)
    asking.join(30)
    scene.hub.run()


def test_a_start_that_the_next_hub_takes_up_is_shown_and_comes_up(scene):
    _taken_up(scene, "dan")
    assert scene.start_of("dan")["state"] == "starting"
    assert (scene.hub.server("dan") or {})["pending"] == "spawn"
    assert scene.hub.start("dan", "small")[0] == 202
    events: list[dict[str, Any]] = []
    showing = threading.Thread(target=lambda: events.extend(scene.hub.progress("dan")))
    showing.start()
    assert eventually(lambda: any("steps" in event for event in list(events)))
    scene.kubelet.lets_run = lambda pod: True
    showing.join(30)
    assert events[-1]["ready"]
    assert scene.hub.call("GET", "/user/dan/api")[0] == 200
    assert scene.start_of("dan")["state"] == "ready"
    assert stays(lambda: scene.runs("dan"))


def test_a_start_that_nobody_can_look_at_says_so(scene):
    scene.hub_dies_in_the_start_of("dan")
    scene.kube.close()
    scene.hub.run()
    away = "cluster-unreachable"
    told = eventually(lambda: (scene.start_of("dan").get("diagnosis") or {}).get("code") == away)
    assert told, scene.hub.tail()
    assert scene.start_of("dan")["state"] == "starting"
    scene.kube.start()
    scene.kubelet.lets_run = lambda pod: True
    assert eventually(lambda: scene.runs("dan")), scene.hub.tail()


def test_a_hub_that_ends_does_not_say_that_a_start_was_cancelled(scene, monkeypatch):
    scene.kubelet.lets_run = lambda pod: False
    # The proxy ends before the hub does.
    monkeypatch.setattr(scene.hub, "address", scene.hub._hub)
    answers: list[tuple[int, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(scene.hub.start("dan", "small")))
    asking.start()
    assert eventually(lambda: scene.pods_of("dan"))
    scene.hub.end()
    asking.join(30)
    monkeypatch.undo()
    said = "The hub restarts. Look again in a moment."
    assert answers == [(503, {"status": 503, "message": said})]
    scene.kubelet.lets_run = lambda pod: True
    scene.hub.run()
    assert eventually(lambda: scene.runs("dan")), scene.hub.tail()


def test_a_start_that_the_next_hub_takes_up_can_be_cancelled(scene):
    _taken_up(scene, "dan")
    status, answer = scene.hub.call("DELETE", "/hub/api/users/dan/server")
    assert status in (202, 204), answer
    assert eventually(lambda: scene.nothing_left("dan")), scene.hub.tail()
    assert scene.start_of("dan")["diagnosis"]["code"] == "start-cancelled"
    scene.kubelet.lets_run = lambda pod: True
    scene.hub.started("dan", "small")
    assert stays(lambda: scene.runs("dan"))


def test_a_start_that_is_lost_when_the_next_hub_comes_is_told_and_cleared_away(scene):
    scene.hub_dies_in_the_start_of("cleo")
    name = scene.pod_of("cleo")["metadata"]["name"]
    waiting = {"reason": "ErrImageNeverPull", "message": "is not present with pull policy of Never"}
    broken = {"name": "notebook", "image": "x", "state": {"waiting": waiting}, "restartCount": 0}
    scene.kube.update("pods", TEAM, name, status={"containerStatuses": [broken]})
    scene.hub.run()
    assert eventually(lambda: scene.nothing_left("cleo")), scene.hub.tail()
    told = scene.start_of("cleo")
    assert (told["state"], told["diagnosis"]["phase"]) == ("failed", "image")
