"""Tells the hub that a member whose runs are executing is not idle, so that their server stays."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from fairihub_core.clock import now

log = logging.getLogger("fairihub.headless")

_TIMEOUT = 10.0


class ActivityReporter:
    """Reports for members with executing runs.

    Args:
        api_url: the hub's API.
        token: a token with the scopes `users:activity` and `read:servers`.
        active: the logins whose runs are executing.
    """

    def __init__(self, api_url: str, token: str, active: Callable[[], Collection[str]]) -> None:
        self._api_url = api_url.rstrip("/")
        self._token = token
        self._active = active

    async def report_all(self) -> None:
        """Reports for each member with an executing run."""
        for login in sorted(self._active()):
            try:
                await self.report(login)
            except (HTTPClientError, OSError, ValueError) as problem:
                log.warning("activity of %s not reported: %s", login, problem)

    async def report(self, login: str) -> bool:
        """Reports for one member; False if they have no server that could be culled."""
        user = f"{self._api_url}/users/{quote(login, safe='')}"
        server = json.loads(await self._ask(user)).get("servers", {}).get("")
        if not server or not server.get("ready"):
            return False
        body = {"servers": {"": {"last_activity": now().isoformat()}}}
        await self._ask(f"{user}/activity", body)
        return True

    async def _ask(self, url: str, body: object = None) -> bytes:
        answer = await AsyncHTTPClient().fetch(
            HTTPRequest(
                url,
                method="GET" if body is None else "POST",
                body=None if body is None else json.dumps(body),
                headers={"Authorization": f"token {self._token}"},
                connect_timeout=_TIMEOUT,
                request_timeout=_TIMEOUT,
                follow_redirects=False,
            )
        )
        return bytes(answer.body)
