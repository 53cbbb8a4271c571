"""What the calls to the cluster's API make of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from kubernetes_asyncio.client import (
    ApiClient,
    Configuration,
    CoreV1Api,
    V1ObjectMeta,
    V1Pod,
)

from fairihub_spawner.kube import bodies
from fairihub_spawner.kube import calls as calls_of_ours
from fairihub_spawner.kube.calls import MAX_LOG_BYTES, Calls, LostCause
from tests.support.standin_kube import Garbage, Hang, Refusal, StandinKube

POD = ("uc4", "pod")


@pytest.fixture
def kube() -> Iterator[StandinKube]:
    with StandinKube() as kube:
        meta = {"namespace": POD[0], "name": POD[1], "labels": {"fairihub.io/hub": "ours"}}
        kube.put("pods", {"metadata": meta, "spec": {"containers": []}})
        yield kube


@pytest.fixture
async def calls(kube: StandinKube) -> AsyncIterator[Calls]:
    async with ApiClient(Configuration(host=kube.url)) as client:
        yield Calls(CoreV1Api(client), "ours")


@pytest.mark.parametrize(
    ("wrote", "lines", "text", "whole"),
    [
        ("", 2, "", True),
        ("a\nb\n", 2, "a\nb", True),
        ("a\nb", 2, "a\nb", True),
        ("a\nb\nc\n", 2, "b\nc", False),
        ("a\nb\n\n", 2, "b\n", False),
        ("a\nb\n\n", 3, "a\nb\n", True),
        ("unable to retrieve container logs for containerd://x", 2, "", True),
    ],
)
async def test_the_last_lines_of_a_log_and_whether_these_are_all(
    kube, calls, wrote, lines, text, whole
):
    kube.logs[POD] = wrote
    log = await calls.log(*POD, lines=lines)
    assert (log.text, log.whole) == (text, whole)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, 'container "notebook" in pod "pod" is waiting to start'),
        (404, 'pods "pod" not found'),
    ],
)
async def test_of_a_container_that_does_not_run_yet_the_log_is_empty(kube, calls, status, said):
    kube.fail(Refusal(status, "Reason", said), verb="get", resource="pods")
    log = await calls.log(*POD, lines=2)
    assert (log.text, log.whole) == ("", True)


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (403, 'cannot get resource "pods/log" in API group ""', "no-permission"),
        (500, "Get https://10.0.0.1:10250/containerLogs: connection refused", "cluster-busy"),
        (502, "", "cluster-unreachable"),
    ],
)
async def test_a_log_that_is_refused_is_not_an_empty_one(kube, calls, status, said, code):
    kube.fail(Refusal(status, "Reason", said), verb="get", resource="pods")
    with pytest.raises(LostCause) as lost:
        await calls.log(*POD, lines=2)
    assert lost.value.diagnosis.code == code
    assert said in lost.value.diagnosis.detail


async def test_of_a_log_that_is_too_long_the_end_is_told_and_not_called_whole(kube, calls):
    kube.logs[POD] = "".join(f"{n:05} {'ä' * 300}\n" for n in range(5000))
    log = await calls.log(*POD, lines=5000)
    numbers = [int(line.partition(" ")[0]) for line in log.text.split("\n")]
    assert numbers == list(range(numbers[0], 5000))
    assert MAX_LOG_BYTES - 700 < len(log.text.encode()) <= MAX_LOG_BYTES
    assert not log.whole


async def test_of_a_line_that_is_cut_nothing_is_told(kube, calls):
    kube.logs[POD] = "x" * (MAX_LOG_BYTES + 1) + "\nthe end\n"
    log = await calls.log(*POD, lines=10)
    assert (log.text, log.whole) == ("the end", False)


async def test_what_is_the_hubs_own_is_read_page_by_page(kube, calls, monkeypatch):
    monkeypatch.setattr(calls_of_ours, "PAGE", 2)
    for number in range(5):
        labels = {"fairihub.io/hub": "ours"}
        kube.put(
            "secrets", {"metadata": {"name": f"s{number}", "namespace": "uc4", "labels": labels}}
        )
    _, secrets, _ = await calls.ours("ours", "uc4")
    assert sorted(s["metadata"]["name"] for s in secrets) == ["s0", "s1", "s2", "s3", "s4"]
    assert len(kube.requests("list", "secrets")) == 3


@pytest.mark.parametrize("uid", [True, False])
async def test_how_long_a_pod_may_take_to_end_stands_where_the_api_reads_it(kube, calls, uid):
    """With a body, Kubernetes does not read the query."""
    only = {"uid": kube.get("pods", *POD)["metadata"]["uid"]} if uid else {}
    await calls.delete_pod(*POD, seconds=7, **only)
    (asked,) = kube.requests("delete", "pods")
    assert asked.body["gracePeriodSeconds"] == 7
    assert "gracePeriodSeconds" not in asked.query


async def test_an_answer_without_end_does_not_fill_the_memory(kube, calls, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_BYTES", 10_000)
    kube.fail(Garbage(b'{"x": "%s"}' % (b"x" * 10_000)), verb="get", resource="pods")
    with pytest.raises(LostCause) as lost:
        await calls.pod(*POD)
    assert lost.value.diagnosis.code == "cluster-unreachable"
    assert await calls.pod(*POD)


@pytest.mark.parametrize("said", [b"null", b"[]", b'"no"', b"<html>"])
async def test_an_answer_that_is_no_object_is_none_of_the_api(kube, calls, said):
    kube.fail(Garbage(said), verb="get", resource="pods")
    with pytest.raises(LostCause) as lost:
        await calls.pod(*POD)
    assert lost.value.diagnosis.code == "cluster-unreachable"


@pytest.mark.parametrize("kind", ["pod", "secret"])
async def test_only_the_very_object_that_is_meant_is_deleted(kube, calls, kind):
    meta = {"namespace": POD[0], "name": POD[1], "labels": {"fairihub.io/hub": "ours"}}
    if kind == "secret":
        kube.put("secrets", {"metadata": meta})
    uid = kube.get(f"{kind}s", *POD)["metadata"]["uid"]
    delete = getattr(calls, f"delete_{kind}")
    await delete(*POD, uid="of another")
    assert kube.all(f"{kind}s")
    await delete(*POD, uid=uid)
    assert not kube.all(f"{kind}s")


def of_hub(hub: str, login: str = "ada") -> dict[str, dict[str, str]]:
    owner = {"fairihub.io/login": login, "fairihub.io/team": "uc4"}
    return {"labels": {"fairihub.io/hub": hub}, "annotations": owner}


def secret_of(hub: str, login: str = "ada") -> dict[str, Any]:
    return {"metadata": {"namespace": "uc4", "name": "secret", **of_hub(hub, login)}}


@pytest.mark.parametrize(("hub", "login"), [("theirs", "ada"), ("ours", "eve")])
async def test_what_another_has_made_is_not_replaced(kube, calls, hub, login):
    before = kube.put("secrets", secret_of(hub, login))["metadata"]["uid"]
    meta = V1ObjectMeta(name=POD[1], **of_hub("ours", "eve"))
    kube.update("pods", *POD, metadata={"labels": {"fairihub.io/hub": "theirs"}})
    making_a_pod = calls.create_pod(POD[0], V1Pod(metadata=meta))
    for making in (calls.put_secret(secret_of("ours")), making_a_pod):
        with pytest.raises(LostCause) as lost:
            await making
        assert lost.value.diagnosis.code == "object-in-the-way"
        assert lost.value.diagnosis.final
    assert "fairihub.io/hub=theirs" in lost.value.diagnosis.detail
    assert kube.get("secrets", "uc4", "secret")["metadata"]["uid"] == before


async def test_what_another_hub_has_made_is_not_there_and_not_deleted(kube, calls):
    kube.put("secrets", secret_of("theirs"))
    kube.update("pods", *POD, metadata={"labels": {"fairihub.io/hub": "theirs"}})
    assert await calls.pod(*POD) is None
    await calls.delete_pod(*POD)
    await calls.delete_secret("uc4", "secret")
    assert kube.all("pods")
    assert kube.all("secrets")


async def test_what_an_earlier_start_has_left_is_replaced(kube, calls):
    before = kube.put("secrets", secret_of("ours"))["metadata"]["uid"]
    made = await calls.put_secret(secret_of("ours"))
    assert made["metadata"]["uid"] != before
    await calls.delete_secret("uc4", "secret")
    await calls.delete_pod(*POD)
    assert not kube.all("secrets")
    assert not kube.all("pods")


async def test_a_pod_that_was_in_the_way_and_has_gone_is_no_obstacle(kube, calls):
    meta = V1ObjectMeta(name="new", **of_hub("ours"))
    said = 'object is being deleted: pods "new" already exists'
    kube.fail(Refusal(409, "AlreadyExists", said), verb="create", resource="pods")
    assert await calls.create_pod("uc4", V1Pod(metadata=meta)) is None
    made = await calls.create_pod("uc4", V1Pod(metadata=meta))
    assert made is not None
    assert made["metadata"]["name"] == "new"


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Hang(), "cluster-unreachable"), (Refusal(500), "cluster-busy")],
    ids=str,
)
async def test_what_keeps_a_call_is_told_while_it_is_made_again(kube, monkeypatch, fault, code):
    monkeypatch.setattr(calls_of_ours, "TELL_SECONDS", 0.1)
    told = []
    kube.fail(fault, verb="get", resource="pods", times=2)
    async with ApiClient(Configuration(host=kube.url)) as client:
        calls = Calls(CoreV1Api(client), "ours", seconds=0.5, told=told.append)
        assert await calls.persistently(calls.pod, *POD)
    *before, last = told
    assert last is None
    assert {(found.code, found.final) for found in before} == {(code, False)}


async def test_what_cannot_pass_is_not_tried_again(kube):
    told = []
    kube.fail(Refusal(401), verb="get", resource="pods", times=1)
    async with ApiClient(Configuration(host=kube.url)) as client:
        calls = Calls(CoreV1Api(client), "ours", told=told.append)
        with pytest.raises(LostCause) as lost:
            await calls.persistently(calls.pod, *POD)
    assert (lost.value.diagnosis.code, told) == ("hub-not-known", [])
