"""The service as a whole: put together, started, and stopped in the right order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer

from fairihub_core.audit_report import AuditReporter
from fairihub_core.callers import forget_tokens
from fairihub_core.files import kept_secret
from fairihub_core.follow import SnapshotFollower
from fairihub_core.logs import log_to_stderr
from fairihub_core.periodically import Periodically
from fairihub_core.places import Places
from fairihub_core.service_page import Brand
from fairihub_core.teams import TeamDirectory
from fairihub_headless.activity import ActivityReporter
from fairihub_headless.checkout import repository_of
from fairihub_headless.engine import watching
from fairihub_headless.engine.launching import WarmLauncher, open_many_files
from fairihub_headless.engine.local import LocalEngine
from fairihub_headless.folders import RunFolder
from fairihub_headless.payload import MAX_BODY
from fairihub_headless.results import tidying, uploading
from fairihub_headless.results.bucket import Buckets, is_in_bucket
from fairihub_headless.running import Runs
from fairihub_headless.settings import HeadlessSettings, read_settings
from fairihub_headless.sources import CatalogSource, Sources
from fairihub_headless.store.runs import Store
from fairihub_headless.web.answering import Service
from fairihub_headless.web.routes import application

log = logging.getLogger("fairihub.headless")

_IDENTITY_SECONDS = 30
"""How long an identity that the hub confirmed is believed: a revoked token ends within that."""
_PAUSE = 10
"""Seconds after a failure until the service ends by it."""


@dataclass(frozen=True)
class HubPlace:
    """Where the hub is and where we are, as the hub's environment variables say."""

    api_url: str
    api_token: str
    prefix: str
    host: str
    port: int
    hub_url: str = "/"
    """Where the hub's addresses begin."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> HubPlace:
        """From `JUPYTERHUB_*`.

        Raises:
            SystemExit: the hub did not start this.
        """
        try:
            url = urlsplit(environment["JUPYTERHUB_SERVICE_URL"])
            return cls(
                environment["JUPYTERHUB_API_URL"],
                environment["JUPYTERHUB_API_TOKEN"],
                environment["JUPYTERHUB_SERVICE_PREFIX"],
                url.hostname or "127.0.0.1",
                url.port or 0,
                environment.get("JUPYTERHUB_BASE_URL", "/"),
            )
        except KeyError as missing:
            raise SystemExit(f"{missing} is not set; start this service through the hub.") from None


async def serve(settings: HeadlessSettings, place: HubPlace) -> None:
    """Serves until SIGTERM or SIGINT; then ends what runs and returns."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    async with AsyncExitStack() as ends:
        await _begin(settings, place, ends)
        log.info("runs are served at %s", place.prefix)
        await asked.wait()


async def _begin(settings: HeadlessSettings, place: HubPlace, ends: AsyncExitStack) -> None:
    """Starts everything; `ends` stops what has been started, the last first."""
    HubOAuth.instance().cache_max_age = _IDENTITY_SECONDS
    audit = AuditReporter(f"{place.api_url}/fairihub/audit", place.api_token)
    ends.push_async_callback(asyncio.to_thread, audit.close)
    follower = _follower(place)
    follower.start()
    ends.callback(follower.stop)
    store = await asyncio.to_thread(_store, settings)
    ends.push_async_callback(asyncio.to_thread, store.close)
    launcher = WarmLauncher(settings)
    launcher.start()
    ends.push_async_callback(launcher.stop)
    engine = LocalEngine(store, settings, lambda: follower.current().directory, launcher)
    await engine.start()
    ends.push_async_callback(engine.stop)
    buckets = _buckets(settings, lambda: follower.current().directory)
    runs = Runs(store, engine, settings, _sources(settings), audit.record, buckets)
    secret = await asyncio.to_thread(_cookie_secret, settings)
    for each in _beside(runs, engine, place):
        each.start()
        ends.callback(each.stop)
    if runs.sources.repository is not None:
        ends.callback(runs.sources.repository.stop)
    service = Service(runs, follower, _brand(settings, place), place.prefix)
    server = HTTPServer(application(service, secret), xheaders=True, max_body_size=MAX_BODY)
    server.listen(place.port, address=place.host)
    ends.callback(server.stop)


