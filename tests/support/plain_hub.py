"""A small hub with team files and the proxy, where everybody is who they say: to be tried on.

Its configuration file asks `configured(c)` for all of that, and adds what it is there for.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from fairihub.roles import SERVICE_SCOPES, custom_scopes
from fairihub_auth.handlers import Asked, handlers_for
from fairihub_auth.publication import Publication
from fairihub_auth.sources import FolderSource
from fairihub_auth.watch import TeamWatch
from fairihub_core.audit import Entry
from fairihub_core.places import Places
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import TeamDirectory
from tests.support.ports import free_port
from tests.support.proxy import proxy_command

VARIABLE = "PLAIN_HUB"
ROOT = Path(__file__).parents[2]
OPERATORS = frozenset({"olga"})
TEAM = """\
kind: Customer
metadata: {{name: {name}}}
spec:
  k8s-namespace: {name}
  inventory: [{{expirationDate: "{until}"}}]
  activations:
  - data:
      profile_small: display_name=Small,mem_limit=2147483648,cpu_limit=1
  allowedLogins:
{members}
"""


class PlainHub:
    """A JupyterHub with its proxy; a service is started beside it, or by its configuration."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder = folder
        (folder / "teams").mkdir(parents=True, exist_ok=True)
        public, own, proxy_api, self.service_port = (free_port() for _ in range(4))
        self.url = f"http://127.0.0.1:{public}/"
        self.own_url = f"http://127.0.0.1:{own}"
        self.service_token, self.admin = secrets.token_hex(16), secrets.token_hex(16)
        self.process: subprocess.Popen[bytes] | None = None
        self._config = config
        self._proxy_api = f"http://127.0.0.1:{proxy_api}"

    @property
    def api(self) -> str:
        return f"{self.url}hub/api"

    @property
    def service_url(self) -> str:
        """The service's own address, not through the proxy."""
        return f"http://127.0.0.1:{self.service_port}"

    @property
    def places(self) -> Places:
        """Where its service keeps what it has."""
        return Places(self.folder / "data")

    def begin(self) -> None:
        """Starts it, and waits for nothing."""
        told = {
            "folder": str(self.folder),
            "url": self.url,
            "own_url": self.own_url,
            "service_url": self.service_url,
            "service_token": self.service_token,
            "admin": self.admin,
            "proxy": str(proxy_command()),
            "proxy_api": self._proxy_api,
        }
        more = {VARIABLE: json.dumps(told), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(self._config)],
                env={**os.environ, **more}, cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(40)

    def team(
        self,
        name: str,
        *logins: str,
        admins: tuple[str, ...] = (),
        curators: tuple[str, ...] = (),
        until: str = "2099-12-31",
    ) -> None:
        """Writes the team's file; without logins nobody is in it."""
        members = [f"  - userName: {login}" for login in logins]
        members += [f"  - userName: {login}\n    role: admin" for login in admins]
        members += [f"  - userName: {login}\n    rights: [notebooks]" for login in curators]
        text = TEAM.format(name=name, until=until, members="\n".join(members) or "  []")
        (self.folder / "teams" / f"{name}.yaml").write_text(text)

    def token(self, login: str, scopes: list[str] | None = None) -> str:
        """A token of the member's; limited, if scopes are named."""
        headers = {"Authorization": f"token {self.admin}"}
        httpx.post(f"{self.api}/users/{login}", headers=headers)
        asked = {} if scopes is None else {"scopes": scopes}
        answer = httpx.post(f"{self.api}/users/{login}/tokens", headers=headers, json=asked)
        answer.raise_for_status()
        return str(answer.json()["token"])


def configured(c: Any) -> dict[str, Any]:
    """Configures what such hubs have in common; what the one that starts it says."""
    told: dict[str, Any] = json.loads(os.environ[VARIABLE])
    folder = Path(told["folder"])
    c.JupyterHub.bind_url = told["url"]
    c.JupyterHub.hub_bind_url = told["own_url"]
    c.JupyterHub.db_url = f"sqlite:///{folder}/hub.sqlite"
    c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
    c.ConfigurableHTTPProxy.command = [told["proxy"]]
    c.ConfigurableHTTPProxy.api_url = told["proxy_api"]
    c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")
    c.JupyterHub.authenticator_class = "dummy"
    c.Authenticator.allow_all = True
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(folder / "server-of-{username}")
    c.JupyterHub.extra_handlers = handlers_for(*_followed(folder))
    c.JupyterHub.custom_scopes = custom_scopes()
    c.JupyterHub.extra_user_scopes = SERVICE_SCOPES
    admin = ["admin:users", "admin:servers", "tokens", "access:services"]
    c.JupyterHub.load_roles = [{"name": "tests", "scopes": admin, "services": ["tests"]}]
    c.JupyterHub.services = [{"name": "tests", "api_token": told["admin"]}]
    return told


def _followed(folder: Path) -> tuple[Publication, Asked]:
    """The team files from now on, and the audit log."""
    publication = Publication()

    def changed(teams: Any, files: Any) -> None:
        publication.put(TeamDirectory(teams=teams, operators=OPERATORS), files)

    def snapshot() -> Snapshot:
        # A function, since traitlets copies what it is given: the publication must stay this one.
        return publication.snapshot()

    def record(entry: Entry) -> None:
        with (folder / "audit.jsonl").open("a") as file:
            file.write(entry.model_dump_json() + "\n")

    watch = TeamWatch([FolderSource(folder / "teams")], changed=changed, kept=folder / "teams.json")
    watch.start()
    return publication, Asked(snapshot=snapshot, record=record)
