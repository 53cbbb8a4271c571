"""The catalogue in a Jupyter server: in front of the hub's catalogue, or of a folder of its own."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.extension.application import ExtensionApp
from tornado import web
from traitlets import Unicode

from fairihub_catalog import home
from fairihub_catalog.callers import Caller
from fairihub_catalog.catalogue import Catalogue, plain_catalogue
from fairihub_catalog.handlers import QUICK, AnswerMixin, Request, answered
from fairihub_catalog.kernels import kernels_of
from fairihub_catalog.models import Copy, Kernel, Share, to_json
from fairihub_catalog.operations import Answer, answer_json
from fairihub_catalog.reading import version_of
from fairihub_catalog.remote import HubCatalogue
from fairihub_catalog.requests import parsed
from fairihub_core.errors import FairihubError, Unavailable
from fairihub_core.homes import own_places
from fairihub_core.notebooks import is_home_path

_T = TypeVar("_T")


class LabHandler(AnswerMixin, APIHandler):
    """A request of the server's own user: the server has checked who they are."""

    auth_resource = "fairihub"

    @property
    def app(self) -> CatalogExtension:
        found: CatalogExtension = self.settings["fairihub_catalog_app"]
        return found

    @property
    def home(self) -> home.Home:
        path = Path(self.settings["server_root_dir"]).expanduser()
        bucket = os.environ.get("S3_USER_STORAGE_BUCKET")
        return home.Home(path, own_places(path, bucket))

    def finish(self, *arguments: Any, **_more: Any) -> Any:
        # Jupyter's handler makes everything JSON at the last moment; a preview is a page.
        kind = self._headers.get("Content-Type", "application/json")
        return super().finish(*arguments, set_content_type=kind)

    async def ask(self, request: Request) -> Answer:
        """The catalogue's answer, wherever the catalogue is."""
        return await self.app.answered(request, self.current_user.username)


class ApiHandler(LabHandler):
    """The API, as the hub service has it."""

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        self.send(await self.ask(self.request_to(path)))

    @web.authenticated
    @authorized
    async def post(self, path: str) -> None:
        self.send(await self.ask(self.request_to(path, self.request.body)))


class SettingsHandler(LabHandler):
    """What the screen must know before it asks for anything."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        self.send(answer_json(screen_settings(self.app.catalog_name, os.environ)))


class CopyHandler(LabHandler):
    """“Open a copy”: a notebook of the catalogue into the home, where nothing is overwritten."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        asked = parsed(Copy, self.request.body)
        if is_home_path(asked.id):
            path = await in_thread(lambda: home.existing(self.home, asked.id))
            self.send(answer_json({"path": path, "kernel": None}))
            return
        found = await self.ask(Request("GET", f"notebooks/{asked.id}/content"))
        if found.status != 200:
            self.send(found)
            return
        path = asked.path or home.default_path(asked.id)
        origin = {"id": asked.id, "version": version_of(found.body)}
        kernels = await self._kernels()
        match = await in_thread(lambda: home.put_copy(self.home, path, found.body, origin, kernels))
        self.send(answer_json({"path": path, "kernel": to_json(match)}, 201))

    async def _kernels(self) -> tuple[Kernel, ...]:
        manager = self.kernel_spec_manager
        if inspect.iscoroutinefunction(manager.get_all_specs):
            return kernels_of(await manager.get_all_specs())
        return kernels_of(await in_thread(manager.get_all_specs))


class ShareHandler(LabHandler):
    """“Share notebook…”: a notebook of the home before the curators of a team."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        asked = parsed(Share, self.request.body)
        body = await in_thread(lambda: home.contribution_body(self.home, asked))
        self.send(await self.ask(Request("POST", "contributions", body=body)))


class NotFoundHandler(LabHandler):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        raise web.HTTPError(404)

    @web.authenticated
    @authorized
    async def post(self) -> None:
        raise web.HTTPError(404)


async def in_thread(work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(QUICK, work)


def screen_settings(catalog_name: str, environment: Any) -> dict[str, Any]:
    """What the server knows without asking the hub."""
    hub = "JUPYTERHUB_API_TOKEN" in environment
    base = environment.get("JUPYTERHUB_HOST", "") + environment.get("JUPYTERHUB_BASE_URL", "/")
    return {
        "catalog_name": catalog_name,
        "hub": hub,
        "team": environment.get("FAIRIHUB_TEAM") or None,
        "profile": environment.get("FAIRIHUB_PROFILE") or None,
        "hub_home": f"{base}hub/home" if hub else None,
        "catalog_page": f"{base}services/catalog/" if hub else None,
    }


class CatalogExtension(ExtensionApp):
    """Finds, shows and copies notebooks; shares them where there is a hub."""

    name = "fairihub_catalog"

    library = Unicode(
        "",
        help="A folder of notebooks to show as the catalogue, where there is no hub.",
    ).tag(config=True)
    catalog_name = Unicode(
        os.environ.get("FAIRIHUB_CATALOG_NAME") or "Notebook Catalog",
        help="What people call the catalogue.",
    ).tag(config=True)

    _hub: HubCatalogue | None = None
    _plain: Catalogue | None = None

    def initialize_settings(self) -> None:
        if "JUPYTERHUB_API_TOKEN" in os.environ:
            # Absent in a hub that has no catalogue; then each request says so.
            url = os.environ.get("FAIRIHUB_CATALOG_URL")
            self._hub = (url and HubCatalogue(url, os.environ["JUPYTERHUB_API_TOKEN"])) or None
        else:
            self._plain = plain_catalogue(self.catalog_name, *_folders(self.library))
            self._plain.start()
        self.settings["fairihub_catalog_app"] = self

    def initialize_handlers(self) -> None:
        self.handlers.extend(
            [
                (r"/fairihub/api/(.*)", ApiHandler),
                (r"/fairihub/settings", SettingsHandler),
                (r"/fairihub/copy", CopyHandler),
                (r"/fairihub/share", ShareHandler),
                (r"/fairihub(?:/.*)?", NotFoundHandler),
            ]
        )

    async def answered(self, request: Request, login: str) -> Answer:
        """The catalogue's answer: the hub's, or that of the folder."""
        if self._plain is not None:
            return await answered(self._plain, Caller(login), request)
        if self._hub is None:
            raise Unavailable("no-catalogue", "This hub has no catalogue. Ask its operator.")
        return await self._hub.answered(request)

    async def stop_extension(self) -> None:
        if self._plain is not None:
            await asyncio.to_thread(self._plain.stop)


def _folders(library: str) -> tuple[Path, Path | None]:
    """Where the index of a library is kept, and the library."""
    state = Path(jupyter_data_dir()) / "fairihub_catalog"
    if not library:
        return state / "none", None
    folder = Path(library).expanduser().resolve()
    if not folder.is_dir():
        raise FairihubError("no-library", f"CatalogExtension.library: {folder} is no folder.")
    return state / hashlib.sha256(str(folder).encode()).hexdigest()[:16], folder
