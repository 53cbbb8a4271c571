"""The servers of a team, for its admins: seen and stopped without any power over the hub.

What JupyterHub lets a caller do with servers is not asked here: whoever administers the team may
do this with the servers that belong to it now, and with no others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from fairihub_auth.answering import Handlers, JsonHandler
from fairihub_auth.server_requests import IS_LOOKED_AT, looked_at
from fairihub_core import clock
from fairihub_core.audit import Entry, Record
from fairihub_core.errors import Missing, Unavailable
from fairihub_core.hub_callers import caller_of, require_admin
from fairihub_core.logins import login_of, printable
from fairihub_core.offers import parted, profile_of
from fairihub_core.servers import (
    ServerState,
    cancel_start,
    last_active_at,
    last_choice,
    started_at,
    state_of,
)
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import Frozen, TeamDirectory


def team_server_handlers(snapshot: Callable[[], Snapshot], record: Record) -> Handlers:
    """For `c.JupyterHub.extra_handlers`; both are plain functions, as configuration is copied."""
    given = {"snapshot": snapshot, "record": record}
    servers = "/api/fairihub/teams/([^/]+)/servers"
    return [
        (servers, TeamServersHandler, given),
        (f"{servers}/([^/]+)", TeamServerHandler, given),
    ]


class TeamServer(Frozen):
    """A server of a team, as its admins see it."""

    login: str
    state: ServerState
    profile: str
    """The name that the team file shows, or the slug of a profile that is gone from it."""
    started: datetime | None
    last_activity: datetime | None


class TeamServers(Frozen):
    servers: tuple[TeamServer, ...]


class _TeamHandler(JsonHandler):
    """Lets admins of the team in the address and operators pass; for all others there is none."""

    def initialize(self, snapshot: Callable[[], Snapshot], record: Record) -> None:
        self._snapshot = snapshot
        self._record = record

    def _admin_of(self, team: str) -> str:
        """The caller's login.

        Raises:
            SignedOut: nobody is known to ask.
            Refused: `no-scope`, `not-a-person`.
            Missing: `no-such-team`.
        """
        caller = caller_of(self)
        require_admin(caller, team, self._snapshot().directory, clock.today())
        self.query()
        return caller.name

    def _servers(self, team: str) -> Iterator[Any]:
        for user in tuple(user for user in self.users.values() if user.name):
            for spawner in tuple(user.spawners.values()):
                if spawner.active and parted(last_choice(spawner))[0] == team:
                    yield spawner


class TeamServersHandler(_TeamHandler):
    """`GET`: the servers that belong to the team now, also of those who were just removed."""

    async def get(self, team: str) -> None:
        await self.answer(self._seen(team))

    async def _seen(self, team: str) -> TeamServers:
        self._admin_of(team)
        directory = self._snapshot().directory
        found = [_seen(spawner, directory) for spawner in self._servers(team)]
        return TeamServers(servers=tuple(sorted(found, key=lambda server: server.login)))


class TeamServerHandler(_TeamHandler):
    """`DELETE`: stops a member's server, if it belongs to the team now."""

    async def delete(self, team: str, login: str) -> None:
        await self.answer(self._stopped(team, login))

    async def _stopped(self, team: str, login: str) -> None:
        admin = self._admin_of(team)
        spawner = self._server_of(team, login_of(login))
        choice = last_choice(spawner) or ""
        await self._stop(spawner)
        self._record(
            Entry(
                at=clock.now(),
                action="server-stopped",
                login=spawner.user.name,
                by=admin,
                team=team,
                detail=choice,
            )
        )
        if spawner.pending == "stop":
            self.set_status(202)

    def _server_of(self, team: str, login: str) -> Any:
        """The member's server.

        Raises:
            Missing: `no-such-server`.
        """
        for spawner in self._servers(team):
            if spawner.user.name == login:
                return spawner
        raise Missing(
            "no-such-server", f"No server of “{printable(login)}” belongs to “{printable(team)}”."
        )

    async def _stop(self, spawner: Any) -> None:
        """As JupyterHub's own address for it does.

        Raises:
            Unavailable: `server-looked-at`.
        """
        if not await looked_at(spawner):
            raise Unavailable("server-looked-at", IS_LOOKED_AT)
        if spawner.pending == "stop":
            return
        starting = cancel_start(spawner) if spawner.pending == "spawn" else None
        if starting is not None:
            await asyncio.wait([starting], timeout=1)
        elif spawner.ready and await spawner.poll_and_notify() is not None:
            return
        if not spawner.pending:
            await self.stop_single_user(spawner.user, spawner.name)


def _seen(spawner: Any, directory: TeamDirectory) -> TeamServer:
    choice = last_choice(spawner)
    profile = profile_of(choice, directory)
    return TeamServer(
        login=spawner.user.name,
        state=state_of(spawner),
        profile=profile.display_name if profile else parted(choice)[1],
        started=started_at(spawner),
        last_activity=last_active_at(spawner),
    )
