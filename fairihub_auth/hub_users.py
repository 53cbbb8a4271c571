"""The users of a running JupyterHub: their tokens, sessions and servers, a little at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any

from jupyterhub import orm
from jupyterhub.utils import new_token

from fairihub_core import clock
from fairihub_core.audit import Record
from fairihub_core.servers import cancel_start, ended_by_hub

STRETCH_SECONDS = 0.02
"""After so long whoever else waits for the hub's loop comes first."""

LOOK_AGAIN_SECONDS = 0.1
START_LOOK = timedelta(seconds=1)

Spared = Callable[[int, list[Any]], Collection[int]]
"""Of a user's number and tokens: which of these stay."""

log = logging.getLogger("fairihub.removal")


def _none(number: int, tokens: list[Any]) -> Collection[int]:
    return ()


def server_ends(user: Any) -> datetime | None:
    """When the first of the user's servers ends because its team admits its owner no more.

    Each kind of spawner says so by `ends_at()`, and goes by it when it is polled.
    """
    ends = [_end_of(spawner) for spawner in user.spawners.values() if spawner.active]
    return min((end for end in ends if end is not None), default=None)


def _end_of(spawner: Any) -> datetime | None:
    ask = getattr(spawner, "ends_at", None)
    end: datetime | None = ask() if ask is not None else None
    return end


class HubUsers:
    """What the hub knows of its users; to be used on its loop, as its session is one for all.

    Each method commits what it has done before it lets others on the loop.

    Args:
        app: the JupyterHub application.
        record: takes an entry for each server that is ended here.
    """

    def __init__(self, app: Any, record: Record = lambda entry: None) -> None:
        self._app = app
        self._record = record
        self._since = 0.0
        self._ending: set[asyncio.Task[None]] = set()

    def names(self) -> dict[str, int]:
        """The hub name of everybody who was ever here, and the number it has in the database."""
        users = self._db.query(orm.User.id, orm.User.name)
        # An older version of ours let JupyterHub make users without a name.
        return {name: number for number, name in users if name}

    async def revoke(self, users: Mapping[str, int]) -> list[tuple[str, int]]:
        """Deletes the tokens of `users`, and those of their sessions; how many of whom.

        Only the token that a running server has of its own stays, and ends with it.
        """
        names = {number: name for name, number in users.items()}
        done: list[tuple[str, int]] = []
        self._since = time.perf_counter()
        for number in self._token_owners() & names.keys():
            if deleted := self._delete_tokens(number, spared=self._server_tokens):
                done.append((names[number], deleted))
            await self._breathe()
        self._db.commit()
        return done

    async def renew(self, names: Collection[str], why: str) -> None:
        """No cookie and no token from before opens anything for `names`, and their servers end.

        The tokens of the servers are over at once; for the servers themselves, await `ended`.

        Args:
            why: what the audit log says of a server that ends.
        """
        self._since = time.perf_counter()
        for name in names:
            self.strip([name])
            self.end(name, why)
            await self._breathe()

    def strip(self, names: Collection[str]) -> int:
        """Makes cookies and tokens of `names` worthless at a stretch; how many tokens there were.

        Of their servers too, which could take a new session of their visitors' for themselves.
        """
        deleted = 0
        for name in names:
            user = orm.User.find(self._db, name)
            if user is not None:
                user.cookie_id = new_token()
                user.encrypted_auth_state = None
                deleted += self._delete_tokens(user.id)
                for server in user.orm_spawners.values():
                    if server.oauth_client is not None:
                        self._db.delete(server.oauth_client)
        self._db.commit()
        return deleted

    def end(self, name: str, why: str) -> None:
        """Begins to end the servers of `name`, whatever state they are in."""
        orm_user = orm.User.find(self._db, name)
        if orm_user is None or orm_user.id not in self._app.users:
            return
        user = self._app.users[orm_user.id]
        for spawner in tuple(user.spawners.values()):
            if spawner.active:
                self._begin(self._end(user, spawner, why), name)

    async def ended(self) -> None:
        """Waits for every server whose end was begun here."""
        while self._ending:
            await asyncio.wait(tuple(self._ending))

    async def end_servers(self) -> float | None:
        """Has each server looked at whose time is over; seconds until the next one's is.

        One that starts cannot be ended yet, and is looked at again soon.
        """
        now, next_end = clock.now(), None
        self._since = time.perf_counter()
        for user in tuple(self._app.users.values()):
            for spawner in tuple(user.spawners.values()):
                end = _end_of(spawner) if spawner.ready else None
                if spawner.pending == "spawn":
                    end = now + START_LOOK
                if end is not None and end <= now:
                    self._begin(spawner.poll_and_notify(), user.name)
                elif end is not None:
                    next_end = min(end, next_end or end)
            await self._breathe()
        return None if next_end is None else (next_end - now).total_seconds()

    @property
    def _db(self) -> Any:
        return self._app.db

    def _token_owners(self) -> set[int]:
        columns = (orm.APIToken.user_id, orm.OAuthCode.user_id)
        return {number for column in columns for (number,) in self._db.query(column).distinct()}

    def _delete_tokens(self, number: int, spared: Spared = _none) -> int:
        tokens = self._db.query(orm.APIToken).filter_by(user_id=number).all()
        kept = spared(number, tokens)
        gone = [token for token in tokens if token.id not in kept]
        # An unused code of a sign-in would become a token yet.
        for thing in [*gone, *self._db.query(orm.OAuthCode).filter_by(user_id=number)]:
            self._db.delete(thing)
        return len(gone)

    def _server_tokens(self, number: int, tokens: list[Any]) -> set[int]:
        if number not in self._app.users:
            return set()
        servers = self._app.users[number].spawners.values()
        return {
            token.id
            for spawner in servers
            if spawner.active and (token := _token_of(spawner, tokens)) is not None
        }

    async def _end(self, user: Any, spawner: Any, why: str) -> None:
        choice = str(spawner.user_options.get("profile"))
        if await _stopped(self._app.proxy, user, spawner):
            self._record(ended_by_hub(user.name, choice, why, clock.now()))

    def _begin(self, work: Coroutine[Any, Any, object], name: str) -> None:
        task = asyncio.get_running_loop().create_task(_tried(work, name))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _breathe(self) -> None:
        if time.perf_counter() - self._since >= STRETCH_SECONDS:
            self._db.commit()
            await asyncio.sleep(0)
            self._since = time.perf_counter()


def _token_of(spawner: Any, tokens: list[Any]) -> Any:
    """The token that JupyterHub made for this server; after a restart it knows its note only."""
    if spawner.api_token:
        return next((token for token in tokens if token.match(spawner.api_token)), None)
    note = f"Server at {spawner.server.base_url}" if spawner.server else None
    fitting = [token for token in tokens if token.note == note and token.client_id == "jupyterhub"]
    return max(fitting, key=lambda token: token.id, default=None)


async def _stopped(proxy: Any, user: Any, spawner: Any) -> bool:
    """As JupyterHub stops a server, but in any state; whether it was we who did it."""
    cancelled = None
    while spawner.pending in ("spawn", "stop"):
        if spawner._spawn_future not in (None, cancelled):
            cancelled = cancel_start(spawner)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    if not spawner.active:
        return cancelled is not None
    spawner._stop_pending = True
    try:
        await proxy.delete_user(user, spawner.name)
    finally:
        await user.stop(spawner.name)
    return True


async def _tried(work: Coroutine[Any, Any, object], name: str) -> None:
    try:
        await work
    except Exception:
        log.exception("A server of %s could not be ended", name)
