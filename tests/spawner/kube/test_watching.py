"""A mirror of the cluster's pods goes on through everything that its API may do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, ApiException, Configuration, CoreV1Api

from fairihub_spawner.kube import bodies, watching
from fairihub_spawner.kube.watching import Mirror
from tests.support.standin_kube import (
    Empty,
    Garbage,
    Hang,
    StandinKube,
    error_event,
    forbidden,
    gone,
    too_many,
)

LONG = 15.0
OURS = {"hub": "ours"}


@pytest.fixture
def kube() -> Iterator[StandinKube]:
    with StandinKube() as kube:
        yield kube


@asynccontextmanager
async def mirrored(kube: StandinKube) -> AsyncIterator[Mirror]:
    async with ApiClient(Configuration(host=kube.url)) as client:
        pods = CoreV1Api(client).list_pod_for_all_namespaces
        mirror = Mirror("Pods", pods, label_selector="hub=ours")
        await mirror.start()
        try:
            yield mirror
        finally:
            await mirror.stop()


def put(kube: StandinKube, name: str, **labels: str) -> None:
    meta = {"name": name, "namespace": "uc4", "labels": labels or OURS, "managedFields": [{}]}
    kube.put("pods", {"metadata": meta, "spec": {"containers": []}})


async def until(mirror: Mirror, *names: str) -> None:
    """Waits until the mirror holds these pods and no others."""
    keys = [f"uc4/{name}" for name in sorted(names)]
    await until_true(lambda: sorted(mirror.resources) == keys)


async def until_true(what: Callable[[], Any]) -> None:
    async def holds() -> None:
        while not what():  # noqa: ASYNC110 - it happens in another thread
            await asyncio.sleep(0.02)

    await asyncio.wait_for(holds(), LONG)


async def streaming(kube: StandinKube) -> None:
    await until_true(lambda: kube.watching("pods"))


async def test_it_follows_what_is_made_changed_and_deleted(kube):
    put(kube, "a")
    put(kube, "other", hub="theirs")
    async with mirrored(kube) as mirror:
        assert await mirror.loaded(LONG)
        await until(mirror, "a")
        assert "managedFields" not in mirror.resources["uc4/a"]["metadata"]
        await streaming(kube)
        put(kube, "b")
        await until(mirror, "a", "b")
        kube.update("pods", "uc4", "b", status={"phase": "Running"})
        await until_true(lambda: mirror.pods["uc4/b"]["status"].get("phase") == "Running")
        kube.remove("pods", "uc4", "a")
        await until(mirror, "b")
    assert len(kube.requests("list", "pods")) == 1, "the rest came by the stream"


async def test_who_waits_for_an_object_is_woken_by_no_other(kube):
    put(kube, "a")
    async with mirrored(kube) as mirror:
        await until(mirror, "a")
        await streaming(kube)
        of_one, of_other = (asyncio.create_task(mirror.changed(f"uc4/{n}", LONG)) for n in "bc")
        await asyncio.sleep(0)
        put(kube, "b")
        await asyncio.wait_for(of_one, LONG / 2)
        assert not of_other.done()
        of_other.cancel()


async def test_a_long_list_is_read_page_by_page(kube, monkeypatch):
    monkeypatch.setattr(watching, "PAGE", 2)
    for name in "abcde":
        put(kube, name)
    async with mirrored(kube) as mirror:
        await until(mirror, *"abcde")
    assert len(kube.requests("list", "pods")) == 3


@pytest.mark.parametrize(
    "break_it",
    [
        lambda kube: kube.tear("pods"),
        lambda kube: kube.end("pods"),
        lambda kube: kube.say("pods", error_event(500)),
    ],
    ids=["dropped in a line", "ended", "an error in it"],
)
async def test_after_a_broken_stream_it_goes_on_from_where_it_was(kube, break_it):
    put(kube, "a")
    async with mirrored(kube) as mirror:
        await until(mirror, "a")
        await streaming(kube)
        break_it(kube)
        await until_true(lambda: len(kube.requests("watch", "pods")) == 2)
        put(kube, "b")
        await until(mirror, "a", "b")
    assert len(kube.requests("list", "pods")) == 1


@pytest.mark.parametrize(
    "line",
    [b"no json at all\n", b'{"type": "ADDED"}\n', b"x" * 600_000],
    ids=["no JSON", "no object", "too long"],
)
async def test_what_cannot_be_understood_is_told_and_all_is_read_anew(
    kube, monkeypatch, caplog, line
):
    """What that line was to say is not missed for as long as the next list takes to come."""
    monkeypatch.setattr(watching, "MAX_LINE", 500_000)
    put(kube, "a")
    async with mirrored(kube) as mirror:
        await until(mirror, "a")
        await streaming(kube)
        kube.say("pods", line)
        await until_true(lambda: len(kube.requests("list", "pods")) == 2)
        put(kube, "b")
        await until(mirror, "a", "b")
    assert "Pods cannot be followed, trying again" in caplog.text


async def test_an_answer_without_end_does_not_fill_the_memory(kube, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_BYTES", 10_000)
    put(kube, "a")
    kube.fail(Garbage(b" " * 10_001), verb="list", resource="pods")
    async with mirrored(kube) as mirror:
        await until_true(lambda: mirror.trouble)
        assert "over 10,000 bytes" in str(mirror.trouble)
        await until(mirror, "a")


async def test_a_bookmark_saves_reading_what_is_known(kube):
    put(kube, "a")
    async with mirrored(kube) as mirror:
        await until(mirror, "a")
        await streaming(kube)
        put(kube, "other", hub="theirs")
        kube.bookmark("pods")
        version = str(kube.store.version)
        kube.end("pods")
        await until_true(lambda: len(kube.requests("watch", "pods")) == 2)
    assert kube.requests("watch", "pods")[1].query["resourceVersion"] == version


@pytest.mark.parametrize("in_stream", [True, False])
async def test_a_version_that_is_forgotten_makes_it_list_again(kube, in_stream):
    put(kube, "a")
    async with mirrored(kube) as mirror:
        await until(mirror, "a")
        await streaming(kube)
        if in_stream:
            kube.say("pods", error_event(410))
        else:
            kube.fail(gone(), verb="watch", resource="pods")
            kube.end("pods")
        await until_true(lambda: len(kube.requests("list", "pods")) == 2)
        put(kube, "b")
        await until(mirror, "a", "b")


@pytest.mark.parametrize(
    "fault", [too_many(1), Garbage(b"<html>", 502)], ids=["429", "a proxy's page"]
)
async def test_what_the_api_refuses_for_a_while_is_asked_again(kube, fault):
    put(kube, "a")
    kube.fail(fault, verb="list", resource="pods", times=3)
    async with mirrored(kube) as mirror:
        await until(mirror, "a")
        assert mirror.trouble is None


async def test_without_an_api_it_keeps_what_it_has_and_comes_back(kube, caplog):
    put(kube, "a")
    async with mirrored(kube) as mirror:
        await until(mirror, "a")
        await streaming(kube)
        kube.close()
        assert mirror.silent_for() == 0
        await until_true(lambda: mirror.silent_for() > 0.5)
        assert sorted(mirror.resources) == ["uc4/a"]
        put(kube, "b")
        kube.start()
        await until(mirror, "a", "b")
        await until_true(lambda: mirror.silent_for() == 0)
    said = [r.getMessage() for r in caplog.records if r.name == "fairihub.cluster"]
    assert len(said) == 2, "once that it is away, once that it is back"


async def test_nobody_waits_for_ever_for_the_first_answer(kube):
    kube.fail(Hang(), verb="list", resource="pods")
    async with mirrored(kube) as mirror:
        assert not await mirror.loaded(0.2)
        kube.behave()
        assert await mirror.loaded(LONG)


async def test_an_empty_list_is_believed_by_the_mirror_and_by_nobody_else(kube):
    """`SteadyKubeSpawner` asks for a missing pod by name before it counts as gone."""
    put(kube, "a")
    async with mirrored(kube) as mirror:
        await until(mirror, "a")
        await streaming(kube)
        kube.fail(Empty(), verb="list", resource="pods")
        kube.say("pods", error_event(410))
        await until(mirror)


async def test_who_may_list_and_not_watch_is_kept_up_to_date_by_listing(kube, caplog):
    kube.fail(forbidden("pods"), verb="watch", resource="pods", times=float("inf"))
    put(kube, "first")
    async with mirrored(kube) as mirror:
        await until(mirror, "first")
        put(kube, "second")
        await until(mirror, "first", "second")
        assert isinstance(mirror.trouble, ApiException)
        assert b"pods is forbidden" in mirror.trouble.body
        assert mirror.silent_for() < watching.LONGEST_PAUSE, "it was heard of a moment ago"
    assert caplog.text.count("cannot be followed") == 1
    assert "can be followed again" not in caplog.text


async def test_who_is_cancelled_while_a_mirror_ends_is_cancelled():
    async def hanging(**_: Any) -> None:
        await asyncio.Event().wait()

    mirror = Mirror("Pods", hanging)
    await mirror.start()
    await asyncio.sleep(0)
    ending = asyncio.create_task(mirror.stop())
    await asyncio.sleep(0)  # so that it waits for the watch to end
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
