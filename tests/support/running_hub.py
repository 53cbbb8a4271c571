"""A real hub for system and browser tests: `fairihub up` as a process, and what its users do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from fairihub import datafolder
from fairihub.team_files import read_teams
from tests.support.ports import free_port

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
START_SECONDS = 120
STOP_SECONDS = 40

T = TypeVar("T")


def fairihub(*arguments: str | Path) -> list[str]:
    """The command line, as the very environment that runs the tests has it."""
    return [sys.executable, "-m", "fairihub", *map(str, arguments)]


def until(ask: Callable[[], T], what: str, seconds: float = 30, every: float = 0.2) -> T:
    """The first answer of `ask` that is true; an AssertionError that says what never came."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}; last was {answer!r}"
        time.sleep(every)


class RunningHub:
    """A hub with copies of the example teams, notebooks and secrets, in folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.teams = folder / "teams"
        self.data = folder / "data"
        self.links_file = folder / "links.json"
        self.output = folder / "up.log"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.links: dict[str, str] = {}
        self.settings = folder / "fairihub.yaml"
        self.environment: dict[str, str] = {}
        """Variables beside those of the tests."""
        self.folder = folder
        """Where it is started; relative paths count from there."""
        self._process: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}
        self._clients: list[httpx.Client] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.settings.write_text("contact: help@example.org\n")
        shutil.copytree(EXAMPLES / "teams", self.teams)
        self._bring_examples()

    def _bring_examples(self) -> None:
        places = datafolder.opened(self.data)
        teams = read_teams(self.teams).teams
        datafolder.seed_library(places, EXAMPLES / "notebooks", [t.name for t in teams])
        named = [(t.namespace, name) for t in teams for p in t.profiles for name in p.secret_names]
        datafolder.seed_secrets(places, named)

    # --- the process ---

    def start(self) -> None:
        """Starts it and waits until it has written the sign-in links, which it does last."""
        self.links_file.unlink(missing_ok=True)
        command = fairihub(
            "up", "--teams", self.teams, "--data", self.data, "--port", str(self.port),
            "--links", self.links_file, "--settings", self.settings.name, "--no-open",
        )  # fmt: skip
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder,
                start_new_session=True, env={**os.environ, **self.environment},
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self.links_file.is_file():
            ended = self._process.poll()
            assert ended is None, f"fairihub up ended with {ended}:\n{self.log_tail()}"
            assert time.monotonic() < deadline, f"fairihub up is not ready:\n{self.log_tail()}"
            time.sleep(0.1)
        self.links = json.loads(self.links_file.read_text())

    def stop(self, by: signal.Signals = signal.SIGINT) -> int:
        """Ends it as Ctrl-C does; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(by)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"fairihub up did not end:\n{self.log_tail()}") from None

    def close(self) -> None:
        """Ends it for good, with all clients."""
        for client in self._clients:
            client.close()
        self.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        hub_log = self.data / "hub" / "hub.log"
        return hub_log.read_text(errors="replace") if hub_log.is_file() else ""

    def log_tail(self) -> str:
        said = self.output.read_text(errors="replace") if self.output.is_file() else ""
        return f"{said[-2000:]}\n--- hub.log ---\n{self.log()[-6000:]}"

    # --- the command line beside it ---

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            fairihub(*arguments), capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
        )

    def new_link(self, login: str) -> str:
        made = self.run("link", login, "--data", str(self.data))
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def token(self, login: str) -> str:
        """An API token, made once per login."""
        if login not in self._tokens:
            made = self.run("token", login, "--data", str(self.data))
            assert made.returncode == 0, made.stderr
            self._tokens[login] = made.stdout.strip()
        return self._tokens[login]

    def forget_token(self, login: str) -> None:
        """Of somebody who was out meanwhile: their tokens are revoked, and stay so."""
        self._tokens.pop(login, None)

    # --- what people and their scripts do ---

    def client(self, **options: Any) -> httpx.Client:
        """A browser without a screen: cookies, redirects, nobody signed in. Closed with the hub."""
        wanted = {"base_url": self.address, "timeout": 30, "follow_redirects": True, **options}
        client = httpx.Client(**wanted)
        self._clients.append(client)
        return client

    def sign_in(self, login: str, link: str | None = None) -> httpx.Client:
        """A client that came in by link, as the sign-in page's script does it."""
        client = self.client()
        answer = self.open_link(client, link or self.new_link(login))
        assert answer.status_code == 200, answer.text[:2000]
        return client

    def open_link(self, client: httpx.Client, link: str) -> httpx.Response:
        """What the sign-in page makes of a link: its token is posted with the page's `_xsrf`."""
        token = urlsplit(link).fragment.removeprefix("link=")
        client.get("/hub/login")
        form = {"link": token, "_xsrf": xsrf_of(client, "/hub/")}
        return client.post("/hub/login", data=form)

    def api(self, login: str, scheme: str = "Bearer") -> httpx.Client:
        """A script of `login`, with a token."""
        headers = {"Authorization": f"{scheme} {self.token(login)}"}
        return self.client(headers=headers, follow_redirects=False)

    def start_server(self, login: str, profile: str) -> httpx.Client:
        """A running server of that profile, whatever ran before; the member's script client."""
        api = self.api(login)
        self.stop_server(login)
        answer = api.post(
            f"/hub/api/users/{login}/server", json={"user_options": {"profile": profile}}
        )
        assert answer.status_code in (201, 202), f"{answer.text}\n{self.log_tail()}"
        until(lambda: self.server(login).get("ready"), f"the server of {login}", 60)
        return api

    def stop_server(self, login: str) -> None:
        answer = self.api(login).delete(f"/hub/api/users/{login}/server")
        assert answer.status_code in (202, 204, 400, 404), answer.text
        until(lambda: not self.server(login), f"{login} without a server", 40)

    def server(self, login: str) -> dict[str, Any]:
        """What the hub says of the member's server; nothing if there is none."""
        user = self.api(login).get(f"/hub/api/users/{login}").json()
        found: dict[str, Any] = user.get("servers", {}).get("", {})
        return found

    # --- the team files ---

    @contextlib.contextmanager
    def edited(self, team: str, text: str | None) -> Iterator[None]:
        """The team's file with another content, or none, for as long as the block runs."""
        path = self.teams / f"{team}.yaml"
        before = path.read_text() if path.is_file() else None
        _put(path, text)
        try:
            yield
        finally:
            _put(path, before)


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
    else:
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)


def xsrf_of(client: httpx.Client, path: str) -> str:
    """The `_xsrf` cookie that counts for `path`: the one set for the longest part of it."""
    fitting = [c for c in client.cookies.jar if c.name == "_xsrf" and path.startswith(c.path)]
    assert fitting, f"no _xsrf cookie for {path}"
    return max(fitting, key=lambda c: len(c.path)).value or ""
