"""A hub that answers services as a test says: in order, late, with nonsense, or not at all.

Only for what a real hub cannot be made to do; everything else is tried on a real one.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from fairihub_core import clock
from fairihub_core.scopes import MEMBER_SCOPES
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import Member, Team, TeamDirectory
from tests.support.ports import free_port
from tests.support.waiting import eventually

_START = """
import sys
import fairihub_core.follow
fairihub_core.follow.STALE_AFTER = float(sys.argv[2])
import importlib
import fairihub_core.callers
fairihub_core.callers._HUB_SECONDS = 1.0
importlib.import_module(sys.argv[1].partition(".")[0] + ".__main__").main()
"""
Answer = tuple[int, bytes]


def members(*logins: str, team: str = "uc1") -> TeamDirectory:
    """One team of these."""
    listed = tuple(Member(login=login) for login in logins)
    return TeamDirectory(teams=(Team(name=team, namespace=team, members=listed),))


@dataclass
class StandInHub:
    """What the hub says. `user` and `follow` can be replaced while it runs."""

    directory: TeamDirectory
    number: int = 1
    silent: bool = False
    """Whether services hear nothing of teams any more."""
    user: Callable[[str], Answer] | None = None
    """The answer to a token, in place of the right one."""
    asked: list[str] = field(default_factory=list)
    """The tokens that were asked about."""
    told: list[dict[str, Any]] = field(default_factory=list)
    """What services reported for the audit log."""

    def publish(self, directory: TeamDirectory) -> None:
        self.directory, self.number = directory, self.number + 1

    def user_of(self, token: str) -> Answer:
        """A token is the name of its owner, and holds what members hold."""
        self.asked.append(token)
        if self.user is not None:
            return self.user(token)
        scopes = ["access:services", *MEMBER_SCOPES]
        model = {"name": token, "kind": "user", "scopes": scopes, "groups": []}
        return (200, json.dumps(model).encode())

    def snapshot_after(self, number: int) -> Answer:
        if number >= self.number:
            threading.Event().wait(0.1)
            return (304, b"")
        taken = Snapshot(number=self.number, taken=clock.now(), directory=self.directory)
        return (200, taken.model_dump_json().encode())


def _handler(hub: StandInHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/hub/api/user":
                self._answer(*hub.user_of(self.headers["Authorization"].split()[-1]))
            elif address.path.endswith("/snapshot") and not hub.silent:
                self._answer(*hub.snapshot_after(int(parse_qs(address.query)["after"][0])))
            else:
                self._answer(503, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hub.told += json.loads(body)["entries"]
            self._answer(200, b"{}")

        def _answer(self, status: int, body: bytes) -> None:
            with contextlib.suppress(OSError):  # who asked may be gone by now
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """The tests say enough."""

    return Handler


@contextlib.contextmanager
def service_of(
    hub: StandInHub, name: str, module: str, data: Path, stale_after: float = 60.0
) -> Iterator[httpx.Client]:
    """The service `name` as a process whose hub is `hub`; a client of its address."""
    data.mkdir(exist_ok=True)
    (data / "service.json").write_text(json.dumps({"data": str(data)}))
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{free_port()}"
        environment = {
            **os.environ,
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{server.server_port}/hub/api",
            "JUPYTERHUB_API_TOKEN": "of-the-service",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": f"service-{name}",
            "JUPYTERHUB_SERVICE_NAME": name,
            "JUPYTERHUB_SERVICE_PREFIX": f"/services/{name}/",
            "JUPYTERHUB_SERVICE_URL": address,
            "FAIRIHUB_SERVICE": str(data / "service.json"),
            "PYTHONWARNINGS": "ignore",
        }
        command = [sys.executable, "-c", _START, module, str(stale_after)]
        with (
            (data / "service.log").open("wb") as log,
            subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
            httpx.Client(base_url=f"{address}/services/{name}/", timeout=30) as client,
        ):
            try:
                up = eventually(lambda: _answers(client), 60)
                assert up, (data / "service.log").read_text()[-4000:]
                yield client
            finally:
                process.terminate()
                process.wait(30)
                server.shutdown()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("nothing").status_code == 401
    except httpx.TransportError:
        return False
