"""The hub beside which runs are tried, measured and broken; their service is started beside it."""

import sys

from fairihub_core import scopes
from tests.support.plain_hub import configured

SERVER = """
import os, urllib.parse, http.server
port = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port
http.server.test(http.server.SimpleHTTPRequestHandler, port=port, bind="127.0.0.1")
"""

c = get_config()  # noqa: F821 - JupyterHub defines it
told = configured(c)
c.Spawner.cmd = [sys.executable, "-c", SERVER]
c.Spawner.http_timeout = 30
c.JupyterHub.load_roles.append(
    {
        "name": "headless-service",
        "scopes": [scopes.SNAPSHOT, scopes.AUDIT, "users:activity", "read:servers"],
        "services": ["headless"],
    }
)
c.JupyterHub.services.append(
    {
        "name": "headless",
        "url": told["service_url"],
        "api_token": told["service_token"],
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": list(scopes.MEMBER_SCOPES),
    }
)
