"""The servers of a hub: processes of this machine, or pods of a cluster."""

from __future__ import annotations

from typing import Any

from fairihub.entrance import Entrance
from fairihub.hub_settings import HubSettings
from fairihub.services import activity_seconds
from fairihub_core.bucket_keys import bucket_access
from fairihub_spawner.kube.spawner import FairihubSpawner
from fairihub_spawner.kube.sweeper import Sweeper, the_sweeper
from fairihub_spawner.limits import Enforcement, enforcement
from fairihub_spawner.local import TeamLocalSpawner
from fairihub_spawner.s3 import keys_file


def configure_servers(c: Any, hub: HubSettings, entrance: Entrance) -> None:
    """Sets up the spawner. Functions only: the configuration is copied deeply."""
    pods = hub.settings.kubernetes
    c.JupyterHub.allow_named_servers = False
    if pods is None:
        c.JupyterHub.spawner_class = TeamLocalSpawner
        c.TeamLocalSpawner.data = str(hub.data)
        c.TeamLocalSpawner.activity_seconds = activity_seconds(hub.settings)
    else:
        c.JupyterHub.spawner_class = FairihubSpawner
        # Pods go on while the hub is away, and are taken up again.
        c.JupyterHub.cleanup_servers = False
        c.FairihubSpawner.kubernetes = pods
    c.TeamServer.bucket_of = bucket_access(keys_file(hub.places), hub.s3_endpoint)
    c.TeamServer.directory = lambda: entrance.directory()
    c.TeamServer.removal_grace = hub.settings.removal_grace_minutes * 60
    c.TeamServer.removed_at = lambda name: entrance.removal.removed_at(name)
    c.TeamServer.record = lambda entry: entrance.recorder.record(entry)
    c.Spawner.environment = {
        "FAIRIHUB_CATALOG_URL": f"{hub.address}/services/catalog/api/",
        "FAIRIHUB_CATALOG_NAME": hub.settings.catalog_name,
    }


def sweeper_of(hub: HubSettings, entrance: Entrance) -> Sweeper | None:
    """Who looks for what servers left in the cluster; None where they are processes."""
    pods = hub.settings.kubernetes
    return None if pods is None else the_sweeper(pods, lambda: entrance.directory())


def enforced(hub: HubSettings) -> Enforcement:
    """How far the limits of a profile are kept."""
    if hub.settings.kubernetes is not None:
        return Enforcement(memory="enforced", cpu="enforced", how="Kubernetes")
    return enforcement()
