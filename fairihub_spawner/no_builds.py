"""Server extension: no browser has JupyterLab built anew, which would be for the hub and everyone.

JupyterLab has no setting for that. This address stands before its own.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from jupyterlab.handlers.build_handler import build_path
from tornado import web

_REFUSED = "JupyterLab is built for the whole hub. Ask its operator for an extension."


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "fairihub_spawner.no_builds"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    # Extensions are loaded by name, and of two handlers for an address the first one answers.
    path = url_path_join(serverapp.web_app.settings["base_url"], build_path)
    serverapp.web_app.add_handlers(".*$", [(path, NoBuild)])


class NoBuild(APIHandler):
    """In place of JupyterLab's own: all is built, and nothing is to be built."""

    @web.authenticated
    def get(self) -> None:
        self.finish({"status": "stable", "message": ""})

    @web.authenticated
    def post(self) -> None:
        raise web.HTTPError(403, _REFUSED)

    @web.authenticated
    def delete(self) -> None:
        raise web.HTTPError(403, _REFUSED)
