"""A hub that believes every login, with our spawner and the teams of a JSON file."""

import json
import os
from pathlib import Path

from jupyterhub.auth import DummyAuthenticator

from fairihub_core import clock
from fairihub_core.bucket_keys import bucket_access
from fairihub_core.places import Places
from fairihub_core.servers import ServerLog
from fairihub_core.starts import diagnosed
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.answering import away
from fairihub_spawner.local import TeamLocalSpawner
from fairihub_spawner.proxy import TeamProxy
from fairihub_spawner.s3 import keys_file, sync_keys
from fairihub_spawner.start_handlers import start_handlers

told = json.loads(os.environ["SPAWNER_TEST"])
places = Places(Path(told["data"]))


def directory() -> TeamDirectory:
    teams = TeamDirectory.model_validate_json(Path(told["teams"]).read_bytes())
    sync_keys(places, teams)
    return teams


class LoggedSpawner(TeamLocalSpawner):
    """A local server with a log that can be read, as servers on a cluster have one."""

    async def log_lines(self, lines):
        if (places.data / "log-away").exists():
            raise away(diagnosed("cluster-unreachable", clock.now(), final=False))
        told = tuple(f"line {n}" for n in range(30))[-lines:]
        return ServerLog(lines=told, whole=lines >= 30)


SERVICES = ["access:services!service=catalog"]

c = get_config()  # noqa: F821
c.JupyterHub.bind_url = told["address"]
c.JupyterHub.hub_port = told["hub_port"]
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.JupyterHub.proxy_class = TeamProxy
c.JupyterHub.last_activity_interval = 1
c.ConfigurableHTTPProxy.command = told["proxy"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{told['proxy_port']}"
c.JupyterHub.authenticator_class = DummyAuthenticator
c.DummyAuthenticator.allow_all = True
c.JupyterHub.spawner_class = LoggedSpawner
c.JupyterHub.extra_handlers = start_handlers(directory)
c.Spawner.options_form = "<input name='profile'>"
c.Spawner.consecutive_failure_limit = 2
c.Spawner.poll_interval = 1
c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", *SERVICES]
c.TeamLocalSpawner.directory = directory
c.TeamLocalSpawner.data = told["data"]
c.TeamLocalSpawner.bucket_of = bucket_access(keys_file(places), "http://127.0.0.1:9")
c.JupyterHub.extra_user_scopes = SERVICES
c.JupyterHub.services = [
    {"name": "operator", "api_token": told["token"]},
    {"name": "catalog", "api_token": "token-of-the-catalogue"},
]
c.JupyterHub.load_roles = [
    {
        "name": "operator",
        "services": ["operator"],
        "scopes": ["admin:users", "admin:servers", "access:servers", "tokens"],
    }
]
