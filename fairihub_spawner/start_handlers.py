"""The hub's API of starts: what became of the last start of a server, and what the server wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fairihub_core import clock
from fairihub_core.access import administers
from fairihub_core.errors import Missing
from fairihub_core.hub_callers import caller_of, require_person
from fairihub_core.logins import login_of
from fairihub_core.offers import parted
from fairihub_core.query import count_in, query_of
from fairihub_core.servers import ServerLog, keeps_log
from fairihub_core.starts import Start, start_of
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.answering import Handlers, JsonHandler

USUAL_LINES = 200
MOST_LINES = 5000


def start_handlers(directory: Callable[[], TeamDirectory]) -> Handlers:
    """For `c.JupyterHub.extra_handlers`; a plain function, as configuration is copied."""
    given = {"directory": directory}
    return [
        ("/api/fairihub/starts/([^/]+)", StartHandler, given),
        ("/api/fairihub/servers/([^/]+)/log", ServerLogHandler, given),
    ]


def may_see_start(caller: str, owner: str, start: Start, directory: TeamDirectory) -> bool:
    """The owner, the admins of the team that the server was started for, and operators."""
    team, _ = parted(start.profile)
    if caller == owner or caller in directory.operators:
        return True
    return administers(caller, team, directory, clock.today())


def may_read_log(caller: str, owner: str) -> bool:
    """The owner alone: what a server writes may hold whatever its owner works on.

    Admins and operators are told no more of it than the last lines of a start that failed.
    """
    return caller == owner


def lines_in(given: Mapping[str, list[bytes]]) -> int:
    """How many lines are asked for.

    Raises:
        BadInput: `unknown-parameter`, `bad-query`.
    """
    return count_in(query_of(given, ["lines"]), "lines", USUAL_LINES, MOST_LINES)


class StartHandler(JsonHandler):
    """`GET`: the last start of a member's server, with the diagnosis if it failed."""

    async def get(self, name: str) -> None:
        await self.answer(self._start(name))

    async def _start(self, name: str) -> Start:
        caller, owner = caller_of(self), login_of(name)
        require_person(caller)
        user = self.find_user(owner)
        start = start_of(user.spawner) if user else None
        if start is None or not may_see_start(caller.name, owner, start, self._directory()):
            raise Missing("no-such-start", "No start of this server is known.")
        return start


class ServerLogHandler(JsonHandler):
    """`GET`: the last lines of one's own server; for everybody else there is no such server."""

    async def get(self, name: str) -> None:
        await self.answer(self._told(name))

    async def _told(self, name: str) -> ServerLog:
        caller, owner = caller_of(self), login_of(name)
        require_person(caller)
        lines = lines_in(self.request.query_arguments)
        user = self.find_user(owner) if may_read_log(caller.name, owner) else None
        if user is None:
            raise Missing("no-such-server", "There is no such server of yours.")
        spawner: Any = user.spawner
        if not keeps_log(spawner):
            raise Missing("no-server-log", "Servers of this hub keep no log that can be read here.")
        if not spawner.active:
            raise Missing("no-server-log", "Your server is not running, so it has no log.")
        told: ServerLog = await spawner.log_lines(lines)
        return told
