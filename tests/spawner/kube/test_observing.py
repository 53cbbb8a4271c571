"""A start is looked at until it is known to be lost, with the words that say why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException

from fairihub_core import clock
from fairihub_core.starts import Diagnosis, Step
from fairihub_spawner.kube import answering, observing
from fairihub_spawner.kube.answering import found_at
from fairihub_spawner.kube.api import unreachable
from fairihub_spawner.kube.calls import Log, LostCause
from fairihub_spawner.kube.image_sizes import ImageSizes
from fairihub_spawner.kube.observing import Observer
from fairihub_spawner.kube.steady import Placed, is_the_one
from tests.support.kube_objects import IMAGE, NOW, UID, ago, ended, event, pod, running, waiting

from .conftest import settings

Json = dict[str, Any]


class Calls:
    """A cluster of one pod, whose log comes at the third time of asking, if at all."""

    def __init__(self, logs: Iterator[str] | None = None, there: Json | None = None) -> None:
        self._logs = logs or iter(())
        self._there = there
        self.events: list[Json] = []

    def events_about(self, namespace: str, name: str) -> Any:
        return SimpleNamespace(resources=dict(enumerate(self.events)))

    async def log(self, *_: Any, previous: bool = False, **__: Any) -> Log:
        return Log("" if previous else next(self._logs), whole=True)

    async def pod(self, namespace: str, name: str, uid: str | None) -> Json | None:
        return self._there if is_the_one(self._there, uid) else None

    async def claim(self, namespace: str, name: str) -> Json:
        return {"metadata": {}}

    async def events_of(self, namespace: str, name: str) -> list[Json]:
        return []


def observed(calls: Calls, found: Json | None, uid: str | None = None) -> Observer:
    """A start whose pod is of that uid, and what the watch shows under its name."""

    async def changed(key: str, seconds: float) -> None:
        await asyncio.sleep(0)

    pods = SimpleNamespace(
        resources={"urban/pod": found} if found else {},
        changed=changed,
        trouble=None,
        silent_for=lambda: 0.0,
    )

    async def hidden() -> tuple[str, ...]:
        return ()

    placed = Placed("urban", "pod", "secret", claims=("home",), pod_uid=uid)
    sizes = ImageSizes()
    return Observer(calls, pods, placed, settings(), hidden, sizes)  # type: ignore[arg-type]


async def lost(calls: Calls, found: Json | None, uid: str | None = None) -> Diagnosis:
    observer = observed(calls, found, uid)
    return await asyncio.wait_for(observer.lost_cause(lambda steps, diagnosis: None), 10)


def crashed() -> Json:
    return pod(state=waiting("CrashLoopBackOff", "back-off 10s"), last=ended(1), restarts=1)


async def test_a_log_that_comes_late_is_waited_for() -> None:
    logs = iter(["", "", "No space left on device\n"])
    found = await lost(Calls(logs), crashed())
    assert (found.code, found.detail) == ("volume-full", "No space left on device")


async def test_a_log_that_never_comes_is_not_waited_for_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observing, "WORDS_SECONDS", 0.5)
    found = await lost(Calls(iter(lambda: "", "end")), crashed())
    assert (found.code, found.final) == ("server-crashed", True)


async def test_a_log_is_cleaned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a container crashes, it is looked at again and again."""
    cleaned: list[str] = []

    def noted(log: str, hidden: tuple[str, ...]) -> tuple[str, ...]:
        cleaned.append(log)
        return (log, *hidden)

    monkeypatch.setattr(observing, "last_words", noted)
    observer = observed(Calls(iter(["one", "one", "two", "two", "two"])), crashed())
    secrets = iter([(), (), (), ("new",), ("new",)])

    async def hidden() -> tuple[str, ...]:
        return next(secrets)

    observer._hidden = hidden
    for _ in range(5):
        await observer._ask_last_words()
    assert cleaned == ["one", "two", "two"]
    assert observer._words == ("two", "new")


async def test_a_pod_that_is_gone_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "ASK_SECONDS", 0.0)
    found = await lost(Calls(), None)
    assert (found.code, found.final) == ("pod-deleted", True)


async def test_a_pod_is_asked_for_itself_unless_the_api_is_away() -> None:
    told, there = pod(), pod(phase="Running")
    calls = Calls(there=there)
    observer = observed(calls, told)
    assert await observer.pod_itself() == there

    async def away(*_: Any) -> None:
        raise LostCause(unreachable("TimeoutError"))

    calls.pod = away  # type: ignore[method-assign]
    assert await observer.pod_itself() == told


EARLIER = {"metadata": {"uid": "p1"}}


@pytest.mark.parametrize(
    "earlier",
    [
        pod(phase="Running", state=running(9000), more=EARLIER),
        pod(phase="Running", more={"metadata": {"uid": "p1", "deletionTimestamp": ago(3)}}),
        pod(phase="Failed", state=ended(1), more=EARLIER),
    ],
    ids=["silent", "being deleted", "ended"],
)
async def test_a_start_is_not_judged_by_the_pod_of_an_earlier_one(
    monkeypatch: pytest.MonkeyPatch, earlier: Json
) -> None:
    """Which a watch that hangs goes on to show under the same name."""
    monkeypatch.setattr(observing, "ASK_SECONDS", 0.0)
    refused = pod(state=waiting("ErrImageNeverPull", "pull policy of Never"))
    calls = Calls(there=refused)
    observer = observed(calls, earlier, UID)
    assert (observer.pod, observer.diagnosis()) == (None, None)
    assert await observer.pod_itself() == refused
    assert (await lost(calls, earlier, UID)).phase == "image"


