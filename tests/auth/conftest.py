"""Team files that read like a sentence, and a real hub behind the gate."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairihub_auth.link_store import LinkStore
from fairihub_core import clock
from tests.support.fake_github import FakeGitHub
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 60
"""Seconds: an answer may take as long as a busy machine makes it."""

HUB_CONFIG = """
import os
from pathlib import Path
from jupyterhub.proxy import Proxy
from fairihub.roles import custom_scopes
from fairihub_auth.handlers import Asked, handlers_for
from fairihub_auth.links import LinkAuthenticator
from fairihub_auth.publication import Publication
from fairihub_auth.register import Register
from fairihub_auth.sources import FolderSource
from fairihub_auth.store import AuthStore
from fairihub_auth.watch import TeamWatch
from fairihub_core.resolution import ClaimRules
from fairihub_core.scopes import SNAPSHOT
from fairihub_core.teams import Member

class NoProxy(Proxy):
    \"\"\"These tests talk to the hub itself.\"\"\"
    routes = {}
    should_start = False
    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}
    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)
    async def get_all_routes(self):
        return dict(self.routes)

data = Path(os.environ["TEST_DATA"])
publication = Publication()
register = Register(
    AuthStore.in_folder(data), publication.put, provider=os.environ["TEST_PROVIDER"],
    rules=ClaimRules(),
    operators=[Member(login=login) for login in os.environ["TEST_OPERATORS"].split()],
)
watch = TeamWatch([FolderSource(data / "teams")], register.teams_are, kept=data / "teams.json")
watch.start()

def record(entry):
    with (data / "audit.jsonl").open("a") as lines:
        lines.write(entry.model_dump_json() + "\\n")

c = get_config()
c.JupyterHub.hub_bind_url = "http://127.0.0.1:" + os.environ["TEST_PORT"]
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.db_url = f"sqlite:///{data}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(data / "cookie_secret")
c.JupyterHub.template_paths = [str(data / "templates")]
c.JupyterHub.authenticator_class = LinkAuthenticator
c.Gate.directory = lambda: publication.snapshot().directory
c.Gate.record = record
c.LinkAuthenticator.links_folder = str(data / "links")
c.JupyterHub.extra_handlers = handlers_for(
    publication, Asked(snapshot=lambda: publication.snapshot())
)
c.JupyterHub.custom_scopes = custom_scopes()
c.JupyterHub.services = [
    {"name": name, "api_token": os.environ["TEST_TOKEN_" + name.upper()]}
    for name in ("follower", "operator")
]
c.JupyterHub.load_roles = [
    {"name": "following", "scopes": [SNAPSHOT], "services": ["follower"]},
    {"name": "operating", "scopes": ["admin:users", "tokens", "admin:servers"],
     "services": ["operator"]},
]
exec(os.environ["TEST_MORE_CONFIG"])
"""

DENIAL_PAGE = """{% if exception.denial %}
denied {{ exception.denial.login }} {{ exception.denial.reason }} {{ exception.denial.number }}
{% for c in exception.denial.closed %}{{ c.team }} {{ c.closed_on }} ask {{ c.ask[0] }}{% endfor %}
{% else %}forbidden {{ message }}{% endif %}"""


Customer = Callable[..., str]


def customer_text(
    team: str, *logins: str, expires: str = "2099-12-31", bucket: str | None = None
) -> str:
    """A customer.yaml; the first of the logins is the team's admin."""
    inventory = f'  inventory: [{{expirationDate: "{expires}"}}]\n'
    profile = f"display_name=Small,mem_limit=2G{f',s3_bucket_name={bucket}' if bucket else ''}"
    members = "".join(
        f"  - userName: {login}\n    role: {'user' if n else 'admin'}\n"
        for n, login in enumerate(logins)
    )
    return (
        "apiVersion: hub.eox.at/v1alpha1\nkind: Customer\n"
        f"metadata:\n  name: {team}\nspec:\n  k8s-namespace: {team}\n{inventory}"
        f"  activations:\n  - data:\n      profile_small: {profile}\n"
        f"  allowedLogins:\n{members}"
    )


@pytest.fixture(name="customer", scope="session")
def _customer() -> Customer:
    return customer_text


class Browser(httpx.Client):
    """Somebody's browser: keeps cookies, follows no redirect unasked."""

    def xsrf(self) -> str:
        self.get("/hub/login")
        return self.cookies["_xsrf"]

    def open_link(self, token: str, query: str = "") -> httpx.Response:
        return self.post(f"/hub/login{query}", data={"link": token, "_xsrf": self.xsrf()})

    def by_github(self, query: str = "") -> httpx.Response:
        """Signs in as whoever GitHub takes this browser for; the answer to its coming back."""
        return self.get(self.to_github(query))

    def to_github(self, query: str = "") -> str:
        """Goes to GitHub and back; the address of the hub that GitHub sends the browser to."""
        there = self.get(f"/hub/oauth_login{query}")
        assert there.status_code == 302
        back = httpx.get(there.headers["location"])
        assert back.status_code == 302
        return str(back.headers["location"])

    def is_in(self) -> bool:
        return self.get("/hub/home").status_code == 200


