"""The services beside the hub: how each is started, and the file with its settings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from jupyterhub.services.service import _ServiceSpawner

from fairihub import datafolder
from fairihub.hub_settings import HubSettings
from fairihub.remote import CLI_TOKEN
from fairihub.settings import Settings
from fairihub.sign_in import Secrets
from fairihub_core import scopes
from fairihub_core.files import write_whole
from fairihub_spawner import s3

_LOOK_SECONDS = 2
"""So often the hub looks whether a service has ended."""


def services(hub: HubSettings) -> list[dict[str, Any]]:
    """For `c.JupyterHub.services`: catalogue, runs, buckets, command line and idle-culler.

    The hub starts again whichever of them ends by itself, within seconds.
    """
    # It has no setting for this: JupyterHub's services and servers are looked at every 30 s.
    _ServiceSpawner.poll_interval = _LOOK_SECONDS
    return [
        {"name": "s3", "command": s3.command(hub.places, hub.ports.s3, hub.host), "display": False},
        _service(hub, "catalog", hub.ports.catalog, "fairihub_catalog"),
        _service(hub, "headless", hub.ports.headless, "fairihub_headless"),
        {"name": "cli", "api_token": datafolder.token(hub.places, CLI_TOKEN), "display": False},
        _idle_culler(hub.settings),
    ]


def _idle_culler(settings: Settings) -> dict[str, Any]:
    return {
        "name": "idle-culler",
        "command": [
            *(sys.executable, "-m", "jupyterhub_idle_culler"),
            f"--timeout={settings.idle_minutes * 60}",
            f"--cull-every={min(60, settings.idle_minutes * 15)}",
        ],
        "display": False,
    }


def activity_seconds(settings: Settings) -> int:
    """How often work is reported: often enough that the culler never takes it for idleness."""
    return min(60, settings.idle_minutes * 60 // 4)


def write_service_settings(hub: HubSettings, secrets: Secrets) -> None:
    """One private file for each service; a value in it may be a secret.

    An environment variable would be no better: JupyterHub keeps those of services in its database.
    """
    for name, settings in _settings(hub, secrets).items():
        write_whole(_settings_file(hub, name), json.dumps(settings).encode())


def _service(hub: HubSettings, name: str, port: int, module: str) -> dict[str, Any]:
    return {
        "name": name,
        "url": f"http://127.0.0.1:{port}",
        "command": [sys.executable, "-m", module],
        "environment": {"FAIRIHUB_SERVICE": str(_settings_file(hub, name))},
        # Asking “may the hub's own catalogue know who you are?” helps nobody.
        "oauth_no_confirm": True,
        # A browser session may do all that its member may; runs take notebooks of the catalogue.
        "oauth_client_allowed_scopes": [
            *scopes.MEMBER_SCOPES,
            "access:services!service=catalog",
        ],
        "display": False,
    }


def _settings_file(hub: HubSettings, name: str) -> Path:
    return hub.places.hub / f"{name}.json"


def _settings(hub: HubSettings, secrets: Secrets) -> dict[str, dict[str, Any]]:
    look = {"colour": hub.settings.colour, "has_logo": hub.settings.logo is not None}
    return {
        "catalog": {
            "data": str(hub.data),
            "name": hub.settings.catalog_name,
            "hub_name": hub.settings.name,
            **look,
        },
        "headless": {
            "data": str(hub.data),
            "name": hub.settings.name,
            "catalog_name": hub.settings.catalog_name,
            **look,
            "catalog_url": f"{hub.address}/services/catalog/api/",
            "s3": {"endpoint": hub.s3_endpoint, "keys_file": str(s3.keys_file(hub.places))},
            "activity_seconds": activity_seconds(hub.settings),
            "removal_grace_seconds": hub.settings.removal_grace_minutes * 60,
            "database_password": secrets.runs_database,
            **hub.settings.runs.model_dump(mode="json"),
        },
    }
