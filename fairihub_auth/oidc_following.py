"""Claims of people who are signed in, asked for anew from time to time, beside their requests."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Persons for whom the provider is asked at one time, as after a restart of the hub."""
FIRST_RETRY = 5.0
LAST_RETRY = 300.0


class HubUser(Protocol):
    """A user of the hub, as far as it matters here; its auth state is kept encrypted."""

    name: str

    async def get_auth_state(self) -> dict[str, Any] | None: ...

    async def save_auth_state(self, state: dict[str, Any] | None) -> None: ...


class SessionEnded(Exception):
    """The provider confirms the person no more: signed out there, disabled, or gone."""


@dataclass(frozen=True)
class Session:
    """What there is to ask with: who it is about, and the present refresh token if any."""

    subject: str
    refresh_token: str | None

    def kept(self) -> dict[str, Any]:
        """For the auth state, with the time: a hub that starts anew need not ask everybody."""
        at = int(time.time())
        return {"subject": self.subject, "refresh_token": self.refresh_token, "claims_at": at}


@dataclass
class _Followed:
    session: Session | None
    claims: frozenset[str]
    due: float
    failures: int = 0


class AsksForClaims(Protocol):
    """Asks the provider for claims. Whatever it raises means: no answer at present."""

    async def renew(self, session: Session) -> tuple[Session, dict[str, Any]]:
        """The session as it goes on, with new tokens. Raises SessionEnded."""

    async def claims(self, session: Session, tokens: dict[str, Any]) -> frozenset[str]:
        """The claims of today."""


class Following:
    """One task at most per person, and what it learns is told to `claims_are`, in a thread.

    While the provider is away the last claims stay, and it is asked again later and later. Once
    it refuses, the person has no claims, until the next sign-in.
    """

    def __init__(
        self,
        asking: AsksForClaims,
        claims_are: Callable[[str, frozenset[str]], None],
        ended: Callable[[str], None],
        seconds: float,
    ) -> None:
        self._asking = asking
        self._claims_are = claims_are
        self._ended = ended
        self._seconds = seconds
        self._followed: dict[str, _Followed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    def signed_in(self, name: str, session: Session, claims: frozenset[str]) -> dict[str, Any]:
        """The auth state to keep. What a task still learns of the session before is dropped."""
        self._followed[name] = _Followed(session, claims, time.monotonic() + self._seconds)
        return session.kept()

    def look_after(self, user: HubUser) -> None:
        """Starts a task if claims are due; returns at once."""
        name = user.name
        known = self._followed.get(name)
        if name in self._tasks or (known is not None and time.monotonic() < known.due):
            return
        self._tasks[name] = asyncio.get_running_loop().create_task(self._follow(user))
        self._tasks[name].add_done_callback(lambda _: self._tasks.pop(name, None))

    def forget(self, name: str) -> None:
        self._followed.pop(name, None)

    async def _follow(self, user: HubUser) -> None:
        recalled = self._followed.get(user.name) or await self._recalled(user)
        # Whoever signs in at this very moment is known better than the auth state knows them.
        known = self._followed.setdefault(user.name, recalled)
        if time.monotonic() < known.due:
            return
        try:
            async with self._room:
                await self._asked(user, known)
        except Exception as problem:
            # The text of an exception may hold what it was about.
            log.warning("Claims of %s stay as they are: %s", user.name, type(problem).__name__)
            first = min(FIRST_RETRY, self._seconds)
            known.due = time.monotonic() + min(LAST_RETRY, first * 2**known.failures)
            known.failures = min(known.failures + 1, 16)

    async def _recalled(self, user: HubUser) -> _Followed:
        """What the auth state says, where this hub has started since the last time."""
        state = await user.get_auth_state() or {}
        subject, token, at = (state.get(k) for k in ("subject", "refresh_token", "claims_at"))
        age = max(time.time() - at, 0) if isinstance(at, int) else math.inf
        session = Session(subject, token) if isinstance(subject, str) else None
        due = time.monotonic() + self._seconds - min(age, self._seconds)
        return _Followed(session, frozenset(), due)

    async def _asked(self, user: HubUser, known: _Followed) -> None:
        try:
            if known.session is None:
                raise SessionEnded
            session, tokens = await self._asking.renew(known.session)
        except SessionEnded:
            await self._end(user, known)
            return
        # A refresh token may be good for one use: the new one counts, whatever comes next.
        known.session = session
        if self._is_latest(user, known):
            await user.save_auth_state(session.kept())
        known.claims = await self._asking.claims(session, tokens)
        if self._is_latest(user, known):
            await self._tell(user, known)
        known.due, known.failures = time.monotonic() + self._seconds, 0

    async def _end(self, user: HubUser, known: _Followed) -> None:
        had_session, known.claims = known.session is not None, frozenset()
        if not self._is_latest(user, known):
            return
        await self._tell(user, known)
        if had_session and self._is_latest(user, known):
            await user.save_auth_state(None)
            self._ended(user.name)
        known.session, known.due = None, math.inf

    async def _tell(self, user: HubUser, known: _Followed) -> None:
        await asyncio.to_thread(self._claims_are, user.name, known.claims)
        latest = self._followed.get(user.name)
        if latest is not None and latest is not known:
            # Somebody signed in between: what the sign-in said must have the last word.
            await asyncio.to_thread(self._claims_are, user.name, latest.claims)
            if latest.session is not None:
                await user.save_auth_state(latest.session.kept())

    def _is_latest(self, user: HubUser, known: _Followed) -> bool:
        return self._followed.get(user.name) is known
