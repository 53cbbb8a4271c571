"""Claims are followed beside the requests: once per person, and a sign-in has the last word."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from fairihub_auth.oidc_following import Following, Session, SessionEnded

Json = dict[str, Any]


class HubUser:
    """A user of the hub: a name and an auth state that survives in JSON."""

    def __init__(self, name: str = "bob") -> None:
        self.name = name
        self.state = "null"

    async def get_auth_state(self) -> Json | None:
        found: Json | None = json.loads(self.state)
        return found

    async def save_auth_state(self, state: Json | None) -> None:
        self.state = json.dumps(state)


class Provider:
    """Answers as told: claims, or an exception; counts the refresh tokens it gives."""

    def __init__(self) -> None:
        self.says: frozenset[str] | Exception = frozenset({"members"})
        self.asked: list[str | None] = []
        self.open = asyncio.Event()
        self.open.set()
        self.told: list[tuple[str, frozenset[str]]] = []
        self.ended: list[str] = []
        self.telling: Callable[[], None] = lambda: None

    async def renew(self, session: Session) -> tuple[Session, Json]:
        self.asked.append(session.refresh_token)
        await self.open.wait()
        if isinstance(self.says, OSError | SessionEnded):
            raise self.says
        return Session(session.subject, f"token-{len(self.asked)}"), {}

    async def claims(self, session: Session, tokens: Json) -> frozenset[str]:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def claims_are(self, name: str, claims: frozenset[str]) -> None:
        self.told.append((name, claims))
        self.telling()

    def following(self, seconds: float = 0.0) -> Following:
        return Following(self, self.claims_are, self.ended.append, seconds)


FIRST = "token-0"
MEMBER = frozenset({"members"})
NONE: frozenset[str] = frozenset()


async def begun(following: Following, user: HubUser, token: str | None = FIRST) -> None:
    await user.save_auth_state(
        following.signed_in(user.name, Session("42", token), frozenset({"old"}))
    )


async def settled(following: Following) -> None:
    """All tasks that run at this moment have ended."""
    await asyncio.gather(*following._tasks.values())


async def test_claims_are_asked_for_when_due_and_the_new_token_is_kept() -> None:
    provider, user = Provider(), HubUser()
    following = provider.following()
    await begun(following, user)
    for _ in range(2):
        following.look_after(user)
        following.look_after(user)
        await settled(following)
    assert provider.asked == ["token-0", "token-1"]
    assert provider.told == [("bob", MEMBER)] * 2
    assert json.loads(user.state)["refresh_token"] == "token-2"
    assert set(json.loads(user.state)) == {"subject", "refresh_token", "claims_at"}


async def test_before_they_are_due_nobody_is_asked() -> None:
    provider, user = Provider(), HubUser()
    await begun(provider.following(60), user)
    started_anew = provider.following(60)
    started_anew.look_after(user)
    await settled(started_anew)
    assert provider.asked == []


async def test_a_hub_that_starts_anew_goes_on_with_what_it_kept() -> None:
    provider, user = Provider(), HubUser()
    await begun(provider.following(), user)
    started_anew = provider.following()
    started_anew.look_after(user)
    await settled(started_anew)
    assert (provider.asked, provider.told) == (["token-0"], [("bob", MEMBER)])


async def test_while_the_provider_is_away_the_last_claims_stay() -> None:
    provider, user = Provider(), HubUser()
    following = provider.following()
    await begun(following, user)
    for problem in (OSError("away"), ValueError("garbage")):  # the second with a new token
        provider.says = problem
        following.look_after(user)
        await settled(following)
    assert provider.told == []
    provider.says = MEMBER
    following.look_after(user)
    await settled(following)
    assert provider.asked == ["token-0", "token-0", "token-2"]
    assert provider.told == [("bob", MEMBER)]


async def test_a_provider_that_is_away_is_asked_later_and_later() -> None:
    provider, user = Provider(), HubUser()
    following = provider.following(0.02)
    provider.says = OSError("away")
    await begun(following, user)
    until = time.monotonic() + 1
    while time.monotonic() < until:
        following.look_after(user)
        await asyncio.sleep(0.005)
    assert 3 <= len(provider.asked) <= 8


@pytest.mark.parametrize("token", ["token-0", None])
async def test_who_is_refused_has_no_claims_until_the_next_sign_in(token: str | None) -> None:
    provider, user = Provider(), HubUser()
    following = provider.following()
    provider.says = SessionEnded()
    await begun(following, user, token)
    for _ in range(3):
        following.look_after(user)
        await settled(following)
    assert (provider.told, provider.ended, user.state) == ([("bob", NONE)], ["bob"], "null")
    provider.says = MEMBER
    await begun(following, user, "token-9")
    following.look_after(user)
    await settled(following)
    assert provider.told[-1] == ("bob", MEMBER)


async def test_without_an_auth_state_there_are_no_claims_and_no_news_of_it() -> None:
    provider, user = Provider(), HubUser()
    following = provider.following()
    following.look_after(user)
    await settled(following)
    assert (provider.asked, provider.told, provider.ended) == ([], [("bob", NONE)], [])


async def test_a_refusal_that_could_not_be_told_is_told_again() -> None:
    provider, user = Provider(), HubUser()
    following = provider.following()
    provider.says = SessionEnded()
    await begun(following, user)

    def broken() -> None:
        raise OSError("records away")

    provider.telling = broken
    following.look_after(user)
    await settled(following)
    assert provider.ended == []
    provider.telling = lambda: None
    following.look_after(user)
    await settled(following)
    assert (provider.told[-1], provider.ended) == (("bob", NONE), ["bob"])


async def test_a_sign_in_has_the_last_word_while_the_provider_is_asked() -> None:
    provider, user = Provider(), HubUser()
    following = provider.following()
    await begun(following, user)
    provider.open.clear()
    provider.says = SessionEnded()
    following.look_after(user)
    await asyncio.sleep(0)
    await begun(following, user, "token-of-today")
    provider.open.set()
    await settled(following)
    assert (provider.told, provider.ended) == ([], [])
    assert json.loads(user.state)["refresh_token"] == "token-of-today"


async def test_a_sign_in_has_the_last_word_while_claims_are_told() -> None:
    provider, user = Provider(), HubUser()
    following = provider.following()
    await begun(following, user)
    provider.says = SessionEnded()
    kept: list[Json] = []

    def sign_in() -> None:
        provider.telling = lambda: None
        today = Session("42", "token-of-today")
        kept.append(following.signed_in("bob", today, frozenset({"new"})))

    provider.telling = sign_in
    following.look_after(user)
    await settled(following)
    assert provider.told == [("bob", NONE), ("bob", frozenset({"new"}))]
    assert provider.ended == []
    assert json.loads(user.state)["refresh_token"] == "token-of-today"


async def test_one_task_per_person_and_a_few_at_one_time() -> None:
    provider = Provider()
    following = provider.following()
    provider.open.clear()
    users = [HubUser(f"user-{n}") for n in range(40)]
    for user in users:
        await begun(following, user)
        following.look_after(user)
        following.look_after(user)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(provider.asked) == 8
    provider.open.set()
    await settled(following)
    assert len(provider.asked) == len(provider.told) == 40


async def test_who_was_deleted_is_not_told_of() -> None:
    provider, user = Provider(), HubUser()
    following = provider.following()
    await begun(following, user)
    provider.open.clear()
    following.look_after(user)
    await asyncio.sleep(0)
    following.forget("bob")
    provider.open.set()
    await settled(following)
    assert provider.told == []
