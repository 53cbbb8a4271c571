"""The servers of a team, for its admins: seen and stopped without any power over the hub.

What JupyterHub lets a caller do with servers is not asked here: whoever administers the team may
do this with the servers that belong to it now, and with no others.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from jupyterhub.apihandlers import APIHandler
from tornado import web

from fairihub_core import clock
from fairihub_core.access import administers
from fairihub_core.audit import Entry, Record
from fairihub_core.callers import (
    CHALLENGE,
    forged,
    is_foreign,
    limited,
    not_a_person,
    signed_out,
)
from fairihub_core.errors import FairihubError, Missing
from fairihub_core.logins import login_of, printable
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import TeamDirectory
from fairihub_portal.home import ServerState
from fairihub_portal.wiring import last_choice, state_of

Handlers = list[tuple[str, type[APIHandler], dict[str, Any]]]


def team_server_handlers(snapshot: Callable[[], Snapshot], record: Record) -> Handlers:
    """For `c.JupyterHub.extra_handlers`; both are plain functions, as configuration is copied."""
    given = {"snapshot": snapshot, "record": record}
    servers = "/api/fairihub/teams/([^/]+)/servers"
    return [
        (servers, TeamServersHandler, given),
        (f"{servers}/([^/]+)", TeamServerHandler, given),
    ]


@dataclass(frozen=True)
class TeamServer:
    """A server of a team, as its admins see it."""

    login: str
    state: ServerState
    profile: str
    """The name that the team file shows, or the slug of a profile that is gone from it."""
    started: str | None
    last_activity: str | None


def belongs(choice: str | None, team: str) -> bool:
    """Whether a server that was started as `choice` (`team.slug`) is one of `team`."""
    return choice is not None and choice.partition(".")[0] == team


def profile_name(choice: str, directory: TeamDirectory) -> str:
    """What people call the profile of `choice`."""
    name, _, slug = choice.partition(".")
    team = directory.team(name)
    profiles = team.profiles if team else ()
    return next((p.display_name for p in profiles if p.slug == slug), slug)


class _Forged(web.HTTPError):
    """Asked for by no page of ours."""


class _TeamHandler(APIHandler):
    """Lets admins of the team in the address and operators pass; for all others there is none."""

    def initialize(self, snapshot: Callable[[], Snapshot], record: Record) -> None:
        self._snapshot = snapshot
        self._record = record

    def check_xsrf_cookie(self) -> None:
        try:
            super().check_xsrf_cookie()
        except web.HTTPError:
            raise _Forged(403) from None
        if getattr(self, "_jupyterhub_user", None) is not None and self._is_foreign():
            raise _Forged(403)

    def _is_foreign(self) -> bool:
        if getattr(self, "_token_authenticated", False):
            return False
        public = self.settings.get("public_url")
        own = (self.request.host, *([public.netloc] if public else []))
        return is_foreign(self.request.headers.get("Origin"), own)

    def _looks_after(self, team: str) -> str:
        """The caller's login.

        Raises:
            SignedOut: nobody is known to ask.
            Refused: `no-scope`, `not-a-person`.
            Missing: `no-such-team`, which is also what others' teams are.
        """
        user = self.current_user
        if user is None:
            raise signed_out()
        if user.kind != "user":
            raise not_a_person()
        if self.get_token() is not None and not self.has_scope(f"tokens!user={user.name}"):
            raise limited()
        login: str = user.name
        if not administers(login, team, self._snapshot().directory, clock.today()):
            raise Missing("no-such-team", f"You are no admin of “{printable(team)}”.")
        return login

    def _servers(self, team: str) -> Iterator[Any]:
        for user in tuple(self.users.values()):
            for spawner in tuple(user.spawners.values()):
                if spawner.active and belongs(last_choice(spawner), team):
                    yield spawner

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if isinstance((kwargs.get("exc_info") or (None, None))[1], _Forged):
            self._tell(forged())
        else:
            super().write_error(status_code, **kwargs)

    def _tell(self, error: FairihubError) -> None:
        self.set_status(error.status)
        if error.status == 401:
            for name, value in CHALLENGE.items():
                self.set_header(name, value)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(error.to_dict()))


class TeamServersHandler(_TeamHandler):
    """`GET`: the servers that belong to the team now, also of those who were just removed."""

    async def get(self, team: str) -> None:
        try:
            self._looks_after(team)
        except FairihubError as error:
            self._tell(error)
            return
        directory = self._snapshot().directory
        found = [_seen(spawner, directory) for spawner in self._servers(team)]
        servers = [asdict(server) for server in sorted(found, key=lambda s: s.login)]
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps({"servers": servers}))


class TeamServerHandler(_TeamHandler):
    """`DELETE`: stops a member's server, if it belongs to the team now."""

    async def delete(self, team: str, login: str) -> None:
        try:
            caller = self._looks_after(team)
            spawner = self._server_of(team, login_of(login))
        except FairihubError as error:
            self._tell(error)
            return
        choice = last_choice(spawner) or ""
        await self._stop(spawner)
        self._record(
            Entry(
                at=clock.now(),
                action="server-stopped",
                login=spawner.user.name,
                by=caller,
                team=team,
                detail=choice,
            )
        )
        self.set_status(202 if spawner.pending == "stop" else 204)
        self.finish()

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
        """As JupyterHub's own address for it does."""
        if spawner.pending == "stop":
            return
        starting = spawner._spawn_future
        if spawner.pending == "spawn" and starting is not None:
            starting.cancel()
            await asyncio.wait([starting], timeout=1)
        elif spawner.ready and await spawner.poll_and_notify() is not None:
            return
        if not spawner.pending:
            await self.stop_single_user(spawner.user, spawner.name)


def _seen(spawner: Any, directory: TeamDirectory) -> TeamServer:
    return TeamServer(
        login=spawner.user.name,
        state=state_of(spawner),
        profile=profile_name(last_choice(spawner) or "", directory),
        started=_iso(spawner.orm_spawner.started),
        last_activity=_iso(spawner.orm_spawner.last_activity),
    )


def _iso(time: datetime | None) -> str | None:
    """The hub's database keeps UTC without saying so."""
    return None if time is None else time.replace(tzinfo=timezone.utc).isoformat()
