"""A real hub for these tests, the catalogue as its service."""

import os
import sys
from pathlib import Path

from fairihub.roles import SERVICE_SCOPES
from fairihub_core import scopes
from tests.support.plain_hub import configured

c = get_config()  # noqa: F821 - JupyterHub defines it
told = configured(c)
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.http_timeout = 90
c.Spawner.args = [
    "--allow-root",
    "--ServerApp.jpserver_extensions={'fairihub_catalog': True}",
]
c.Spawner.environment = {
    "FAIRIHUB_CATALOG_URL": f"{told['url']}services/catalog/api/",
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
c.JupyterHub.load_roles.append(
    {"name": "catalog-service", "scopes": [scopes.SNAPSHOT, scopes.AUDIT], "services": ["catalog"]}
)
c.JupyterHub.services.append(
    {
        "name": "catalog",
        "url": told["service_url"],
        "command": [sys.executable, "-m", "fairihub_catalog"],
        "environment": {"FAIRIHUB_SERVICE": str(Path(told["folder"]) / "catalog.json")},
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": list(scopes.MEMBER_SCOPES),
    }
)
