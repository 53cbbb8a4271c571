"""Server extension: a socket stays open for as long as whoever opened it would be let in again.

A Jupyter server asks the hub who somebody is when a socket opens, and never again: terminals and
kernels would obey somebody who was removed, or signed out, until the server ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from tornado import web
from tornado.ioloop import PeriodicCallback
from tornado.websocket import WebSocketHandler

LOOK_SECONDS = 0.5
"""Between two looks. The hub is asked by few of them: for some seconds its word counts, as it does
for requests (`HubOAuth.cache_max_age`)."""
ASK_SECONDS = 10.0
AWAY_SECONDS = 10.0
"""After a question without an answer the hub has peace for so long."""
POLICY = 1008
"""Why a socket is closed, by the standard's number for it."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "fairihub_spawner.sockets"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    hub_auth = getattr(serverapp.identity_provider, "hub_auth", None)
    if hub_auth is not None:  # else this server belongs to no hub
        door = Door(hub_auth, serverapp.log)
        door.counts_sockets()
        PeriodicCallback(door.look, LOOK_SECONDS * 1000).start()


@dataclass(frozen=True)
class Key:
    """What opened a socket: the tokens in hand and in the cookie, and the session they are of."""

    session: str
    tokens: tuple[str, ...]


class Door:
    """The sockets that are open, each with what opened it.

    While the hub cannot be asked they stay: whoever is in works on.
    """

    def __init__(self, hub_auth: Any, log: Any) -> None:
        self._hub_auth = hub_auth
        self._log = log
        self._open: dict[Any, Key] = {}
        self._not_before = 0.0

    def counts_sockets(self) -> None:
        """From now on of all sockets of this process, whichever extension they are of."""
        theirs = WebSocketHandler.get

        async def get(handler: WebSocketHandler, *args: Any, **kwargs: Any) -> None:
            self._open[handler] = self._key_of(handler)
            try:
                await theirs(handler, *args, **kwargs)  # until it is closed
            finally:
                del self._open[handler]

        WebSocketHandler.get = get  # type: ignore[assignment]

    async def look(self) -> None:
        """Closes the sockets of those who are let in no more."""
        now = asyncio.get_running_loop().time()
        if now < self._not_before:
            return
        for key in set(self._open.values()):
            try:
                admitted = await asyncio.wait_for(self._admits(key), ASK_SECONDS)
            except (web.HTTPError, asyncio.TimeoutError, OSError, ValueError):
                self._not_before = now + AWAY_SECONDS
                return
            if not admitted:
                self._close_all(key)

    async def _admits(self, key: Key) -> bool:
        for token in key.tokens:
            user = await self._hub_auth.user_for_token(token, session_id=key.session, sync=False)
            if user and self._hub_auth.check_scopes(self._hub_auth.access_scopes, user):
                return True
        return False

    def _close_all(self, key: Key) -> None:
        ended = [handler for handler, opened_by in self._open.items() if opened_by == key]
        self._log.info("Who opened %d sockets is let in no more: they are closed", len(ended))
        for handler in ended:
            close(handler)

    def _key_of(self, handler: Any) -> Key:
        cookie = handler.get_secure_cookie(self._hub_auth.cookie_name) or b""
        in_hand = self._hub_auth.get_token(handler, in_cookie=False) or ""
        tokens = (in_hand, cookie.decode("ascii", "replace"))
        return Key(self._hub_auth.get_session_id(handler), tuple(filter(None, tokens)))


def close(handler: Any) -> None:
    """Closes the socket at once, and hears nothing more of what was sent already."""
    connection = handler.ws_connection
    if connection is None:  # it is about to open, or closed by now
        return
    handler.on_message = lambda message: None
    handler.close(POLICY, "You are let in no more.")
    # A browser would close it now from its side; who does not could keep it for a while.
    connection.stream.close()
