"""A real hub with the catalogue as its service, and what its members do with it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from fairihub_core.places import Places
from tests.support.ports import free_port
from tests.support.proxy import proxy_command
from tests.support.waiting import eventually

HERE = Path(__file__).parent


@dataclass
class Hub:
    """A JupyterHub with its proxy and the catalogue."""

    data: Path
    url: str
    admin: str
    service: str
    """The catalogue's own address, behind the proxy."""
    opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def places(self) -> Places:
        return Places(self.data / "data")

    @property
    def api(self) -> str:
        return f"{self.url}hub/api"

    @property
    def catalog(self) -> str:
        return f"{self.url}services/catalog/"

    def team(self, name: str, logins: dict[str, str], until: str = "2099-12-31") -> None:
        """Writes the team's file: logins and what each is (`user`, `admin`, or a right)."""
        listed = "".join(
            f"  - userName: {login}\n"
            + (f"    role: {what}\n" if what in ("user", "admin") else f"    rights: [{what}]\n")
            for login, what in logins.items()
        )
        (self.data / "teams").mkdir(exist_ok=True)
        (self.data / "teams" / f"{name}.yaml").write_text(
            f"kind: Customer\nmetadata:\n  name: {name}\nspec:\n  k8s-namespace: {name}\n"
            f"  inventory:\n  - expirationDate: '{until}'\n  activations:\n  - data:\n"
            "      profile_small: display_name=Small,mem_limit=2147483648,cpu_limit=1\n"
            f"  allowedLogins:\n{listed}"
        )

    def token(self, login: str, **more: Any) -> str:
        headers = {"Authorization": f"token {self.admin}"}
        httpx.post(f"{self.api}/users/{login}", headers=headers)
        answer = httpx.post(f"{self.api}/users/{login}/tokens", headers=headers, json=more)
        answer.raise_for_status()
        return str(answer.json()["token"])

    def client(
        self, login: str | None, scheme: str = "token", scopes: list[str] | None = None
    ) -> httpx.Client:
        """A script of `login`; of nobody without one. Its token is limited if scopes are named."""
        more = {} if scopes is None else {"scopes": scopes}
        headers = {"Authorization": f"{scheme} {self.token(login, **more)}"} if login else {}
        return self._client(f"{self.catalog}api/", headers=headers)

    def browser(self, login: str) -> httpx.Client:
        """A signed-in browser without a screen."""
        client = self._client(self.url, follow_redirects=True)
        client.get("/hub/login")
        xsrf = next(c.value for c in client.cookies.jar if c.name == "_xsrf")
        form = {"username": login, "password": "x", "_xsrf": xsrf}
        assert client.post("/hub/login?next=/hub/home", data=form).status_code < 400
        return client

    def server(self, login: str) -> httpx.Client:
        """A script of `login` on their own running server."""
        headers = {"Authorization": f"token {self.token(login)}"}
        httpx.post(f"{self.api}/users/{login}/server", headers=headers, timeout=90)
        user = f"{self.api}/users/{login}"
        ready = eventually(lambda: _ready(httpx.get(user, headers=headers).json()), 90)
        assert ready, self.log()
        url = f"{self.url}user/{login}/fairihub/"
        return self._client(url, headers=headers)

    def _client(self, base_url: str, **options: Any) -> httpx.Client:
        return self.opened.enter_context(httpx.Client(base_url=base_url, timeout=60, **options))

    def most_memory(self) -> int:
        """The most bytes that the service has held in memory so far."""
        status = next(
            (process / "status").read_text()
            for process in Path("/proc").iterdir()
            if process.name.isdigit() and self._is_service(process)
        )
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def _is_service(self, process: Path) -> bool:
        try:
            started = (process / "cmdline").read_bytes()
            return (
                started.endswith(b"\0fairihub_catalog\0")
                and str(self.data).encode() in (process / "environ").read_bytes()
            )
        except OSError:
            return False

    def log(self) -> str:
        return (self.data / "hub.log").read_text(errors="replace")[-6000:]


def _ready(user: dict[str, Any]) -> bool:
    return bool(user["servers"].get("", {}).get("ready"))


@contextlib.contextmanager
def running_hub(data: Path) -> Iterator[Hub]:
    """The hub, until the block ends."""
    ports = [free_port() for _ in range(4)]
    hub = Hub(
        data,
        f"http://127.0.0.1:{ports[0]}/",
        secrets.token_hex(16),
        f"http://127.0.0.1:{ports[3]}/",
    )
    hub.team("uc1", {"ada": "user", "cura": "notebooks"})
    hub.team("uc2", {"bob": "admin"})
    hub.team("old", {"eve": "admin"}, until="2024-12-31")
    (data / "catalog.json").write_text(
        json.dumps({"data": str(hub.places.data), "name": "Our Notebooks"})
    )
    environment = {
        "TEST_DATA": str(data),
        "TEST_URL": hub.url,
        "TEST_HUB_URL": f"http://127.0.0.1:{ports[1]}",
        "TEST_PROXY": str(proxy_command()),
        "TEST_PROXY_API": f"http://127.0.0.1:{ports[2]}",
        "TEST_SERVICE_URL": hub.service.rstrip("/"),
        "TEST_ADMIN_TOKEN": hub.admin,
        "PYTHONWARNINGS": "ignore",
    }
    with (data / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "hub_config.py")],
            env={**os.environ, **environment},
            cwd=data,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            token = {"Authorization": f"token {hub.admin}"}
            assert eventually(lambda: _member_wanted(hub, token), 60), hub.log()
            yield hub
        finally:
            hub.opened.close()
            process.send_signal(signal.SIGTERM)
            process.wait(40)


def _member_wanted(hub: Hub, headers: dict[str, str]) -> bool:
    """Whether the catalogue itself answers: to a service, that it wants a person."""
    try:
        answer = httpx.get(f"{hub.catalog}api/me", headers=headers)
        return bool(answer.json().get("code") == "not-a-person")
    except (httpx.HTTPError, ValueError):
        return False
