"""A real hub with the catalogue as its service, and what its members do with it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.support.plain_hub import PlainHub
from tests.support.waiting import eventually


class Hub(PlainHub):
    """A JupyterHub with its proxy and the catalogue."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Path(__file__).with_name("hub_config.py"))
        self.opened = contextlib.ExitStack()

    @property
    def catalog(self) -> str:
        return f"{self.url}services/catalog/"

    def client(
        self, login: str | None, scheme: str = "token", scopes: list[str] | None = None
    ) -> httpx.Client:
        """A script of `login`; of nobody without one. Its token is limited if scopes are named."""
        headers = {"Authorization": f"{scheme} {self.token(login, scopes)}"} if login else {}
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
                and str(self.folder).encode() in (process / "environ").read_bytes()
            )
        except OSError:
            return False

    def log(self) -> str:
        return (self.folder / "hub.log").read_text(errors="replace")[-6000:]


def _ready(user: dict[str, Any]) -> bool:
    return bool(user["servers"].get("", {}).get("ready"))


@contextlib.contextmanager
def running_hub(data: Path) -> Iterator[Hub]:
    """The hub, until the block ends."""
    hub = Hub(data)
    hub.team("uc1", "ada", curators=("cura",))
    hub.team("uc2", admins=("bob",))
    hub.team("old", admins=("eve",), until="2024-12-31")
    told = {"data": str(hub.places.data), "name": "Our Notebooks"}
    (data / "catalog.json").write_text(json.dumps(told))
    hub.begin()
    try:
        token = {"Authorization": f"token {hub.admin}"}
        assert eventually(lambda: _member_wanted(hub, token), 60), hub.log()
        yield hub
    finally:
        hub.opened.close()
        hub.stop()


def _member_wanted(hub: Hub, headers: dict[str, str]) -> bool:
    """Whether the catalogue itself answers: to a service, that it wants a person."""
    try:
        answer = httpx.get(f"{hub.catalog}api/me", headers=headers)
        return bool(answer.json().get("code") == "not-a-person")
    except (httpx.HTTPError, ValueError):
        return False
