"""Which server a request to stop one finds: known before it is stopped, for the audit log."""

from __future__ import annotations

from typing import Any

from jupyterhub.apihandlers.users import UserServerAPIHandler
from jupyterhub.scopes import needs_scope

from fairihub_core.servers import last_choice


class ServerHandler(UserServerAPIHandler):
    """JupyterHub's own, which remembers what it found running."""

    found: str | None = None

    @needs_scope("delete:servers")
    async def delete(self, user_name: str, server_name: str = "") -> None:
        self.found = running(self.find_user(user_name), server_name)
        await super().delete(user_name, server_name)


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


STOPS = [
    ("/api/users/([^/]+)/server", ServerHandler),
    ("/api/users/([^/]+)/servers/([^/]*)", ServerHandler),
]
"""For `get_handlers` of an authenticator, whose addresses come before the hub's own."""
