"""JupyterHub's proxy, without its own idea of who is active."""

from __future__ import annotations

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy


class TeamProxy(ConfigurableHTTPProxy):
    """To the proxy every poll of a forgotten tab is activity; the servers know better.

    Servers report their activity themselves: see `fairihub_spawner.activity`.
    """

    async def get_all_routes(self) -> dict[str, Any]:
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes
