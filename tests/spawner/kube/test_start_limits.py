"""A start has its time, by a clock that nobody sets, and whoever waits hears which it was."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException

from fairihub_core import clock
from fairihub_core.offers import Offer
from fairihub_spawner.kube import calls, spawner
from fairihub_spawner.kube.api import refusal_for, unreachable
from fairihub_spawner.kube.calls import PATIENCE_SECONDS, Calls, LostCause
from fairihub_spawner.kube.spawner import FairihubSpawner
from fairihub_spawner.kube.steady import GONE_SECONDS, Placed

from .conftest import offer, settings


class Starting(FairihubSpawner):
    """A start that gets nowhere, of a hub that does not reach its cluster."""

    def __init__(self, seconds: int) -> None:
        self.orm_spawner = SimpleNamespace(name="", server=None)
        self.begun, self.stopped = asyncio.Event(), False
        self.kubernetes, self.start_timeout = settings(), seconds
        self.placed = Placed("uc4", "ada", "of-ada", pod_uid="p1")
        self.user = SimpleNamespace(stop=self._forgotten)

    def chosen_offer(self) -> Offer:
        return offer()

    async def _started(self, offer: Offer) -> str:
        self.begun.set()
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def _start_watching_pods(self, replace: bool = False) -> Any:
        await asyncio.sleep(0.01)
        raise LostCause(unreachable("following the pods: no answer"))

    async def stop(self, now: bool = False) -> None:
        self.stopped = True

    async def _forgotten(self, name: str) -> None:
        return None


@pytest.mark.parametrize("leap", [timedelta(days=1), timedelta(days=-1)])
@pytest.mark.parametrize(("seconds", "code"), [(3600, "start-cancelled"), (1, "start-timeout")])
async def test_a_clock_that_is_set_makes_no_start_run_out(
    monkeypatch: pytest.MonkeyPatch, leap: timedelta, seconds: int, code: str
) -> None:
    starting, now = Starting(seconds), clock.now()
    start = asyncio.ensure_future(starting._start())
    await starting.begun.wait()
    monkeypatch.setattr(clock, "now", lambda: now + leap)
    starting.cancelled_by_somebody = True
    start.cancel()
    await asyncio.wait([start])
    assert starting.last_start is not None
    assert starting.last_start.diagnosis is not None
    assert starting.last_start.diagnosis.code == code


async def test_a_start_that_is_taken_up_has_its_time_and_no_more() -> None:
    starting = Starting(1)
    with pytest.raises(Exception, match="The cluster did not answer"):
        await asyncio.wait_for(starting._taken_up(), 20)
    assert starting.last_start is not None
    assert starting.last_start.state == "failed"
    assert starting.stopped


class Watching(Starting):
    """A start whose namespace cannot be looked at until that has been told, or never."""

    calls = property(lambda self: Calls(None, "hub", told=self._trouble))

    def __init__(self, problem: LostCause) -> None:
        super().__init__(3600)
        self.problem, self.asked = problem, 0
        self.user.name, self.directory = "ada", lambda: None

    async def _started(self, offer: Offer) -> str:
        return await FairihubSpawner._started(self, offer)

    async def _start_watching_pods(self, replace: bool = False) -> Any:
        self.asked += 1
        if self.last_start is not None and self.last_start.diagnosis is not None:
            self.told = self.last_start.diagnosis
            return SimpleNamespace(resources={})
        raise self.problem

    async def _place(self, placed: Placed, *given: Any) -> None:
        self.placed = placed

    async def _seen_up(self, pods: Any, placed: Placed) -> str:
        return "http://up"


@pytest.fixture
def _planned(monkeypatch: pytest.MonkeyPatch) -> None:
    async def planned(*given: Any) -> Any:
        return SimpleNamespace(
            notices=(), namespace="uc4", pod_name="ada", server_secret="of-ada", claim_names=()
        )

    async def prepared(*given: Any) -> None:
        return None

    monkeypatch.setattr(spawner, "planned", planned)
    monkeypatch.setattr(spawner, "prepare_volumes", prepared)
    monkeypatch.setattr(Watching, "_take_on", lambda self, plan: None)
    monkeypatch.setattr(calls, "TELL_SECONDS", 0.1)


@pytest.mark.usefixtures("_planned")
async def test_a_namespace_is_looked_at_again_as_long_as_all_else_and_that_is_told() -> None:
    starting = Watching(LostCause(unreachable("following the pods: no answer")))
    assert await asyncio.wait_for(starting._start(), 20) == "http://up"
    assert (starting.told.code, starting.told.final) == ("cluster-unreachable", False)
    assert starting.last_start is not None
    assert starting.last_start.diagnosis is None, "it has passed"


@pytest.mark.usefixtures("_planned")
async def test_a_namespace_that_may_not_be_looked_at_is_no_matter_of_patience() -> None:
    refused = refusal_for(403, "Forbidden", "cannot list pods", "following the pods")
    starting = Watching(LostCause(refused))
    with pytest.raises(SpawnException):
        await asyncio.wait_for(starting._start(), 20)
    assert starting.asked == 1


async def test_a_start_has_the_time_of_all_its_parts() -> None:
    said = settings(
        scale_up_seconds=1, pending_seconds=1, volume_seconds=1, pull_seconds=1, server_seconds=1
    )
    starting = FairihubSpawner.__new__(FairihubSpawner)
    starting.kubernetes = said
    # The pod of an earlier start is deleted, waited for, and ours made anew, with its Secret.
    assert starting.start_timeout >= 5 + GONE_SECONDS + 6 * PATIENCE_SECONDS
