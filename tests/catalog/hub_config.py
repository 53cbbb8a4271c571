"""A real hub for these tests: team files, tokens, the proxy, the catalogue as its service."""

import os
import sys
from pathlib import Path

from fairihub.roles import SERVICE_SCOPES, custom_scopes
from fairihub_auth.handlers import Asked, handlers_for
from fairihub_auth.publication import Publication
from fairihub_auth.sources import FolderSource
from fairihub_auth.watch import TeamWatch
from fairihub_core import scopes
from fairihub_core.teams import TeamDirectory

OPERATORS = frozenset({"olga"})
data = Path(os.environ["TEST_DATA"])
publication = Publication()
watch = TeamWatch(
    [FolderSource(data / "teams")],
    changed=lambda teams, files: publication.put(
        TeamDirectory(teams=teams, operators=OPERATORS), files
    ),
    kept=data / "teams.json",
)
watch.start()


def snapshot():
    return publication.snapshot()


def record(entry):
    with (data / "audit.jsonl").open("a") as file:
        file.write(entry.model_dump_json() + "\n")


c = get_config()  # noqa: F821 - JupyterHub defines it
c.JupyterHub.bind_url = os.environ["TEST_URL"]
c.JupyterHub.hub_bind_url = os.environ["TEST_HUB_URL"]
c.JupyterHub.db_url = f"sqlite:///{data}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(data / "cookie_secret")
c.ConfigurableHTTPProxy.command = [os.environ["TEST_PROXY"]]
c.ConfigurableHTTPProxy.api_url = os.environ["TEST_PROXY_API"]
c.ConfigurableHTTPProxy.pid_file = str(data / "proxy.pid")
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(data / "server-of-{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.http_timeout = 90
c.Spawner.args = [
    "--allow-root",
    "--ServerApp.jpserver_extensions={'fairihub_catalog': True}",
]
c.Spawner.environment = {
    "FAIRIHUB_CATALOG_URL": f"{os.environ['TEST_URL']}services/catalog/api/",
    "FAIRIHUB_CATALOG_NAME": "Our Notebooks",
    "FAIRIHUB_TEAM": "uc1",
    "FAIRIHUB_PROFILE": "uc1.small",
    "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    "JUPYTERHUB_SINGLEUSER_EXTENSION": "1",
    "PYTHONWARNINGS": "ignore",
}
c.Spawner.server_token_scopes = [
    "users:activity!user",
    "access:servers!server",
    *SERVICE_SCOPES,
]
c.JupyterHub.extra_handlers = handlers_for(publication, Asked(snapshot=snapshot, record=record))
c.JupyterHub.custom_scopes = custom_scopes()
c.JupyterHub.extra_user_scopes = SERVICE_SCOPES
c.JupyterHub.load_roles = [
    {"name": "catalog-service", "scopes": [scopes.SNAPSHOT, scopes.AUDIT], "services": ["catalog"]},
    {
        "name": "tests",
        "scopes": ["admin:users", "admin:servers", "tokens", "access:services"],
        "services": ["tests"],
    },
]
c.JupyterHub.services = [
    {
        "name": "catalog",
        "url": os.environ["TEST_SERVICE_URL"],
        "command": [sys.executable, "-m", "fairihub_catalog"],
        "environment": {"FAIRIHUB_SERVICE": str(data / "catalog.json")},
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": list(scopes.MEMBER_SCOPES),
    },
    {"name": "tests", "api_token": os.environ["TEST_ADMIN_TOKEN"]},
]
