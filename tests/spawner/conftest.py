"""Teams in a few words, and a real hub with its proxy, for the tests of what servers are given."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest

from fairihub.node import proxy_command
from fairihub_core.places import Places
from fairihub_core.teams import Member, Profile, Team, TeamDirectory
from tests.support.ports import free_port
from tests.support.waiting import eventually

TOKEN = "only-for-these-tests"


def team(name: str, members: str = "ada", expires: str | None = None, **profiles: Any) -> Team:
    """A team; each profile is given by its slug and what is special about it."""
    return Team(
        name=name,
        namespace=name,
        expires=date.fromisoformat(expires) if expires else None,
        members=tuple(
            Member(login=m, role="user" if n else "admin") for n, m in enumerate(members.split())
        ),
        profiles=tuple(
            Profile(slug=slug, display_name=slug.title(), **special)
            for slug, special in profiles.items()
        ),
    )


@pytest.fixture
def places(tmp_path: Path) -> Places:
    # A space: the paths of real machines have some.
    return Places(tmp_path / "da ta")


@dataclass
class Hub:
    """A running hub, spoken to by REST as its operator."""

    address: str
    places: Places
    teams: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def teams_are(self, *teams: Team) -> None:
        self.teams.write_text(TeamDirectory(teams=teams).model_dump_json())

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.address + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"token {TOKEN}", **headers},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def start(self, login: str, options: Any = None) -> tuple[int, Any]:
        self.call("POST", f"/hub/api/users/{login}")
        return self.call("POST", f"/hub/api/users/{login}/server", options)

    def started(self, login: str, options: Any = None) -> dict[str, Any]:
        """Starts a server and waits until it answers."""
        status, answer = self.start(login, options)
        assert status in (201, 202), answer

        def server() -> Any:
            found = self.server(login)
            return found if found and found["ready"] else None

        found = eventually(server, 60)
        assert found, self.log.read_text()[-4000:]
        return dict(found)

    def server(self, login: str) -> dict[str, Any] | None:
        _, user = self.call("GET", f"/hub/api/users/{login}?include_stopped_servers=0")
        return dict(user["servers"][""]) if user.get("servers") else None

    def stop(self, login: str) -> None:
        status, _ = self.call("DELETE", f"/hub/api/users/{login}/server")
        assert status in (202, 204)
        assert eventually(lambda: self.server(login) is None)

    def run(self) -> None:
        """Starts the hub itself."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterhub", "--log-level=INFO"),
                    *("-f", str(Path(__file__).with_name("hub_config.py"))),
                ],
                cwd=self.places.data,
                env={**os.environ, "SPAWNER_TEST": json.dumps(self.told), "HUB_SECRET": "canary"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert eventually(self._answers, 60), self.log.read_text()[-4000:]

    def end(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(60)

    def proxies(self) -> list[psutil.Process]:
        """Its proxy, which outlives a hub that is killed."""
        return [
            p
            for p in psutil.process_iter()
            if str(self.proxy_port) in " ".join(command_of(p)) and p.pid != os.getpid()
        ]

    @property
    def told(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "data": str(self.places.data),
            "teams": str(self.teams),
            "token": TOKEN,
            "hub_port": self.hub_port,
            "proxy_port": self.proxy_port,
            "proxy": proxy_command(print),
        }

    hub_port: int = 0
    proxy_port: int = 0

    def _answers(self) -> bool:
        try:
            return self.call("GET", "/hub/api/")[0] == 200
        except OSError:
            return False


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub of its own for the tests of one file."""
    places = Places(tmp_path_factory.mktemp("hub") / "da {ta}")
    places.data.mkdir()
    hub = Hub(
        f"http://127.0.0.1:{free_port()}",
        places,
        places.data / "teams.json",
        places.data / "hub.log",
        hub_port=free_port(),
        proxy_port=free_port(),
    )
    hub.teams_are()
    hub.run()
    yield hub
    hub.end()
