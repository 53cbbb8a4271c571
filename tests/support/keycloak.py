"""A real Keycloak for tests: started once, its users moved, disabled and renamed by tests."""

from __future__ import annotations

import html
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.ports import free_port
from tests.support.waiting import eventually

REALM = "lab"
REALM_FILE = Path(__file__).parents[1] / "data" / "keycloak-realm.json"
CLIENT_ID = "fairihub"
CLIENT_SECRET = "secret-of-the-client-under-test"
FORM = re.compile(r'<form[^>]*id="kc-form-login"[^>]*action="([^"]+)"', re.DOTALL)
START_SECONDS = 120


def installed() -> Path:
    """Where `scripts/get-keycloak` has put Keycloak; the test is skipped if it has not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "fairihub" / "keycloak-26.4.5"
    if not home.is_dir():
        pytest.skip("no Keycloak: scripts/get-keycloak gets it")
    return home


class Keycloak:
    """One server with one realm, in a folder of its own; what is installed stays as it is."""

    def __init__(self, folder: Path) -> None:
        self._home = _own_home(folder, installed())
        self._log = folder / "keycloak.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"http://127.0.0.1:{self._port}"
        self.issuer = f"{self.address}/realms/{REALM}"
        self._http = httpx.Client(timeout=30)

    def start(self) -> None:
        """Returns once the realm answers."""
        command = [
            self._home / "bin" / "kc.sh", "start", "--optimized", f"-Dkc.home.dir={self._home}",
            "--cache=local", "--http-enabled=true", f"--hostname={self.address}",
            "--http-host=127.0.0.1", f"--http-port={self._port}",
            f"--http-management-port={free_port()}", "--import-realm",
        ]  # fmt: skip
        # Compiled once and not well: the server lives for minutes.
        java = {"JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **java}, start_new_session=True,
            )  # fmt: skip
        assert eventually(self._answers, START_SECONDS), self._log.read_text()[-4000:]

    def stop(self) -> None:
        """Its sessions and users are there again at the next start."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def close(self) -> None:
        self._http.close()
        self.stop()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-4000:]
        try:
            return self._http.get(f"{self.issuer}/.well-known/openid-configuration").is_success
        except httpx.TransportError:
            return False

    # --- what its administrators do ---

    def join(self, user: str, group: str) -> None:
        self._admin("PUT", f"/users/{self.id_of(user)}/groups/{self._group(group)}")

    def leave(self, user: str, group: str) -> None:
        self._admin("DELETE", f"/users/{self.id_of(user)}/groups/{self._group(group)}")

    def enable(self, user: str, *, enabled: bool = True) -> None:
        self._admin("PUT", f"/users/{self.id_of(user)}", json={"enabled": enabled})

    def sign_out(self, user: str) -> None:
        """Ends all sessions of `user`, as if they had signed out themselves."""
        for session in self._admin("GET", f"/users/{self.id_of(user)}/sessions").json():
            self._admin("DELETE", f"/sessions/{session['id']}")

    def rename(self, user: str, name: str) -> None:
        self._admin("PUT", f"/users/{self.id_of(user)}", json={"username": name})

    def id_of(self, user: str) -> str:
        """The subject that the tokens of `user` name."""
        found = self._admin("GET", "/users", params={"username": user, "exact": "true"}).json()
        return str(found[0]["id"])

    def _group(self, name: str) -> str:
        groups = self._admin("GET", "/groups").json()
        return next(str(group["id"]) for group in groups if group["name"] == name)

    def _admin(self, method: str, path: str, **more: Any) -> httpx.Response:
        keeper = {
            "grant_type": "password", "client_id": "admin-cli",
            "username": "keeper", "password": "keeper-pw",
        }  # fmt: skip
        token = self._http.post(f"{self.issuer}/protocol/openid-connect/token", data=keeper)
        token.raise_for_status()
        headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
        address = f"{self.address}/admin/realms/{REALM}{path}"
        answer = self._http.request(method, address, headers=headers, **more)
        answer.raise_for_status()
        return answer


def _own_home(folder: Path, source: Path) -> Path:
    """A Keycloak that shares all with `source` but its data."""
    home = folder / "home"
    home.mkdir(parents=True)
    for part in source.iterdir():
        if part.name not in ("data", "bin"):
            (home / part.name).symlink_to(part)
    # kc.sh looks for the rest beside itself, wherever a link leads.
    shutil.copytree(source / "bin", home / "bin", ignore=shutil.ignore_patterns("client"))
    shutil.copytree(source / "data", home / "data")
    (home / "data" / "import").mkdir()
    shutil.copy(REALM_FILE, home / "data" / "import" / f"{REALM}-realm.json")
    return home


def fill_in(
    browser: httpx.Client, page: httpx.Response, user: str, password: str | None = None
) -> httpx.Response:
    """Posts Keycloak's form as `user` does, by default with the password of the realm file.

    Keycloak marks its cookies Secure on loopback too, which browsers send there all the same and
    Python's cookie jar does not.
    """
    for cookie in browser.cookies.jar:
        cookie.secure = False
    form = FORM.search(page.text)
    assert form is not None, page.text[:2000]
    fields = {"username": user, "password": password or f"{user}-pw", "credentialId": ""}
    return browser.post(html.unescape(form.group(1)), data=fields)
