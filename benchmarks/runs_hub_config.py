"""The hub beside which runs are measured and broken: team files, tokens, the proxy, no servers."""

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

place = Path(os.environ["RUNS_HUB"])
publication = Publication()
watch = TeamWatch(
    [FolderSource(place / "teams")],
    changed=lambda teams, files: publication.put(TeamDirectory(teams=teams), files),
    kept=place / "teams.json",
)
watch.start()


def snapshot():
    """A function, since traitlets copies what it is given: the publication must stay this one."""
    return publication.snapshot()


c = get_config()  # noqa: F821 - JupyterHub defines it
c.JupyterHub.bind_url = os.environ["RUNS_HUB_URL"]
c.JupyterHub.hub_bind_url = os.environ["RUNS_HUB_OWN_URL"]
c.JupyterHub.db_url = f"sqlite:///{place}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(place / "cookie_secret")
c.ConfigurableHTTPProxy.command = os.environ["RUNS_HUB_PROXY"].split("\n")
c.ConfigurableHTTPProxy.api_url = os.environ["RUNS_HUB_PROXY_API"]
c.ConfigurableHTTPProxy.pid_file = str(place / "proxy.pid")
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [sys.executable, "-m", "http.server"]
c.JupyterHub.extra_handlers = handlers_for(
    publication, Asked(snapshot=snapshot, record=lambda entry: None)
)
c.JupyterHub.custom_scopes = custom_scopes()
c.JupyterHub.load_roles = [
    {
        "name": "headless-service",
        "scopes": [scopes.SNAPSHOT, scopes.AUDIT, "users:activity", "read:servers"],
        "services": ["headless"],
    },
    {"name": "ours", "scopes": ["admin:users", "tokens", "access:services"], "services": ["ours"]},
]
c.JupyterHub.extra_user_scopes = SERVICE_SCOPES
c.JupyterHub.services = [
    {
        "name": "headless",
        "url": os.environ["RUNS_HUB_SERVICE_URL"],
        "api_token": os.environ["RUNS_HUB_SERVICE_TOKEN"],
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": list(scopes.MEMBER_SCOPES),
    },
    {"name": "ours", "api_token": os.environ["RUNS_HUB_ADMIN_TOKEN"]},
]
