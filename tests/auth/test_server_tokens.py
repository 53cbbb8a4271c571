"""When the token of a server that starts is told: once it is given to the server, and once only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from jupyterhub.spawner import SpawnException
from tornado import web

from fairihub_auth import server_tokens
from fairihub_auth.server_tokens import tell_when_due
from fairihub_core.handover import token_is_given

Spawn = Callable[[], Awaitable[None]]


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> Callable[[Spawn], Awaitable[list[str]]]:
    """What is told of the one token of a start, which is made before the rest of it."""

    async def tried(rest: Spawn) -> list[str]:
        told: list[str] = []

        async def spawn(user: object) -> None:
            tell_when_due(lambda: told.append("told"))
            await rest()

        monkeypatch.setattr(server_tokens, "_theirs", spawn)
        await asyncio.gather(server_tokens._spawned(None), return_exceptions=True)
        return told

    return tried


async def given() -> None:
    """As a spawner does it, in a task of its own."""

    async def place() -> None:
        token_is_given()

    await asyncio.create_task(place())


async def fine() -> None:
    return None


@pytest.mark.parametrize(
    "refusal", [SpawnException("no", reason="no"), web.HTTPError(503)], ids=repr
)
async def test_of_a_start_that_is_refused_nothing_is_told_before(spawned, refusal):
    async def refused() -> None:
        raise refusal

    async def refused_later() -> None:
        await given()
        raise refusal

    assert await spawned(refused) == []
    assert await spawned(refused_later) == ["told"]


@pytest.mark.parametrize("failure", [RuntimeError(), asyncio.CancelledError()], ids=repr)
async def test_of_a_start_that_began_and_failed_it_is_told(spawned, failure):
    async def failed() -> None:
        raise failure

    async def failed_later() -> None:
        await given()
        raise failure

    assert [await spawned(failed), await spawned(failed_later)] == [["told"]] * 2


@pytest.mark.parametrize("rest", [fine, given])
async def test_of_a_server_that_runs_it_is_told(spawned, rest):
    assert await spawned(rest) == ["told"]


async def test_it_is_told_while_the_start_goes_on(monkeypatch):
    told: list[str] = []
    begun = asyncio.Event()

    async def spawn(user: object) -> None:
        tell_when_due(lambda: told.append("the first"))
        assert not told
        await given()
        assert told == ["the first"]
        tell_when_due(lambda: told.append("another"))
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(server_tokens, "_theirs", spawn)
    start = asyncio.create_task(server_tokens._spawned(None))
    await begun.wait()
    assert told == ["the first", "another"]
    tell_when_due(lambda: told.append("of nobody's start"))
    assert told[-1] == "of nobody's start"
    start.cancel()
    await asyncio.wait([start])
    assert len(told) == 3


async def test_a_token_of_no_start_is_given_to_nobody():
    token_is_given()