class Hub:
    """A JupyterHub of its own process, its team files and its links.

    Args:
        more_config: further lines of its configuration.
    """

    def __init__(self, data: Path, provider: str = "links", more_config: str = "") -> None:
        self.data = data
        self.provider = provider
        self.more_config = more_config
        self.operators = ""
        self.environment: dict[str, str] = {}
        self.teams = data / "teams"
        self.links = LinkStore(data / "links")
        self.tokens = {name: secrets.token_hex(16) for name in ("follower", "operator")}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._browsers: list[Browser] = []

    def start(self) -> None:
        (self.data / "templates").mkdir(parents=True, exist_ok=True)
        (self.data / "templates" / "403.html").write_text(DENIAL_PAGE)
        config = self.data / "config.py"
        config.write_text(HUB_CONFIG)
        tokens = {f"TEST_TOKEN_{name.upper()}": token for name, token in self.tokens.items()}
        with (self.data / "hub.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                cwd=self.data,
                env={
                    **os.environ,
                    **tokens,
                    **self.environment,
                    "TEST_DATA": str(self.data),
                    "TEST_PORT": str(self.port),
                    "TEST_PROVIDER": self.provider,
                    "TEST_OPERATORS": self.operators,
                    "TEST_MORE_CONFIG": self.more_config,
                    "PYTHONPATH": str(ROOT),
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.eventually(self._answers, seconds=PATIENCE)

    def stop(self) -> None:
        for browser in self._browsers:
            browser.close()
        self.end()
        assert "Traceback" not in self.log()

    def end(self) -> None:
        """Ends the process; browsers keep their cookies for its next start."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(timeout=PATIENCE)

    def browser(self) -> Browser:
        self._browsers.append(Browser(base_url=self.url, timeout=PATIENCE))
        return self._browsers[-1]

    def signed_in(self, login: str) -> Browser:
        browser = self.browser()
        assert browser.open_link(self.link(login)).status_code == 302
        assert browser.is_in()
        return browser

    def link(self, login: str, hours: float = 1) -> str:
        return self.links.issue(login, timedelta(hours=hours), clock.now())

    def api(self, path: str, token: str | None, method: str = "GET", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"token {token}"} if token else {}
        asked = {"headers": headers, "timeout": PATIENCE, **more}
        return httpx.request(method, f"{self.url}/hub/api{path}", **asked)

    def user_token(self, login: str) -> str:
        answer = self.api(f"/users/{login}/tokens", self.tokens["operator"], "POST", json={})
        return str(answer.json()["token"])

    def snapshot(self, **query: int) -> httpx.Response:
        return self.api("/fairihub/snapshot", self.tokens["follower"], params=query, timeout=40)

    def audit(self) -> list[dict[str, Any]]:
        lines = (self.data / "audit.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def log(self) -> str:
        return (self.data / "hub.log").read_text()

    def eventually(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds} s\n{self.log()[-4000:]}"
            time.sleep(0.1)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log()
        try:
            return httpx.get(f"{self.url}/hub/health").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Team uc4 of ada (admin), bob and cleo; team old of eve, closed at the end of 2024."""
    hub = Hub(tmp_path_factory.mktemp("hub"))
    hub.teams.mkdir()
    (hub.teams / "uc4.yaml").write_text(customer_text("uc4", "ada", "bob", "cleo"))
    (hub.teams / "old.yaml").write_text(customer_text("old", "eve", expires="2024-12-31"))
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


GITHUB_CONFIG = """
from fairihub_auth.github import GitHubGate
c.JupyterHub.authenticator_class = GitHubGate
c.GitHubGate.admit = lambda identity: register.admit(identity)
c.GitHubGate.github_url = os.environ["TEST_GITHUB"]
c.GitHubGate.client_id = os.environ["TEST_CLIENT_ID"]
c.GitHubGate.client_secret = os.environ.pop("TEST_CLIENT_SECRET")
c.GitHubGate.oauth_callback_url = c.JupyterHub.hub_bind_url + "/hub/oauth_callback"
c.GitHubGate.provider_seconds = 1
"""


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    github = FakeGitHub()
    yield github
    github.close()


@pytest.fixture(scope="module")
def github_hub(
    github: FakeGitHub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Hub]]:
    """Starts a hub that signs people in by GitHub, with these team files by name."""
    hubs: list[Hub] = []

    def start(operators: str = "", **teams: str) -> Hub:
        hub = Hub(tmp_path_factory.mktemp("hub"), "github", GITHUB_CONFIG)
        hub.operators = operators
        hub.environment = {
            "TEST_GITHUB": github.url,
            "TEST_CLIENT_ID": github.client_id,
            "TEST_CLIENT_SECRET": github.client_secret,
        }
        hub.teams.mkdir()
        for name, text in teams.items():
            (hub.teams / f"{name}.yaml").write_text(text)
        hubs.append(hub)
        hub.start()
        return hub

    yield start
    for hub in hubs:
        hub.stop()
