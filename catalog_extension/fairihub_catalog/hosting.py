"""The catalogue service from start to end: its settings, its signals, its door."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
from pathlib import Path
from urllib.parse import urlparse

from tornado.httpserver import HTTPServer

from fairihub_catalog.catalogue import Catalogue, hub_catalogue
from fairihub_catalog.service import MAX_BODY, application
from fairihub_catalog.settings import VARIABLE, ServiceSettings, read_settings
from fairihub_core.errors import Unavailable
from fairihub_core.files import write_new
from fairihub_core.follow import SnapshotFollower
from fairihub_core.places import Places
from fairihub_core.service_page import Brand
from fairihub_core.teams import TeamDirectory

log = logging.getLogger("fairihub.catalog")


def main() -> None:
    """Serves until it is told to stop."""
    logging.basicConfig(
        level=logging.INFO, format="[%(levelname).1s %(asctime)s %(name)s] %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    asyncio.run(_serve(read_settings(os.environ.get(VARIABLE))))


async def _serve(settings: ServiceSettings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    follower = SnapshotFollower(
        os.environ["JUPYTERHUB_API_URL"] + "/fairihub/snapshot",
        os.environ["JUPYTERHUB_API_TOKEN"],
    )
    catalogue = await asyncio.to_thread(_opened, settings, follower)
    secret = await asyncio.to_thread(_cookie_secret, Places(settings.data).catalog)
    server = _listening(settings, catalogue, follower, secret)
    follower.start()
    catalogue.start()
    log.info("the catalogue is ready")
    await stopping.wait()
    server.stop()
    follower.stop()
    await asyncio.to_thread(catalogue.stop)


def _opened(settings: ServiceSettings, follower: SnapshotFollower) -> Catalogue:
    def directory() -> TeamDirectory | None:
        try:
            return follower.current().directory
        except Unavailable:
            return None

    return hub_catalogue(settings.name, Places(settings.data), directory)


def _brand(settings: ServiceSettings) -> Brand:
    hub_url = os.environ.get("JUPYTERHUB_BASE_URL", "/")
    return Brand(settings.hub_name, settings.colour, settings.name, hub_url, settings.has_logo)


def _listening(
    settings: ServiceSettings, catalogue: Catalogue, follower: SnapshotFollower, secret: bytes
) -> HTTPServer:
    app = application(
        catalogue,
        directory=lambda: follower.current().directory,
        prefix=os.environ["JUPYTERHUB_SERVICE_PREFIX"],
        brand=_brand(settings),
        cookie_secret=secret,
    )
    server = HTTPServer(app, max_body_size=MAX_BODY, xheaders=True)
    address = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    server.listen(address.port or 80, address.hostname or "127.0.0.1")
    return server


def _cookie_secret(folder: Path) -> bytes:
    """Kept, so that a restart signs nobody out."""
    path = folder / "cookie_secret"
    with contextlib.suppress(FileExistsError):
        write_new(path, secrets.token_bytes(32), mode=0o600)
    return path.read_bytes()
