"""Whoever asks for a start, or follows it, hears why it failed as whoever looks later does."""

from __future__ import annotations

import threading
from typing import Any

from tests.support.waiting import eventually

from .scene import TEAM, Scene

CODE = "no-secret"


def typed(diagnosis: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(diagnosis[part] for part in ("code", "phase", "who", "final"))


def test_the_answer_of_a_start_that_fails_at_once_says_why(scene: Scene) -> None:
    status, answer = scene.hub.start("ada", "lost")
    told = answer["diagnosis"]
    assert (status, set(answer)) == (403, {"status", "message", "diagnosis"})
    assert typed(told) == (CODE, "access", "operator", True)
    assert "“nowhere”" in told["message"]
    assert answer["message"] == f"{told['message']} {told['remedy']}"
    assert "detail" not in told, "which whoever may start servers may not read for that"


def test_the_last_event_of_a_start_that_failed_says_why(scene: Scene) -> None:
    scene.hub.start("bob", "lost")
    (event,) = scene.hub.progress("bob")
    assert (event["failed"], event["progress"]) == (True, 100)
    assert typed(event["diagnosis"]) == (CODE, "access", "operator", True)
    assert "detail" not in event["diagnosis"]


def test_an_event_says_what_keeps_a_start_without_what_was_said(scene: Scene) -> None:
    scene.kubelet.lets_run = lambda pod: False
    scene.ask_for("eve")
    assert eventually(lambda: scene.pods_of("eve")), scene.hub.tail()
    name = scene.pod_of("eve")["metadata"]["name"]
    no_room = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    said = {**no_room, "message": "0/1 nodes are available: 1 Insufficient memory."}
    scene.kube.update("pods", TEAM, name, status={"conditions": [said]})
    assert eventually(lambda: (scene.start_of("eve").get("diagnosis") or {}).get("detail"))
    event = next(e for e in scene.hub.progress("eve") if e.get("diagnosis"))
    assert event["diagnosis"]["code"] == "no-memory-free"
    assert "detail" not in event["diagnosis"]
    scene.hub.stop("eve")


def test_a_start_that_waits_for_the_hub_is_not_told_of_as_the_one_before(scene: Scene) -> None:
    held = scene.hub.folder / "held"
    scene.hub.start("finn", "lost")
    assert scene.start_of("finn")["diagnosis"]["code"] == CODE
    held.touch()
    try:
        (asking,) = scene.ask_for("finn")
        assert eventually(lambda: (scene.hub.server("finn") or {}).get("pending") == "spawn")
        assert eventually(lambda: scene.start_of("finn").get("state") == "starting")
        assert scene.start_of("finn")["diagnosis"] is None
        status, answer = scene.hub.start("finn", "small")
        assert (status, answer) == (202, "")
        events = scene.hub.progress("finn")
        assert "diagnosis" not in next(e for e in events if "steps" in e)
    finally:
        held.unlink()
    asking.join(30)
    assert [e for e in events if e.get("ready")], scene.hub.tail()
    scene.hub.stop("finn")


def test_a_start_that_is_cancelled_before_it_is_looked_at_is_told_of_as_that(scene: Scene) -> None:
    held = scene.hub.folder / "held"
    held.touch()
    try:
        (asking,) = scene.ask_for("finn")
        assert eventually(lambda: (scene.hub.server("finn") or {}).get("pending") == "spawn")
        assert eventually(lambda: scene.start_of("finn").get("state") == "starting")
        scene.hub.stop("finn")
    finally:
        held.unlink()
    asking.join(30)
    assert scene.start_of("finn")["diagnosis"]["code"] == "start-cancelled"


def test_a_start_that_the_hub_refuses_was_not_interrupted(scene: Scene) -> None:
    refused = scene.hub.folder / "refused"
    refused.touch()
    try:
        scene.hub.start("finn", "small")
    finally:
        refused.unlink()
    assert eventually(lambda: scene.start_of("finn").get("state") == "failed"), scene.hub.tail()
    assert scene.start_of("finn")["diagnosis"]["code"] == "start-failed"


def test_what_is_no_failure_of_a_start_is_answered_as_ever(scene: Scene) -> None:
    scene.hub.started("cleo", "small")
    status, answer = scene.hub.start("cleo", "small")
    assert (status, set(answer)) == (400, {"status", "message"})


def test_a_stop_that_waits_for_its_pod_says_so(scene: Scene) -> None:
    scene.hub.started("dan", "small")
    name = scene.pod_of("dan")["metadata"]["name"]
    scene.kube.update("pods", TEAM, name, metadata={"finalizers": ["test/holds"]})
    stopping = threading.Thread(target=lambda: scene.hub.stop("dan"))
    stopping.start()
    (told,) = eventually(lambda: scene.start_of("dan")["notices"]) or [scene.hub.tail()]
    assert (told["code"], told["values"]) == ("stop-held", {"finalizers": "test/holds"})
    scene.kube.update("pods", TEAM, name, metadata={"finalizers": None})
    stopping.join(30)
    assert eventually(lambda: scene.nothing_left("dan")), scene.hub.tail()
    assert scene.start_of("dan")["notices"] == []
