"""JupyterHub's proxy, without its own idea of who is active, and of what still runs."""

from __future__ import annotations

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy

from fairihub_core.processes import started_at


class TeamProxy(ConfigurableHTTPProxy):
    """To the proxy every poll of a forgotten tab is activity; the servers know better.

    Servers report their activity themselves: see `fairihub_spawner.activity`.
    """

    async def get_all_routes(self) -> dict[str, Any]:
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes

    def _check_pid(self, pid: int) -> None:
        """Raises ProcessLookupError if the proxy that a former hub left behind has ended.

        In a container whose first process collects no orphans it stays a zombie, and the hub
        would not start for want of killing it.
        """
        if started_at(pid) is None:
            raise ProcessLookupError(pid)
