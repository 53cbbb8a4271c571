"""A hub that believes every login, whose servers are pods; told by `kube_hub.py`."""

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from jupyterhub.auth import DummyAuthenticator
from tornado.web import HTTPError

from fairihub_auth.audit_entries import record_tokens
from fairihub_auth.server_requests import SERVERS
from fairihub_core.audit import Entry
from fairihub_core.equipment import BucketAccess
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube import calls, leftovers, steady
from fairihub_spawner.kube.leftover_handlers import leftover_handlers
from fairihub_spawner.kube.settings import KubeSettings
from fairihub_spawner.kube.spawner import FairihubSpawner
from fairihub_spawner.kube.sweeper import the_sweeper
from fairihub_spawner.proxy import TeamProxy
from fairihub_spawner.start_handlers import start_handlers

told = json.loads(os.environ["KUBE_HUB"])


def directory() -> TeamDirectory:
    return TeamDirectory.model_validate_json(Path(told["teams"]).read_bytes())


def bucket_of(team: str, bucket: str) -> BucketAccess | None:
    return BucketAccess("http://127.0.0.1:9", "FHKEY", "bucket-secret-of-tests")


def record(entry: Entry) -> None:
    with Path("audit.jsonl").open("a") as log:
        log.write(entry.model_dump_json() + "\n")


record_tokens(record)
calls.PATIENCE_SECONDS = told["patience"]
calls.TELL_SECONDS = min(calls.TELL_SECONDS, told["patience"] / 4)
steady.GONE_SECONDS = told["gone"]
steady.LATE_SECONDS = min(steady.LATE_SECONDS, told["gone"] / 3)
leftovers.YOUNG = timedelta(seconds=told["young"])
cluster = KubeSettings.model_validate(told["cluster"])


class Believing(DummyAuthenticator):
    def get_handlers(self, app: Any) -> list[Any]:
        return [*super().get_handlers(app), *SERVERS]

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        while Path("held").exists():  # noqa: ASYNC110 - a test says how long
            await asyncio.sleep(0.05)
        if Path("refused").exists():
            raise HTTPError(403)


def in_place_of_the_server(spawner: Any, pod: Any) -> Any:
    profile = str(spawner.user_options["profile"]).partition(".")[2]
    for name, value in told["containers"].get(profile, {}).items():
        setattr(pod.spec.containers[0], name, value)
    return pod


c = get_config()  # noqa: F821
c.JupyterHub.bind_url = told["address"]
c.JupyterHub.hub_bind_url = told["hub"]
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.JupyterHub.proxy_class = TeamProxy
c.JupyterHub.cleanup_servers = False
c.JupyterHub.last_activity_interval = 1
c.JupyterHub.init_spawners_timeout = 2  # a start that is taken up takes as long as it takes
c.ConfigurableHTTPProxy.command = told["proxy"]
c.ConfigurableHTTPProxy.api_url = told["proxy_api"]
c.JupyterHub.authenticator_class = Believing
c.Authenticator.allow_all = True
c.JupyterHub.extra_handlers = [
    *start_handlers(directory),
    *leftover_handlers(
        lambda: None if told["plain"] else the_sweeper(cluster, directory),
        directory,
        record,
    ),
]
c.Spawner.options_form = "<input name='profile'>"
c.Spawner.poll_interval = 2
c.Spawner.consecutive_failure_limit = 0
if told["plain"]:
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    for name, value in told["plain"].items():
        setattr(c.KubeSpawner, name, value)
else:
    c.JupyterHub.spawner_class = FairihubSpawner
    c.FairihubSpawner.directory = directory
    c.FairihubSpawner.bucket_of = bucket_of
    c.FairihubSpawner.removal_grace = 0
    c.FairihubSpawner.modify_pod_hook = in_place_of_the_server
    c.FairihubSpawner.kubernetes = cluster
    for name, value in told["traits"].items():
        setattr(c.FairihubSpawner, name, value)
c.JupyterHub.services = [{"name": "cli", "api_token": told["token"]}]
c.JupyterHub.load_roles = [
    {
        "name": "operator",
        "services": ["cli"],
        "scopes": ["admin:users", "admin:servers", "access:servers", "tokens"],
    }
]
