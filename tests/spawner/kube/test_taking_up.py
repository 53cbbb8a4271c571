"""What JupyterHub may do with a server while it looks at a start that an earlier hub has begun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fairihub_spawner.kube import taking_up


class Spawner:
    """As much of a spawner as says what is pending, with a start that ends when a test says so."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._spawn_future: asyncio.Future[None] | None = None
        self._spawn_pending = self._stop_pending = False
        self._check_pending = True
        self.asked = 0

    async def start(self) -> None:
        await self.up

    @property
    def _stop_pending(self) -> bool:
        self.asked += 1
        return self._stops

    @_stop_pending.setter
    def _stop_pending(self, stops: bool) -> None:
        self._stops = stops

    @property
    def pending(self) -> list[str]:
        kinds = ("spawn", "stop", "check")
        return [kind for kind in kinds if getattr(self, f"_{kind}_pending")]


@pytest.fixture
async def spawner(monkeypatch: pytest.MonkeyPatch) -> Spawner:
    monkeypatch.setattr(taking_up, "CANCEL_SECONDS", 0.05)
    monkeypatch.setattr(taking_up, "LOOK_SECONDS", 0)
    return Spawner()


async def begun(spawner: Spawner) -> asyncio.Task[int | None]:
    poll = asyncio.create_task(taking_up.pending(spawner, spawner.start()))
    await until(lambda: spawner.pending == ["spawn"])
    await asyncio.sleep(0)
    return poll


async def until(holds: Callable[[], Any]) -> None:
    async def look() -> None:
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0)

    await asyncio.wait_for(look(), 10)


async def test_a_server_that_came_up_is_pending_until_jupyterhub_has_looked_at_it(spawner):
    """Whoever stops it before has its look at work on the next server."""
    poll = await begun(spawner)
    spawner.up.set_result(None)
    assert await poll is None
    for _ in range(20):
        await asyncio.sleep(0)
        assert spawner.pending == ["spawn", "check"]
    spawner._check_pending = False
    await until(lambda: not spawner.pending)
    assert spawner._spawn_future is None


async def test_one_that_is_stopped_while_it_is_looked_at_is_looked_at_to_the_end(spawner):
    poll = await begun(spawner)
    spawner.up.set_result(None)
    assert await poll is None
    spawner._spawn_future.cancel()
    await until(lambda: spawner._spawn_future is None)
    assert spawner.pending == ["check"], "so nobody starts it anew yet"


async def test_of_a_start_that_is_cancelled_nothing_is_said_before_it_is_stopped(spawner):
    """However long its pod takes to go."""
    poll = await begun(spawner)
    spawner._spawn_future.cancel()
    spawner._stop_pending = True
    spawner.asked = 0
    await until(lambda: spawner.asked > 2 or poll.done())
    assert not poll.done()
    spawner.let_go.set()
    assert await poll == 0
    assert spawner.pending == ["stop"]


async def test_a_start_that_is_cancelled_and_not_stopped_is_looked_at(spawner):
    poll = await begun(spawner)
    spawner._spawn_future.cancel()
    assert await poll is None
    assert spawner.pending == ["check"]


async def test_a_start_that_is_lost_is_over_at_once(spawner):
    poll = await begun(spawner)
    spawner.up.set_exception(RuntimeError("lost"))
    assert await poll == 1
    await until(lambda: not spawner.pending)
    assert str(spawner._spawn_future.exception()) == "lost"


async def test_the_next_start_is_not_ended_by_the_one_before_it(spawner):
    poll = await begun(spawner)
    next_one: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    first, spawner._spawn_future = spawner._spawn_future, next_one
    spawner.up.set_result(None)
    assert await poll is None
    spawner._check_pending = False
    await until(first.done)
    await asyncio.sleep(0)
    assert (spawner.pending, spawner._spawn_future) == (["spawn"], next_one)