def main() -> None:
    """Starts the service as the hub's environment says."""
    log_to_stderr()
    os.umask(0o077)
    open_many_files()
    settings = read_settings(os.environ.get("FAIRIHUB_SERVICE"))
    try:
        asyncio.run(serve(settings, HubPlace.of(os.environ)))
    except Exception:
        log.exception("runs cannot be served")
        # The hub begins this anew as soon as it has ended: a database that is away takes its time.
        time.sleep(_PAUSE)
        raise SystemExit(1) from None


def _store(settings: HeadlessSettings) -> Store:
    if settings.database_address is not None:
        return Store(settings.database_address)
    return Store.in_folder(Places(settings.data).headless)


def _follower(place: HubPlace) -> SnapshotFollower:
    return SnapshotFollower(
        f"{place.api_url}/fairihub/snapshot",
        place.api_token,
        lambda: forget_tokens(HubOAuth.instance()),
    )


def _brand(settings: HeadlessSettings, place: HubPlace) -> Brand:
    return Brand(
        settings.name, settings.colour, settings.catalog_name, place.hub_url, settings.has_logo
    )


def _sources(settings: HeadlessSettings) -> Sources:
    places = Places(settings.data)
    catalog = CatalogSource(settings.catalog_url)
    return Sources(places, catalog, repository_of(settings, places))


def _beside(runs: Runs, engine: LocalEngine, place: HubPlace) -> list[Periodically]:
    """What is done again and again while runs are served."""
    settings, store, root = runs.settings, runs.store, runs.places.headless

    def log_of(run_id: str) -> Path:
        return RunFolder.of(root, run_id).log

    watch = watching.Watch(store.listing, engine.changes, log_of)
    active = ActivityReporter(place.api_url, place.api_token, engine.running_owners)
    tidier = tidying.Tidying(store.keeping, root, settings.rules, forget=partial(_forget, runs))
    lapsed = partial(_tidy_repository, runs)
    found: list[tuple[Callable[[], Awaitable[object]], float, str]] = [
        (watch.look, watching.TICK, "followed runs could not be looked at"),
        (active.report_all, settings.activity_seconds, "activity was not reported"),
        (tidier.tidy, tidying.EVERY, "runs could not be tidied"),
        (lapsed, tidying.EVERY, "the copy of the repository could not be tidied"),
        (tidier.make_room, tidying.LOOKS, "what is too many could not be removed"),
    ]
    if runs.buckets is not None and settings.results_in_bucket:
        uploader = uploading.Uploading(store, runs.buckets, root)
        trouble = "results could not be brought to their buckets"
        found.append((uploader.look, uploading.EVERY, trouble))
    return [Periodically(*each, log) for each in found]


def _forget(runs: Runs, run_id: str) -> bool:
    """Removes what of a run lies elsewhere than on the disk; False: not yet. Blocks."""
    folder = RunFolder.of(runs.places.headless, run_id)
    run = runs.store.get(run_id)
    if run is not None and runs.buckets is not None:
        return runs.buckets.forget(run, folder)
    if is_in_bucket(folder):
        log.warning("what run %s left stays in its bucket: it cannot be reached now", run_id)
    return True


async def _tidy_repository(runs: Runs) -> None:
    """Lets go of the revisions that no run needs any more."""
    repository = runs.sources.repository
    if repository is not None:
        used = await asyncio.to_thread(runs.store.keeping.revisions)
        await asyncio.to_thread(repository.tidy, used)


def _buckets(settings: HeadlessSettings, directory: Callable[[], TeamDirectory]) -> Buckets | None:
    if settings.s3 is None:
        return None
    return Buckets(settings.s3, directory, settings.public_s3_endpoint)


def _cookie_secret(settings: HeadlessSettings) -> bytes:
    folder = Places(settings.data).headless
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return kept_secret(folder / "cookie_secret")