async def test_the_pod_of_another_start_is_not_the_one_that_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observing, "ASK_SECONDS", 0.0)
    assert (await lost(Calls(there=pod()), None, "p1")).code == "pod-deleted"


async def test_what_happened_to_an_earlier_pod_does_not_count() -> None:
    calls = Calls()
    calls.events = [event("FailedMount", "timed out", first=9000, uid="p1")]
    assert observed(calls, None, UID).diagnosis() is None
    assert observed(calls, None, "p1").diagnosis() is not None


NO_MEMORY = "0/1 nodes are available: 1 Insufficient memory."
NOT_ALLOWED = ApiException(status=403, reason="Forbidden")
NOT_ALLOWED.body = b'User "hub" cannot list resource "pods" in the namespace "urban"'


@pytest.mark.parametrize(
    ("problem", "code"),
    [(OSError("no route"), "cluster-unreachable"), (NOT_ALLOWED, "no-permission")],
)
@pytest.mark.parametrize("found", [None, pod(node=None, unschedulable=NO_MEMORY)])
async def test_while_the_cluster_is_away_that_is_told_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, problem: Exception, code: str, found: Json | None
) -> None:
    """What was found before may be over by now."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    observer = observed(Calls(), found)
    before = observer.diagnosis()
    observer._pods.trouble = problem
    assert observer.diagnosis() == before, "it may be back at once"
    observer._pods.silent_for = lambda: 11.0  # type: ignore[method-assign]
    told = observer.diagnosis()
    assert told is not None
    assert (told.code, told.final) == (code, False)
    assert observer.diagnosis() == told, "since the same moment"


async def test_questions_change_nothing() -> None:
    calls = Calls()
    calls.events = [event("Pulled", f'Pulled image "{IMAGE}". Image size: 7 bytes.', warning=False)]
    observer = observed(calls, pod())
    observer._pods.trouble = OSError("no route")
    observer._pods.silent_for = lambda: 11.0  # type: ignore[method-assign]
    before = dict(vars(observer))
    assert observer.diagnosis() is not None
    assert observer.steps()
    assert vars(observer) == before
    assert observer._sizes.known == {}


async def test_what_a_claim_lacks_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of one that the cluster has only just taken in."""
    monkeypatch.setattr(observing, "ASK_SECONDS", 0.0)
    observer = observed(Calls(there={"metadata": {"uid": UID}}), None, UID)
    await observer._ask()
    assert observer.diagnosis() is None


async def test_what_is_known_for_good_is_told_though_the_cluster_is_away() -> None:
    observer = observed(Calls(), pod(state=waiting("ErrImageNeverPull", "pull policy of Never")))
    observer._pods.trouble = OSError("no route")
    observer._pods.silent_for = lambda: 11.0  # type: ignore[method-assign]
    told = observer.diagnosis()
    assert told is not None
    assert (told.phase, told.final) == ("image", True)


async def test_an_api_that_does_not_answer_is_told_until_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The watch may still be open, and silent."""
    monkeypatch.setattr(observing, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(observing, "TROUBLE_SECONDS", 0.1)
    calls = Calls(there=pod(state=waiting("ErrImageNeverPull", "pull policy of Never")))
    answers, told = calls.pod, []

    async def away(*_: Any) -> None:
        raise LostCause(unreachable("TimeoutError"))

    def tell(steps: tuple[Step, ...], diagnosis: Diagnosis | None) -> None:
        told.append(diagnosis and diagnosis.code)
        if told[-1] == "cluster-unreachable":
            calls.pod = answers  # type: ignore[method-assign]

    calls.pod = away  # type: ignore[assignment,method-assign]
    found = await asyncio.wait_for(observed(calls, None, UID).lost_cause(tell), 10)
    assert (found.phase, found.final) == ("image", True)
    assert told[0] is None
    assert told[-2] == "cluster-unreachable"


async def test_a_pod_that_gets_another_address_is_asked_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def until_answered(url: str) -> None:
        asked.append(url)
        if "10.0.0.2" not in url:
            await asyncio.Event().wait()

    monkeypatch.setattr(answering, "until_answered", until_answered)
    moved = pod(more={"status": {"podIP": "10.0.0.2"}})
    observer = observed(Calls(there=moved), pod(more={"status": {"podIP": "10.0.0.1"}}))

    def url_of(pod: Json | None) -> str | None:
        return f"http://{pod['status']['podIP']}" if pod else None

    waits = asyncio.ensure_future(found_at(observer, url_of, "/user/ada/api"))
    while not asked:  # noqa: ASYNC110
        await asyncio.sleep(0)
    observer._pods.resources["urban/pod"] = moved
    assert await asyncio.wait_for(waits, 10) == "http://10.0.0.2"
    assert asked == [f"http://10.0.0.{n}/user/ada/api" for n in (1, 2)]
