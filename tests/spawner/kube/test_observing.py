"""A start is looked at until it is known to be lost, with the words that say why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from fairihub_core.starts import Diagnosis
from fairihub_spawner.kube import observing
from fairihub_spawner.kube.api import unreachable
from fairihub_spawner.kube.calls import Log, LostCause
from fairihub_spawner.kube.observing import Observer
from fairihub_spawner.kube.steady import Placed
from tests.support.kube_objects import ended, pod, waiting

from .conftest import settings


class Calls:
    """A cluster of one pod, whose log comes at the third time of asking, if at all."""

    def __init__(self, logs: Iterator[str], there: bool = True) -> None:
        self._logs = logs
        self._there = there

    def events_about(self, namespace: str, name: str) -> Any:
        return SimpleNamespace(resources={})

    async def log(self, *_: Any, previous: bool = False, **__: Any) -> Log:
        return Log("" if previous else next(self._logs), whole=True)

    async def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        return {} if self._there else None

    async def claim(self, namespace: str, name: str) -> None:
        return None


async def lost(calls: Calls, found: dict[str, Any] | None) -> Diagnosis:
    async def changed(key: str, seconds: float) -> None:
        await asyncio.sleep(0)

    pods = SimpleNamespace(resources={"urban/pod": found} if found else {}, changed=changed)
    placed = Placed("urban", "pod", "secret")
    observer = Observer(calls, pods, placed, settings())  # type: ignore[arg-type]
    return await asyncio.wait_for(observer.lost_cause(lambda steps, diagnosis: None), 10)


def crashed() -> dict[str, Any]:
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


async def test_a_pod_that_is_gone_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "ASK_SECONDS", 0.0)
    found = await lost(Calls(iter(()), there=False), None)
    assert (found.code, found.final) == ("pod-deleted", True)


async def test_a_pod_is_asked_for_itself_unless_the_api_is_away() -> None:
    told = pod()
    pods = SimpleNamespace(resources={"urban/pod": told})
    calls = Calls(iter(()))
    observer = Observer(calls, pods, Placed("urban", "pod", "secret"), settings())  # type: ignore[arg-type]
    assert await observer.pod_itself() == {}

    async def away(namespace: str, name: str) -> None:
        raise LostCause(unreachable("TimeoutError"))

    calls.pod = away  # type: ignore[method-assign]
    assert await observer.pod_itself() == told
