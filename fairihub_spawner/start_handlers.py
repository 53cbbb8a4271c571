"""The hub's API of starts: what became of the last start of a server, and what the server wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairihub_core import clock
from fairihub_core.access import administers
from fairihub_core.errors import BadInput, Missing, shortened
from fairihub_core.logins import login_of
from fairihub_core.offers import parted
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


def lines_in(query: dict[str, list[bytes]]) -> int:
    """How many lines are asked for.

    Raises:
        BadInput: `unknown-parameter`, `bad-query`.
    """
    unknown = sorted(set(query) - {"lines", "_xsrf"})
    if unknown:
        name = shortened(unknown[0])
        raise BadInput("unknown-parameter", f"“{name}” is no parameter here; known: lines.")
    given = [value.decode("utf-8", "replace") for value in query.get("lines", [])]
    if not given:
        return USUAL_LINES
    asked = given[0]
    is_count = len(given) == 1 and asked.isascii() and asked.isdecimal() and len(asked) < 6
    if not is_count or not 1 <= int(asked) <= MOST_LINES:
        raise BadInput("bad-query", f"“lines” must be a number from 1 to {MOST_LINES}.")
    return int(asked)


class StartHandler(JsonHandler):
    """`GET`: the last start of a member's server, with the diagnosis if it failed."""

    async def get(self, name: str) -> None:
        await self.answer(self._start(name))

    async def _start(self, name: str) -> Start:
        caller, owner = self.person(), login_of(name)
        user = self.find_user(owner)
        start = start_of(user.spawner) if user else None
        if start is None or not may_see_start(caller, owner, start, self._directory()):
            raise Missing("no-such-start", "No start of this server is known.")
        return start


class ServerLogHandler(JsonHandler):
    """`GET`: the last lines of one's own server; for everybody else there is no such server.

    What a server writes may hold whatever its owner works on, so that admins and operators are
    told no more of it than the last lines of a start that failed.
    """

    async def get(self, name: str) -> None:
        await self.answer(self._told(name))

    async def _told(self, name: str) -> ServerLog:
        caller = self.person()
        lines = lines_in(self.request.query_arguments)
        user = self.find_user(caller) if login_of(name) == caller else None
        if user is None:
            raise Missing("no-such-server", "There is no such server of yours.")
        spawner: Any = user.spawner
        if not keeps_log(spawner):
            raise Missing("no-server-log", "Servers of this hub keep no log that can be read here.")
        if not spawner.active:
            raise Missing("no-server-log", "Your server is not running, so it has no log.")
        told: ServerLog = await spawner.log_lines(lines)
        return told
