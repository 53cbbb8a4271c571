"""A real hub for these tests: team files, tokens, the proxy; the service is started beside it."""

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


SERVER = """
import os, urllib.parse, http.server
port = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port
http.server.test(http.server.SimpleHTTPRequestHandler, port=port, bind="127.0.0.1")
"""

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
c.Spawner.cmd = [sys.executable, "-c", SERVER]
c.Spawner.http_timeout = 30
c.SimpleLocalProcessSpawner.home_dir_template = str(data / "server-of-{username}")
c.JupyterHub.extra_handlers = handlers_for(publication, Asked(snapshot=snapshot, record=record))
c.JupyterHub.custom_scopes = custom_scopes()
c.JupyterHub.load_roles = [
    {
        "name": "headless-service",
        "scopes": [scopes.SNAPSHOT, scopes.AUDIT, "users:activity", "read:servers"],
        "services": ["headless"],
    },
    {
        "name": "tests",
        "scopes": ["admin:users", "admin:servers", "tokens", "access:services"],
        "services": ["tests"],
    },
]
c.JupyterHub.extra_user_scopes = SERVICE_SCOPES
c.JupyterHub.services = [
    {
        "name": "headless",
        "url": os.environ["TEST_SERVICE_URL"],
        "api_token": os.environ["TEST_SERVICE_TOKEN"],
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": list(scopes.MEMBER_SCOPES),
    },
    {"name": "tests", "api_token": os.environ["TEST_ADMIN_TOKEN"]},
]
