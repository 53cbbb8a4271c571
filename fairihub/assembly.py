"""How a hub is put together out of the rooms; `fairihub up` and, later, the chart call it."""

from __future__ import annotations

import gc
import logging
from typing import Any

from jupyterhub.spawner import SpawnException

from fairihub.entrance import Entrance, followed
from fairihub.gates import configure_sign_in
from fairihub.hub_settings import HubSettings
from fairihub.request_log import log_request
from fairihub.roles import ROLES, SERVICE_SCOPES, custom_scopes
from fairihub.servers import configure_servers, enforced, sweeper_of
from fairihub.services import services, write_service_settings
from fairihub.sign_in import Secrets, taken_secrets
from fairihub_auth import handlers as hub_api
from fairihub_auth.audit_entries import record_tokens
from fairihub_auth.operator_acts import recorded
from fairihub_auth.team_servers import team_server_handlers
from fairihub_auth.webhook import webhook_handlers
from fairihub_core.audit import Entry
from fairihub_core.callers import ADDRESS
from fairihub_core.logs import Bounded, Queryless, Refusals, Remarkable, Unrepeated
from fairihub_core.snapshot import Snapshot
from fairihub_portal import wiring as portal
from fairihub_spawner.kube.leftover_handlers import leftover_handlers
from fairihub_spawner.proxy import TeamProxy, with_short_lines
from fairihub_spawner.start_handlers import start_handlers


def configure(c: Any, hub: HubSettings) -> None:
    """Sets up JupyterHub in `c`; a table of contents that runs."""
    _log()
    secrets = taken_secrets(hub.sign_in)
    entrance = followed(hub)
    record_tokens(entrance.recorder.record)
    _addresses(c, hub)
    configure_sign_in(c, hub, entrance, secrets)
    configure_servers(c, hub, entrance)
    _pages(c, hub, entrance)
    _services(c, hub, secrets)
    c.JupyterHub.extra_handlers = _handlers(hub, entrance, secrets)
    # What is loaded by now stays: to look through it for garbage would hold up the loop.
    gc.collect()
    gc.freeze()


def _handlers(hub: HubSettings, entrance: Entrance, secrets: Secrets) -> list[Any]:
    """Pages and API of our own. Functions only: the configuration is copied deeply."""

    def snapshot() -> Snapshot:
        return entrance.snapshot()

    def record(entry: Entry) -> None:
        entrance.recorder.record(entry)

    asked = hub_api.Asked(
        snapshot=snapshot,
        accounts=lambda: entrance.register.accounts(),
        record=record,
        audit=lambda wanted: entrance.store.audit(**dict(wanted)),
        unpin=lambda name: entrance.register.unpin(name),
        stays_out=lambda name: entrance.removal.stays_out(name),
    )
    return [
        *hub_api.handlers_for(entrance.publication, asked),
        *webhook_handlers(secrets.webhook, lambda name: entrance.watch.poke(name)),
        *team_server_handlers(snapshot, record),
        *start_handlers(lambda: entrance.directory()),
        *leftover_handlers(lambda: sweeper_of(hub, entrance), lambda: entrance.directory(), record),
        *portal.static_handlers(),
        *portal.page_handlers(
            snapshot=snapshot,
            mismatches=lambda: entrance.register.mismatches(),
            written=lambda name: entrance.register.written(name),
        ),
    ]


def _log() -> None:
    """What the rooms have to say stands in the hub's log, in the hub's own form."""
    handler = logging.StreamHandler()
    form = "[%(levelname)1.1s %(asctime)s.%(msecs).03d %(name)s] %(message)s"
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%d %H:%M:%S"))
    log = logging.getLogger("fairihub")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    for name in ("JupyterHub", "tornado.access", "tornado.application", "tornado.general"):
        for each in (Remarkable(), Unrepeated(), Refusals(SpawnException), Queryless(), Bounded()):
            logging.getLogger(name).addFilter(each)


def _addresses(c: Any, hub: HubSettings) -> None:
    c.JupyterHub.bind_url = hub.address
    c.JupyterHub.hub_bind_url = f"http://{hub.host}:{hub.ports.hub}"
    c.JupyterHub.db_url = f"sqlite:///{hub.places.hub / 'jupyterhub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(hub.places.hub / "cookie_secret")
    c.JupyterHub.proxy_class = TeamProxy
    c.ConfigurableHTTPProxy.command = with_short_lines(hub.proxy_command)
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{hub.ports.proxy_api}"
    c.ConfigurableHTTPProxy.pid_file = str(hub.places.hub / "proxy.pid")


def _pages(c: Any, hub: HubSettings, entrance: Entrance) -> None:
    settings = hub.settings
    c.JupyterHub.default_url = portal.default_url(lambda: entrance.snapshot())
    c.JupyterHub.template_paths = portal.template_paths()
    c.JupyterHub.jinja_environment_options = portal.jinja_options()
    c.JupyterHub.template_vars = portal.template_vars(
        name=settings.name,
        colour=settings.colour,
        contact=settings.contact,
        idle_minutes=settings.idle_minutes,
        link_hours=settings.link_hours,
        enforcement=enforced(hub),
        snapshot=lambda: entrance.snapshot(),
        mismatches=lambda: entrance.register.mismatches(),
        operators=lambda: entrance.register.operators(),
        provider=hub.sign_in,
        provider_name=settings.oidc.name if hub.sign_in == "oidc" and settings.oidc else None,
        token_days=settings.token_days,
        language=settings.language,
        services={"/services/catalog/": settings.catalog_name, "/services/headless/": "Runs"},
        logo_url="/hub/logo" if settings.logo else None,
    )
    if settings.logo:
        c.JupyterHub.logo_file = str(settings.logo)
    c.Spawner.options_form = portal.options_form(
        snapshot=lambda: entrance.snapshot(),
        enforcement=enforced(hub),
        contact=settings.contact,
        language=settings.language,
        shares_system_user=settings.kubernetes is None,
    )
    c.JupyterHub.tornado_settings = {
        "headers": portal.security_headers(),
        "log_function": recorded(lambda entry: entrance.recorder.record(entry), log_request),
        ADDRESS: hub.public_address,
    }


def _services(c: Any, hub: HubSettings, secrets: Secrets) -> None:
    write_service_settings(hub, secrets)
    c.JupyterHub.services = services(hub)
    c.JupyterHub.load_roles = ROLES
    c.JupyterHub.custom_scopes = custom_scopes()
    # Also what a token lives for whose maker says nothing.
    c.JupyterHub.token_expires_in_max_seconds = hub.settings.token_days * 24 * 3600
    c.JupyterHub.extra_user_scopes = SERVICE_SCOPES
    c.Spawner.server_token_scopes = [
        "users:activity!user",
        "access:servers!server",
        *SERVICE_SCOPES,
    ]
