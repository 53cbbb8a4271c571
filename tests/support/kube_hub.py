"""A real hub beside a cluster, spoken to by REST as its operator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fairihub.node import proxy_command
from fairihub_core.teams import Team, TeamDirectory
from tests.support.ports import free_port
from tests.support.waiting import eventually

TOKEN = "only-for-these-tests"
CONFIG = Path(__file__).with_name("kube_hub_config.py")


@dataclass
class KubeHub:
    """A hub; `host` is how pods reach this machine, `cluster` what KubeSettings say.

    With `plain` its servers are those of KubeSpawner itself, with these traits; `traits` are told
    to our own. `containers` says by the slug of a profile what the container of its servers is
    given in place of its own. Another `config` loads that of the tests, and adds what
    `environment` tells it.
    """

    folder: Path
    host: str
    kubeconfig: Path
    cluster: dict[str, Any] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    traits: dict[str, Any] = field(default_factory=dict)
    config: Path = CONFIG
    environment: dict[str, str] = field(default_factory=dict)
    patience: float = 30
    """Seconds for which the hub asks again while the API is away."""
    gone: float = 120
    """Seconds for which the hub waits until a pod that it has deleted is gone."""
    young: float = 120
    """Seconds for which nothing that the hub made counts as left over."""
    process: subprocess.Popen[bytes] | None = None
    _tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.address = f"http://{self.host}:{free_port()}"
        self._hub = f"http://{self.host}:{free_port()}"
        self._proxy = f"http://127.0.0.1:{free_port()}"
        self.teams_are()

    @property
    def log(self) -> Path:
        return self.folder / "hub.log"

    @property
    def recorded(self) -> list[dict[str, Any]]:
        """The entries of the audit log."""
        kept = self.folder / "audit.jsonl"
        return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []

    def teams_are(self, *teams: Team, operators: Collection[str] = ()) -> None:
        told = TeamDirectory(teams=teams, operators=frozenset(operators))
        (self.folder / "teams.json").write_text(told.model_dump_json())

    def run(self) -> None:
        """Starts the hub and waits until it answers."""
        told = {
            "address": self.address,
            "hub": self._hub,
            "proxy_api": self._proxy,
            "proxy": proxy_command(print),
            "teams": str(self.folder / "teams.json"),
            "token": TOKEN,
            "cluster": {"reach": self.host, "image": "localhost/base:1", **self.cluster},
            "plain": self.plain,
            "containers": self.containers,
            "traits": self.traits,
            "patience": self.patience,
            "gone": self.gone,
            "young": self.young,
        }
        environment = {"KUBE_HUB": json.dumps(told), "KUBECONFIG": str(self.kubeconfig)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "--log-level=INFO", "-f", str(self.config)],
                cwd=self.folder,
                env={**os.environ, **environment, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert eventually(self._answers, 60), self.log.read_text()[-4000:]

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(60)

    def call(
        self, method: str, path: str, body: Any = None, login: str | None = None
    ) -> tuple[int, Any]:
        """The hub's answer to the operator's service, or to a person."""
        token = TOKEN if login is None else self._token(login)
        request = urllib.request.Request(
            self.address + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"token {token}"},
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

    def start(self, login: str, profile: str | None = None) -> tuple[int, Any]:
        """Asks for a server; the answer of the hub."""
        return self.start_with(login, {} if profile is None else {"profile": profile})

    def start_with(self, login: str, options: dict[str, Any]) -> tuple[int, Any]:
        """The same with any options."""
        self.call("POST", _of(login))
        return self.call("POST", f"{_of(login)}/server", {"user_options": options})

    def started(self, login: str, profile: str | None = None) -> dict[str, Any]:
        """Starts a server and waits until it answers."""
        status, answer = self.start(login, profile)
        assert status in (201, 202), answer
        assert eventually(lambda: self._is_decided(login), 90), self.tail()
        server = self.server(login)
        assert server is not None, self.tail()
        return server

    def server(self, login: str) -> dict[str, Any] | None:
        _, user = self.call("GET", f"{_of(login)}?include_stopped_servers=0")
        return dict(user["servers"][""]) if user.get("servers") else None

    def stop(self, login: str) -> None:
        status, answer = self.call("DELETE", f"{_of(login)}/server")
        assert status in (202, 204), answer
        assert eventually(lambda: self.server(login) is None, 60), self.tail()

    def _token(self, login: str) -> str:
        if login not in self._tokens:
            self.call("POST", _of(login))
            made = self.call("POST", f"{_of(login)}/tokens", {"note": "of the tests"})
            self._tokens[login] = made[1]["token"]
        return self._tokens[login]

    def last_start(self, login: str) -> dict[str, Any] | None:
        """What became of the last start, as the member is told; None if nothing is known."""
        path = f"/hub/api/fairihub/starts/{quote(login, safe='')}"
        status, told = self.call("GET", path, login=login)
        return dict(told) if status == 200 else None

    def progress(self, login: str) -> Iterator[dict[str, Any]]:
        """The events of a start that is under way, until it is over; none if there is none."""
        url = f"{self.address}{_of(login)}/server/progress"
        request = urllib.request.Request(url, headers={"Authorization": f"token {TOKEN}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                for line in answer:
                    if line.startswith(b"data:"):
                        yield json.loads(line.removeprefix(b"data:"))
        except urllib.error.HTTPError:
            return

    def tail(self) -> str:
        return self.log.read_text()[-6000:]

    def _is_decided(self, login: str) -> bool:
        """Whether a start has come to its end, a good one or not."""
        server = self.server(login)
        return server is None or bool(server["ready"])

    def _answers(self) -> bool:
        try:
            return self.call("GET", "/hub/api/")[0] == 200
        except OSError:
            return False


def _of(login: str) -> str:
    return f"/hub/api/users/{quote(login, safe='')}"
