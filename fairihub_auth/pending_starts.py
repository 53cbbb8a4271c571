"""The answer to a request for a server that is not ready yet: what keeps it, if that is known."""

from __future__ import annotations

from typing import Any

from jupyterhub.apihandlers.users import UserServerAPIHandler

from fairihub_core.starts import start_of


class ServerHandler(UserServerAPIHandler):
    """JupyterHub's own; where that says 202 and no more, the diagnosis stands in the body.

    Without its `detail`, which not everybody may read who may start servers.
    """

    async def post(self, user_name: str, server_name: str = "") -> None:
        await super().post(user_name, server_name)
        user: Any = self.find_user(user_name)
        if self.get_status() != 202 or user is None or server_name not in user.spawners:
            return
        start = start_of(user.spawners[server_name])
        if start is not None and start.diagnosis is not None:
            told = start.diagnosis.model_dump(mode="json", exclude={"detail"})
            self.set_header("Content-Type", "application/json")
            self.write({"diagnosis": told})


SERVERS = [
    ("/api/users/([^/]+)/server", ServerHandler),
    ("/api/users/([^/]+)/servers/([^/]*)", ServerHandler),
]
"""For `get_handlers` of an authenticator, whose addresses come before the hub's own."""
