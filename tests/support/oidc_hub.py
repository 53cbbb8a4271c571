"""A real hub whose people sign in by OpenID Connect, with one team that allows claims."""

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

from fairihub_core.snapshot import Snapshot
from tests.support.ports import free_port
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("oidc_hub_config.py")
RULES = {
    "rights_from": "both",
    "grants": {
        "uc4-members": [{"team": "uc4"}],
        "uc4-curators": [{"team": "uc4", "rights": ["notebooks"]}],
    },
}
TEAM = """\
apiVersion: hub.eox.at/v1alpha1
kind: Customer
metadata:
  name: uc4
spec:
  k8s-namespace: uc4
  allowClaims: true
  inventory: [{expirationDate: "2099-12-31"}]
  activations:
  - data:
      profile_small: display_name=Small,mem_limit=2G
  allowedLogins:
  - userName: ada
    role: admin
"""


class Browser(httpx.Client):
    """Somebody's browser: keeps cookies, follows redirects."""

    def is_in(self) -> bool:
        return self.get("/hub/home", follow_redirects=False).status_code == 200


class OidcHub:
    """Team uc4 lists ada, its admin, and takes in whom the provider puts into its groups."""

    def __init__(self, data: Path, issuer: str, client: tuple[str, str], **told: Any) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{free_port()}"
        self._token = secrets.token_hex(16)
        self._told = {
            "data": str(data), "url": self.url, "issuer": issuer, "client_id": client[0],
            "client_secret": client[1], "rules": RULES, "refresh_minutes": 1 / 60,
            "provider_seconds": 10, "scope": ["openid", "profile"],
            "token": self._token, "crypt_key": secrets.token_hex(32), **told,
        }  # fmt: skip
        self._browsers: list[Browser] = []
        (data / "teams").mkdir(parents=True)
        (data / "teams" / "uc4.yaml").write_text(TEAM)
        (data / "templates").mkdir()
        (data / "templates" / "logout.html").write_text("<a>{{ provider_sign_out }}</a>")
        (data / "templates" / "login.html").write_text("{{ login_error }}")

    def start(self) -> None:
        with (self.data / "hub.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG)], cwd=self.data,
                env={**os.environ, "TEST_OIDC": json.dumps(self._told), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        assert eventually(self._answers, 60), self.log()[-4000:]

    def stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(timeout=20)

    def moves_to(self, issuer: str) -> None:
        """The hub as it starts with another provider, which knows it as the same client."""
        self.stop()
        self._told["issuer"] = issuer
        self.start()

    def close(self) -> None:
        for browser in self._browsers:
            browser.close()
        self.stop()

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log()[-4000:]
        try:
            return httpx.get(f"{self.url}/hub/health").is_success
        except httpx.TransportError:
            return False

    def browser(self) -> Browser:
        self._browsers.append(Browser(base_url=self.url, timeout=30, follow_redirects=True))
        return self._browsers[-1]

    def user(self, name: str) -> dict[str, Any]:
        """What the hub itself knows of somebody, with the auth state that it keeps."""
        headers = {"Authorization": f"token {self._token}"}
        answer = httpx.get(f"{self.url}/hub/api/users/{name}", headers=headers)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def log(self) -> str:
        return (self.data / "hub.log").read_text(errors="replace")

    def told_claims(self, name: str) -> list[list[str]]:
        """What the register was told of somebody's claims since the hub was made, in order."""
        return [claims for who, claims in self._lines("claims.jsonl") if who == name]

    def members(self) -> dict[str, list[str]]:
        """The members of the team with their rights, as the hub has published them."""
        snapshot = Snapshot.model_validate_json((self.data / "snapshot.json").read_text())
        team = snapshot.directory.team("uc4")
        assert team is not None
        return {member.login: sorted(member.rights) for member in team.members}

    def audit(self, login: str) -> list[dict[str, Any]]:
        return [entry for entry in self._lines("audit.jsonl") if entry["login"] == login]

    def _lines(self, name: str) -> list[Any]:
        path = self.data / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
