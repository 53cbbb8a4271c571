"""Whatever befalls the cluster's API or a pod: no server is lost, none doubled, none left over."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.support.standin_kube import Empty, Hang, Lost, Refusal, Slow, error_event, gone, too_many
from tests.support.waiting import eventually

from .scene import ALWAYS, TEAM, stays


def test_while_the_api_is_away_servers_run_on(scene):
    scene.hub.started("ada", "small")
    before = scene.pod_of("ada")["metadata"]["uid"]
    scene.kube.close()
    assert stays(lambda: scene.runs("ada"))
    scene.kube.start()
    assert eventually(lambda: scene.kube.watching("pods"))
    assert stays(lambda: scene.runs("ada"))
    assert scene.pod_of("ada")["metadata"]["uid"] == before
    scene.hub.started("bob", "small")


def test_a_start_while_the_api_is_away_says_so_and_in_the_end_that_it_was_given_up(scene):
    scene.kube.close()
    answers: list[tuple[int, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(scene.hub.start("eve", "small")))
    asking.start()
    try:
        assert eventually(lambda: scene.start_of("eve").get("diagnosis"), 9)
        told = scene.start_of("eve")
        assert (told["state"], told["steps"][0]["state"]) == ("starting", "running")
        assert told["diagnosis"]["code"] == "cluster-unreachable"
        assert told["diagnosis"]["message"] == "The cluster does not answer at present."
        assert not told["diagnosis"]["final"]
        asking.join(30)
    finally:
        scene.kube.start()
    ((status, answer),) = answers
    lost = scene.start_of("eve")["diagnosis"]
    assert lost["final"]
    assert lost["message"] == "The cluster did not answer, so the start was given up."
    assert (status, answer["message"]) == (503, f"{lost['message']} {lost['remedy']}")
    scene.hub.started("eve", "small")


def test_a_start_goes_on_once_the_api_is_back_and_says_no_more_that_it_is_away(scene):
    scene.kube.fail(Slow(3.8), verb="get", resource="namespaces", times=1)
    scene.ask_for("eve")
    assert eventually(lambda: scene.start_of("eve").get("diagnosis"), 9)
    assert eventually(lambda: scene.runs("eve")), scene.hub.tail()
    assert scene.start_of("eve")["diagnosis"] is None


@pytest.mark.parametrize(
    "break_it",
    [
        lambda kube: kube.tear("pods"),
        lambda kube: kube.end("pods"),
        lambda kube: kube.say("pods", error_event(410)),
        lambda kube: (kube.fail(gone(), verb="watch", resource="pods"), kube.end("pods")),
        lambda kube: (
            kube.fail(Refusal(500), verb="watch", resource="pods", times=3),
            kube.tear("pods"),
        ),
    ],
    ids=["dropped", "ended", "410 in the stream", "410", "500"],
)
def test_a_watch_that_breaks_loses_no_server(scene, break_it):
    scene.hub.started("ada", "small")
    assert eventually(lambda: scene.kube.watching("pods"))
    before = len(scene.kube.requests("watch", "pods"))
    break_it(scene.kube)
    assert eventually(lambda: len(scene.kube.requests("watch", "pods")) > before)
    scene.hub.started("bob", "small")  # so it is followed again
    assert scene.runs("ada")


def test_an_empty_list_loses_no_server(scene):
    scene.hub.started("ada", "small")
    name = scene.pod_of("ada")["metadata"]["name"]
    assert eventually(lambda: scene.kube.watching("pods"))
    before = len(scene.kube.requests("get", "pods"))
    scene.kube.fail(Empty(), verb="list", resource="pods")
    scene.kube.say("pods", error_event(410))
    assert eventually(lambda: scene.kube.requests("get", "pods")[before:])
    assert scene.kube.requests("get", "pods")[before].name == name
    assert stays(lambda: scene.runs("ada"))
    assert scene.pods_of("ada")


@pytest.mark.parametrize("resource", ["pods", "secrets", "persistentvolumeclaims"])
@pytest.mark.parametrize("fault", [too_many(1), Refusal(500), Refusal(503), Lost()], ids=str)
def test_a_start_goes_on_when_the_api_is_busy(scene, resource, fault):
    for claim in scene.kube.all("persistentvolumeclaims"):
        scene.kube.remove("persistentvolumeclaims", TEAM, claim["metadata"]["name"])
    scene.kube.fail(fault, verb="create", resource=resource, times=2)
    scene.hub.started("cleo", "small")
    assert scene.pod_of("cleo")
    assert len(scene.secrets_of("cleo")) == 1


def test_a_pod_whose_making_was_not_heard_of_is_not_made_twice(scene):
    before = scene.made("dan")
    scene.kube.fail(Lost(), verb="create", resource="pods")
    scene.kubelet.lets_run = lambda pod: False
    scene.ask_for("dan")
    assert eventually(lambda: scene.made("dan") - before == 2)
    first = scene.pod_of("dan")["metadata"]["uid"]
    scene.kubelet.lets_run = lambda pod: True
    assert eventually(lambda: scene.runs("dan"))
    assert scene.pod_of("dan")["metadata"]["uid"] == first
    assert scene.start_of("dan")["state"] == "ready"


def test_two_starts_at_once_are_one(scene):
    before = scene.made("dan")
    for thread in scene.ask_for("dan", "dan", "dan"):
        thread.join(30)
    assert eventually(lambda: scene.runs("dan"))
    assert scene.made("dan") - before == 1


@pytest.mark.parametrize("slow", ["create", None])
def test_a_start_that_is_cancelled_leaves_nothing(scene, slow):
    scene.kubelet.lets_run = lambda pod: False
    before = scene.made("eve")
    if slow is not None:
        scene.kube.fail(Slow(2.5), verb=slow, resource="pods")
    (asking,) = scene.ask_for("eve")
    assert eventually(lambda: scene.made("eve") > before)
    if slow is None:
        assert eventually(lambda: scene.pods_of("eve"))
    status, answer = scene.hub.call("DELETE", "/hub/api/users/eve/server")
    assert status in (202, 204), answer
    asking.join(30)
    assert eventually(lambda: scene.nothing_left("eve")), scene.hub.tail()
    assert stays(lambda: scene.nothing_left("eve"), 3)
    scene.kubelet.lets_run = lambda pod: True
    scene.hub.started("eve", "small")  # and it stands in nobody's way


def test_whoever_cancels_a_start_and_whoever_asked_for_it_are_told_so(scene):
    scene.kubelet.lets_run = lambda pod: False
    answers: list[tuple[int, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(scene.hub.start("flo", "small")))
    asking.start()
    assert eventually(lambda: scene.start_of("flo").get("steps"))
    scene.hub.call("DELETE", "/hub/api/users/flo/server")
    asking.join(30)
    ((status, answer),) = answers
    assert status == 409, (answer, scene.start_of("flo"), scene.hub.tail())
    assert answer["status"] == 409
    assert answer["message"] == "The start was cancelled."
    assert answer["diagnosis"]["code"] == "start-cancelled"
    assert eventually(lambda: scene.nothing_left("flo")), scene.hub.tail()
    told = scene.start_of("flo")
    assert (told["state"], told["diagnosis"]["code"]) == ("failed", "start-cancelled")
    assert "running" not in [step["state"] for step in told["steps"]]
    assert told["ended"]
    assert "Uncaught exception" not in scene.hub.log.read_text()


def test_a_pod_in_the_way_that_does_not_go_is_told(scene):
    scene.hub.started("finn", "small")
    pod = scene.pod_of("finn")
    scene.hub.stop("finn")
    meta = {k: pod["metadata"][k] for k in ("name", "namespace", "labels", "annotations")}
    scene.kube.put("pods", {**pod, "metadata": {**meta, "finalizers": ["test/holds"]}})
    scene.ask_for("finn")
    # Until the hub has begun with it, the start before it is told of.
    first = lambda: (scene.start_of("finn").get("steps") or [{}])[0]  # noqa: E731
    assert eventually(lambda: first().get("note") == "pod-ending"), scene.start_of("finn")
    assert eventually(lambda: scene.hub.server("finn") is None, 12), scene.hub.tail()
    told = scene.start_of("finn")
    assert (told["state"], told["diagnosis"]["code"]) == ("failed", "pod-stuck")
    assert "test/holds" in told["diagnosis"]["detail"]
    assert not scene.secrets_of("finn")
    scene.kube.update("pods", TEAM, meta["name"], metadata={"finalizers": None})
    scene.hub.started("finn", "small")


def test_who_asks_for_a_server_that_takes_its_time_is_told_why(scene):
    scene.kubelet.lets_run = lambda pod: False
    short = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
             "message": "0/1 nodes are available: 1 Insufficient memory."}  # fmt: skip
    found: list[tuple[int, Any]] = []
    asking = threading.Thread(target=lambda: found.append(scene.hub.start("finn", "small")))
    asking.start()
    assert eventually(lambda: scene.pods_of("finn"))
    name = scene.pod_of("finn")["metadata"]["name"]
    scene.kube.update("pods", TEAM, name, status={"conditions": [short]})
    asking.join(30)
    ((status, answer),) = found
    assert (status, answer["diagnosis"]["code"]) == (202, "no-memory-free")
    assert "detail" not in answer["diagnosis"]


def test_a_pod_that_somebody_deletes_is_missed(scene):
    scene.hub.started("finn", "small")
    scene.kube.remove("pods", TEAM, scene.pod_of("finn")["metadata"]["name"])
    assert eventually(lambda: scene.nothing_left("finn"), 10), scene.hub.tail()


def test_two_hubs_in_one_namespace_leave_each_other_their_servers(scene):
    """Their pods and Secrets have the same names, as these do not hold the hub."""
    scene.hub.started("finn", "small")
    (secret,), pod = scene.secrets_of("finn"), scene.pod_of("finn")
    scene.hub.stop("finn")
    for resource, made in (("secrets", secret), ("pods", pod)):
        meta = {key: made["metadata"][key] for key in ("name", "namespace", "annotations")}
        meta["labels"] = {**made["metadata"]["labels"], "fairihub.io/hub": "another"}
        scene.kube.put(resource, {**made, "metadata": meta})
    theirs = scene.uids_of("finn")
    scene.hub.start("finn", "small")
    assert eventually(lambda: scene.start_of("finn").get("state") == "failed"), scene.hub.tail()
    assert scene.start_of("finn")["diagnosis"]["code"] == "object-in-the-way"
    assert eventually(lambda: scene.hub.server("finn") is None)
    assert scene.uids_of("finn") == theirs
    for resource in ("secrets", "pods"):
        for found in scene.kube.all(resource):
            scene.kube.remove(resource, TEAM, found["metadata"]["name"])


def test_the_pod_of_another_hub_is_not_taken_for_ones_own(scene):
    scene.hub.started("finn", "small")
    pod = scene.pod_of("finn")
    meta = {key: pod["metadata"][key] for key in ("name", "namespace", "annotations")}
    meta["labels"] = {**pod["metadata"]["labels"], "fairihub.io/hub": "another"}
    scene.kube.remove("pods", TEAM, meta["name"])
    scene.kube.put("pods", {**pod, "metadata": meta})
    assert eventually(lambda: scene.hub.server("finn") is None), scene.hub.tail()
    assert eventually(lambda: not scene.secrets_of("finn"))
    assert scene.pod_of("finn")["metadata"]["labels"]["fairihub.io/hub"] == "another"
    scene.kube.remove("pods", TEAM, meta["name"])


def test_while_the_watch_hangs_a_start_is_not_taken_for_the_one_before(scene):
    """Whose pod the hub goes on to see, up and running, under the same name."""
    scene.hub.started("finn", "small")
    name = scene.pod_of("finn")["metadata"]["name"]
    scene.kube.update("pods", TEAM, name, spec={"nodeName": "node-3"})
    before = len(scene.kube.requests("watch", "pods"))
    scene.kube.fail(Hang(), verb="watch", resource="pods", times=ALWAYS)
    scene.kube.tear("pods")
    assert eventually(lambda: len(scene.kube.requests("watch", "pods")) > before)
    scene.hub.stop("finn")
    scene.kubelet.lets_run = lambda pod: False
    scene.ask_for("finn")
    assert eventually(lambda: scene.start_of("finn").get("steps") and scene.pods_of("finn"))
    assert stays(lambda: "done" not in [s["state"] for s in scene.start_of("finn")["steps"]], 4)
    scene.kubelet.lets_run = lambda pod: True
    assert eventually(lambda: scene.runs("finn")), scene.hub.tail()


def test_a_pod_that_ends_is_cleared_away(scene):
    scene.hub.started("finn", "small")
    name = scene.pod_of("finn")["metadata"]["name"]
    evicted = {"phase": "Failed", "reason": "Evicted", "containerStatuses": []}
    scene.kube.update("pods", TEAM, name, status=evicted)
    assert eventually(lambda: scene.nothing_left("finn"), 10), scene.hub.tail()


def test_a_server_that_is_stopped_while_the_api_is_away_ends_when_it_is_back(scene):
    """JupyterHub lets go of it at once; the pod must not run on for nobody."""
    scene.hub.started("bob", "small")
    scene.kube.close()
    scene.hub.call("DELETE", "/hub/api/users/bob/server")
    assert eventually(lambda: scene.hub.server("bob") is None), scene.hub.tail()
    assert scene.pods_of("bob")
    scene.kube.start()
    assert eventually(lambda: scene.nothing_left("bob")), scene.hub.tail()
