"""JupyterHub's own addresses for a server, which say more here: what keeps a start, or made it
fail, and for the audit log what was found by whoever stops one."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jupyterhub.apihandlers.users import SpawnProgressAPIHandler, UserServerAPIHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.spawner import SpawnException
from tornado import web

from fairihub_core import clock
from fairihub_core.servers import last_choice, note_cancelled, was_cancelled
from fairihub_core.starts import diagnosed, diagnosis_of, start_of

RESTARTS = "The hub restarts. Look again in a moment."
LOOKED_AT_SECONDS = 10
"""So long JupyterHub waits for the end of a server, too."""
IS_LOOKED_AT = (
    "The hub has just begun and still looks whether this server runs. Stop it again in a minute."
)


class ServerHandler(UserServerAPIHandler):
    """The diagnosis stands in the body where JupyterHub says 202 and no more, and beside its words
    where the start has failed.

    Without its `detail`, which not everybody may read who may start servers.
    """

    found: str | None = None

    async def post(self, user_name: str, server_name: str = "") -> None:
        user: Any
        try:
            await super().post(user_name, server_name)
        except asyncio.CancelledError:
            user = self.find_user(user_name)
            self._cut_short(user and user.spawners.get(server_name))
            return  # who asked is answered: nothing is left to do, nor to log as a fault
        user = self.find_user(user_name)
        spawner = user and user.spawners.get(server_name)
        if spawner is None:
            return
        if self.get_status() == 201 and spawner.pending == "spawn":
            self.set_status(202)  # JupyterHub has asked the spawner of a start that failed before
        if self.get_status() != 202:
            return
        start = start_of(spawner)
        if start is not None and start.diagnosis is not None:
            self.set_header("Content-Type", "application/json")
            self.write({"diagnosis": start.diagnosis.for_answers()})

    def _cut_short(self, starting: Any) -> None:
        """Answers who asked for a start that has ended before its time."""
        if was_cancelled(starting):
            told = diagnosed("start-cancelled", clock.now(), final=True)
            self._say(409, {"message": told.message, "diagnosis": told.for_answers()})
        else:
            self._say(503, {"message": RESTARTS})

    def _say(self, status: int, told: dict[str, Any]) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish({"status": status, **told})

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if not isinstance(error, SpawnException):
            super().write_error(status_code, **kwargs)
            return
        diagnosis = diagnosis_of(error, clock.now())
        message = getattr(error, "jupyterhub_message", error.message)
        told = {"message": message, "diagnosis": diagnosis.for_answers()}
        self.set_header("Content-Type", "application/json")
        self.write({"status": status_code, **told})

    @needs_scope("delete:servers")
    async def delete(self, user_name: str, server_name: str = "") -> None:
        user: Any = self.find_user(user_name)
        if not await looked_at(user and user.spawners.get(server_name)):
            raise web.HTTPError(503, IS_LOOKED_AT)
        self.found = running(user, server_name)
        if self.found is not None:
            note_cancelled(user.spawners[server_name])
        await super().delete(user_name, server_name)


class ProgressHandler(SpawnProgressAPIHandler):
    """The event of a start that has failed says why, as the answer to a request does."""

    async def get(self, user_name: str, server_name: str = "") -> None:
        self._of = (user_name, server_name or "")
        await super().get(user_name, server_name)

    async def send_event(self, event: dict[str, Any]) -> None:
        user_name, server_name = self._of
        user: Any = self.find_user(user_name)
        spawner = user and user.spawners.get(server_name)
        start = start_of(spawner) if spawner and event.get("failed") else None
        if start is not None and start.diagnosis is not None:
            event = {**event, "diagnosis": start.diagnosis.for_answers()}
        await super().send_event(event)


async def looked_at(spawner: Any) -> bool:
    """Whether JupyterHub is done with looking at a server that an earlier hub has left, which it
    does not stop before; waits for that a while.
    """
    until = time.monotonic() + LOOKED_AT_SECONDS
    while getattr(spawner, "_check_pending", False):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.1)
    return True


def found_by(handler: Any) -> str | None:
    """What `running` said before the handler stopped it; None also where it stops none."""
    return handler.found if isinstance(handler, ServerHandler) else None


def running(user: Any, server: str = "") -> str | None:
    """The profile of the user's server; None if none runs or starts, or if it stops already.

    What a server was asked for that was refused is no profile of it.
    """
    spawner = user.spawners.get(server) if user is not None else None
    if spawner is None or not spawner.active or spawner.pending == "stop":
        return None
    return last_choice(spawner) or ""


SERVERS: list[tuple[str, type[web.RequestHandler]]] = [
    ("/api/users/([^/]+)/server", ServerHandler),
    ("/api/users/([^/]+)/servers/([^/]*)", ServerHandler),
    ("/api/users/([^/]+)/server/progress", ProgressHandler),
    ("/api/users/([^/]+)/servers/([^/]*)/progress", ProgressHandler),
]
"""For `get_handlers` of an authenticator, whose addresses come before the hub's own."""
