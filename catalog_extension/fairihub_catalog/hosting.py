"""The catalogue service from start to end: its settings, its signals, its door."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from urllib.parse import urlparse

from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer

from fairihub_catalog.catalogue import Catalogue, hub_catalogue
from fairihub_catalog.service import MAX_BODY, application
from fairihub_catalog.settings import VARIABLE, ServiceSettings, read_settings
from fairihub_core.audit import Record
from fairihub_core.audit_report import AuditReporter
from fairihub_core.callers import forget_tokens
from fairihub_core.errors import Unavailable
from fairihub_core.files import kept_secret
from fairihub_core.follow import SnapshotFollower
from fairihub_core.logs import log_to_stderr
from fairihub_core.places import Places
from fairihub_core.service_page import Brand
from fairihub_core.teams import TeamDirectory

log = logging.getLogger("fairihub.catalog")


def main() -> None:
    """Serves until it is told to stop."""
    log_to_stderr()
    asyncio.run(_serve(read_settings(os.environ.get(VARIABLE))))


async def _serve(settings: ServiceSettings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    hub, token = os.environ["JUPYTERHUB_API_URL"], os.environ["JUPYTERHUB_API_TOKEN"]
    follower = SnapshotFollower(
        f"{hub}/fairihub/snapshot", token, lambda: forget_tokens(HubOAuth.instance())
    )
    reporter = AuditReporter(f"{hub}/fairihub/audit", token)
    catalogue = await asyncio.to_thread(_opened, settings, follower, reporter.record)
    secret = await asyncio.to_thread(kept_secret, Places(settings.data).catalog / "cookie_secret")
    server = _listening(settings, catalogue, follower, secret)
    follower.start()
    catalogue.start()
    log.info("the catalogue is ready")
    await stopping.wait()
    server.stop()
    follower.stop()
    await asyncio.to_thread(catalogue.stop)
    await asyncio.to_thread(reporter.close)


def _opened(settings: ServiceSettings, follower: SnapshotFollower, record: Record) -> Catalogue:
    def directory() -> TeamDirectory | None:
        try:
            return follower.current().directory
        except Unavailable:
            return None

    return hub_catalogue(settings.name, Places(settings.data), directory, record)


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
