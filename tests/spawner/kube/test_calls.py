"""What the calls to the cluster's API make of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api

from fairihub_spawner.kube import bodies
from fairihub_spawner.kube import calls as calls_of_ours
from fairihub_spawner.kube.calls import MAX_LOG_BYTES, Cluster, LostCause
from tests.support.standin_kube import Garbage, StandinKube

POD = ("uc4", "pod")


@pytest.fixture
def kube() -> Iterator[StandinKube]:
    with StandinKube() as kube:
        meta = {"namespace": POD[0], "name": POD[1]}
        kube.put("pods", {"metadata": meta, "spec": {"containers": []}})
        yield kube


@pytest.fixture
async def calls(kube: StandinKube) -> AsyncIterator[Cluster]:
    async with ApiClient(Configuration(host=kube.url)) as client:
        yield Cluster(CoreV1Api(client))


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


async def test_an_answer_without_end_does_not_fill_the_memory(kube, calls, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_BYTES", 10_000)
    kube.fail(Garbage(b'{"x": "%s"}' % (b"x" * 10_000)), verb="get", resource="pods")
    with pytest.raises(LostCause) as lost:
        await calls.pod(*POD)
    assert lost.value.diagnosis.code == "cluster-unreachable"
    assert await calls.pod(*POD)
