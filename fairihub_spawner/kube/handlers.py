"""The hub's API of starts: what became of the last start of a server, and what the server wrote."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from jupyterhub.apihandlers import APIHandler
from pydantic import BaseModel
from tornado import web

from fairihub_core import clock
from fairihub_core.access import administers
from fairihub_core.callers import (
    CHALLENGE,
    forged,
    is_foreign,
    limited,
    not_a_person,
    signed_out,
)
from fairihub_core.errors import BadInput, FairihubError, Missing, Unavailable, shortened
from fairihub_core.logins import login_of
from fairihub_core.offers import parted
from fairihub_core.starts import Start, start_of
from fairihub_core.teams import Frozen, TeamDirectory

Handlers = list[tuple[str, type[APIHandler], dict[str, Any]]]
"""As `c.JupyterHub.extra_handlers` takes them."""
USUAL_LINES = 200
MOST_LINES = 5000


def start_handlers(directory: Callable[[], TeamDirectory]) -> Handlers:
    """For `c.JupyterHub.extra_handlers`; a plain function, as configuration is copied."""
    given = {"directory": directory}
    return [
        ("/api/fairihub/starts/([^/]+)", StartHandler, given),
        ("/api/fairihub/servers/([^/]+)/log", ServerLogHandler, given),
    ]


class ServerLog(Frozen):
    """The last lines that a server wrote, cleaned."""

    server: str
    lines: tuple[str, ...]
    whole: bool
    """Whether these are all, as far as they are kept."""


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


class _Refusal(web.HTTPError):
    """An error on its way out of `prepare`, from where only an exception leads."""

    def __init__(self, error: FairihubError) -> None:
        super().__init__(error.status, error.message)
        self.error = error


class JsonHandler(APIHandler):
    """Answers in JSON, refusals too: `{"code", "message"}`; asked by people, in person."""

    def initialize(self, directory: Callable[[], TeamDirectory]) -> None:
        self._directory = directory

    def check_xsrf_cookie(self) -> None:
        """What a browser sends by its session is asked for by a page of ours, or refused."""
        try:
            super().check_xsrf_cookie()
        except web.HTTPError:
            raise _Refusal(forged()) from None
        if getattr(self, "_jupyterhub_user", None) is not None and self._is_foreign():
            raise _Refusal(forged())

    def _is_foreign(self) -> bool:
        if getattr(self, "_token_authenticated", False):
            return False
        public = self.settings.get("public_url")
        own = (self.request.host, *([public.netloc] if public else []))
        return is_foreign(self.request.headers.get("Origin"), own)

    def person(self) -> str:
        """Who asks, with all they may do: what servers write is for no limited token.

        Raises:
            SignedOut: nobody, or somebody who is let in no more.
            Refused: `not-a-person`, `no-scope`.
        """
        user = self.current_user
        if user is None:
            raise signed_out()
        if user.kind == "service":
            raise not_a_person()
        if self.get_token() is not None and not self.has_scope(f"tokens!user={user.name}"):
            raise limited()
        name: str = user.name
        return name

    async def answer(self, work: Awaitable[BaseModel]) -> None:
        try:
            told = await work
        except FairihubError as error:
            self._tell(error)
            return
        self.set_header("Cache-Control", "no-store")
        self.finish(told.model_dump_json())

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        exception = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(exception, _Refusal):
            self._tell(exception.error)
        else:
            super().write_error(status_code, **kwargs)

    def _tell(self, error: FairihubError) -> None:
        self.set_status(error.status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        if error.status == 401:
            for name, value in CHALLENGE.items():
                self.set_header(name, value)
        self.finish(json.dumps(error.to_dict()))


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
        spawner = user.spawner
        asked = getattr(spawner, "log_lines", None)
        if asked is None:
            raise Missing("no-server-log", "Servers of this hub keep no log that can be read here.")
        if not spawner.active:
            raise Missing("no-server-log", "Your server is not running, so it has no log.")
        try:
            told, whole = await asked(lines)
        except Exception as problem:
            raise away(problem) from None
        return ServerLog(server=spawner.name, lines=told, whole=whole)


def away(problem: Exception) -> Exception:
    """What a cluster that cannot be asked comes to; any other error is a defect."""
    diagnosis = getattr(problem, "diagnosis", None)
    if diagnosis is None:
        return problem
    return Unavailable(diagnosis.code, f"{diagnosis.message} {diagnosis.remedy}")
