"""JupyterHub's proxy, without its own idea of who is active, and of what still runs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy

from fairihub_core.processes import started_at

_LOG = Path(__file__).with_name("proxy_log.cjs")


def with_short_lines(command: Sequence[str]) -> list[str]:
    """The command of the proxy, whose log then has no long line of what strangers ask for.

    By the environment, since the command may be a program that finds its Node by itself. Of the
    escapes of JSON Node reads those of quotes and backslashes only.
    """
    script = json.dumps(str(_LOG), ensure_ascii=False)
    options = f"{os.environ.get('NODE_OPTIONS', '')} --require {script}".strip()
    return ["/usr/bin/env", f"NODE_OPTIONS={options}", *command]


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
