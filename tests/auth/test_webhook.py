"""Git servers that say there is news: who is believed, and what it hastens."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairihub_auth.webhook import MAX_BYTES, is_signed
from tests.auth.conftest import Hub, customer_text
from tests.support.git_origin import GitServer, Origin
from tests.support.ports import free_port
from tests.support.proxy import proxy_command
from tests.support.waiting import eventually

SECRET = "canary-webhook-secret-ü"
BODY = b'{"ref": "refs/heads/main"}'

CONFIG = """
from fairihub_auth.git_source import GitSource
from fairihub_auth.intake import bound_requests
from fairihub_auth.webhook import webhook_handlers

def names(teams, files):
    (data / "central.json").write_text(json.dumps([t.name for t in teams]))

import json
central = TeamWatch([GitSource(os.environ["TEST_GIT"], name="central", cache=data / "cache",
                               interval_seconds=3600)], names)
central.start()
c.Gate.begun = bound_requests
c.JupyterHub.extra_handlers += webhook_handlers(os.environ["TEST_WEBHOOK_SECRET"], central.poke)
"""


def signature(body: bytes = BODY, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("headers", "believed"),
    [
        ({"X-Hub-Signature-256": f"sha256={signature()}"}, True),
        ({"X-Gitea-Signature": signature()}, True),
        ({"X-Forgejo-Signature": signature()}, True),
        ({"X-Gitlab-Token": SECRET.encode().decode("latin-1")}, True),
        ({"X-Gitea-Signature": signature(), "X-Hub-Signature-256": "sha256=0"}, True),
        ({}, False),
        ({"X-Hub-Signature-256": signature()}, False),
        ({"X-Hub-Signature-256": "sha256="}, False),
        ({"X-Hub-Signature-256": f"sha1={signature()}"}, False),
        ({"X-Hub-Signature-256": f"sha256={signature(b'other')}"}, False),
        ({"X-Hub-Signature-256": f"sha256={signature(secret='other')}"}, False),
        ({"X-Hub-Signature-256": "sha256=ü\udcff"}, False),
        ({"X-Gitea-Signature": f"sha256={signature()}"}, False),
        ({"X-Gitea-Signature": SECRET}, False),
        ({"X-Gitlab-Token": ""}, False),
        ({"X-Gitlab-Token": signature()}, False),
        ({"X-Gitlab-Token": SECRET.encode().decode("latin-1")[:-1]}, False),
    ],
)
def test_who_is_believed(headers: dict[str, str], believed: bool) -> None:
    assert is_signed(headers, BODY, SECRET) == believed
    nothing = {"X-Gitlab-Token": "", "X-Gitea-Signature": signature(secret="")}
    assert not is_signed(nothing, BODY, ""), "no secret is no secret that fits"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    origin = Origin(tmp_path_factory.mktemp("origin") / "teams.git")
    origin.commit({"uc4.yaml": customer_text("uc4", "ada")})
    return origin


@pytest.fixture(scope="module")
def server(origin: Origin) -> Iterator[GitServer]:
    server = GitServer(origin.path.parent)
    yield server
    server.close()


def started(data: Path, git: str, secret: str) -> Hub:
    hub = Hub(data, more_config=CONFIG)
    hub.teams.mkdir(parents=True)
    hub.environment |= {"TEST_GIT": git, "TEST_WEBHOOK_SECRET": secret}
    hub.start()
    return hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, server: GitServer) -> Iterator[Hub]:
    hub = started(tmp_path_factory.mktemp("hub"), f"{server.url}/teams.git", SECRET)
    try:
        yield hub
    finally:
        hub.stop()
        assert "canary" not in hub.log()


def sent(hub: Hub, name: str = "central", body: Any = BODY, **headers: str) -> httpx.Response:
    url = f"{hub.url}/hub/api/fairihub/webhook/{name}"
    named = {key.replace("_", "-"): value.encode() for key, value in headers.items()}
    return httpx.post(url, content=body, headers=named, timeout=30)


def test_a_signed_word_brings_a_commit_at_once(hub: Hub, origin: Origin) -> None:
    teams = hub.data / "central.json"
    assert json.loads(teams.read_text()) == ["uc4"]
    origin.commit({"new.yaml": customer_text("new", "eve")})
    answer = sent(hub, X_Hub_Signature_256=f"sha256={signature()}")
    assert (answer.status_code, answer.json()) == (202, {"source": "central"})
    assert eventually(lambda: json.loads(teams.read_text()) == ["new", "uc4"], seconds=5)


def test_many_words_are_few_fetches(hub: Hub, server: GitServer) -> None:
    before, began = len(server.seen), time.monotonic()
    for _ in range(50):
        assert sent(hub, X_Gitlab_Token=SECRET).status_code == 202
    assert eventually(lambda: len(server.seen) > before)
    took = time.monotonic() - began
    assert sum("info/refs" in path for path in server.seen[before:]) <= 2 + took


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Hub_Signature_256": f"sha256={signature(secret='wrong')}"},
        {"X_Gitlab_Token": "wrong"},
        {"Cookie": "_xsrf=x; jupyterhub-hub-login=x"},
        {"Origin": "https://evil.example", "Sec_Fetch_Mode": "no-cors"},
    ],
)
def test_whoever_is_not_signed_learns_nothing(headers: dict[str, str], hub: Hub) -> None:
    known, unknown = sent(hub, "central", **headers), sent(hub, "nowhere", **headers)
    assert (known.status_code, known.json()["code"]) == (401, "not-signed")
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content)


def test_neither_a_session_nor_a_token_of_the_hub_is_a_signature(hub: Hub) -> None:
    (hub.teams / "uc4.yaml").write_text(customer_text("uc4", "ada"))
    hub.eventually(lambda: "uc4" in hub.snapshot().text)
    ada = hub.signed_in("ada")
    path, headers = "/hub/api/fairihub/webhook/central", {"X-XSRFToken": ada.xsrf()}
    assert ada.post(path, content=BODY, headers=headers).status_code == 401
    token = {"Authorization": f"token {hub.tokens['operator']}"}
    assert httpx.post(hub.url + path, headers=token).status_code == 401
    assert ada.get(path, headers=headers).status_code == 405


def test_whoever_knows_the_secret_is_told_that_a_name_is_wrong(hub: Hub) -> None:
    answer = sent(hub, "no%0Awhere", X_Gitlab_Token=SECRET)
    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-source")
    assert "\n" not in answer.json()["message"]


def in_pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536):
        yield b"x" * 65536


@pytest.mark.parametrize("body", [b"x" * (MAX_BYTES + 1), in_pieces(3 * MAX_BYTES)])
def test_a_long_body_is_refused(body: Any, hub: Hub) -> None:
    answer = sent(hub, body=body, X_Gitlab_Token=SECRET)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


@pytest.fixture
def proxied(hub: Hub) -> Iterator[str]:
    """The address of the hub behind its proxy, by which git servers know it."""
    port, admin_port = free_port(), free_port()
    command = [
        proxy_command(), f"--port={port}", f"--api-port={admin_port}", "--ip=127.0.0.1",
        f"--default-target={hub.url}", "--log-level=error",
    ]  # fmt: skip
    with subprocess.Popen(command) as proxy:
        try:
            assert eventually(lambda: answers(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            proxy.terminate()


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 2 * MAX_BYTES, 2 * MAX_BYTES + 1])
def test_the_proxy_passes_on_that_a_body_is_too_long(size: int, proxied: str) -> None:
    url = f"{proxied}/hub/api/fairihub/webhook/central"
    answer = httpx.post(url, content=b"x" * size, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_a_body_up_to_the_limit_is_taken(hub: Hub) -> None:
    body = b"x" * MAX_BYTES
    assert sent(hub, body=body, X_Gitea_Signature=signature(body)).status_code == 202


def test_a_body_that_never_comes_is_refused_by_what_it_says_of_its_length(hub: Hub) -> None:
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as line:
        line.sendall(
            b"POST /hub/api/fairihub/webhook/central HTTP/1.1\r\nHost: hub\r\n"
            b"Content-Length: 90000000\r\n\r\nx"
        )
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_method_that_is_not_known_costs_no_connection(hub: Hub) -> None:
    path = "/hub/api/fairihub/webhook/central"
    line = HTTPConnection("127.0.0.1", hub.port, timeout=10)
    line.connect()
    line.auto_open = 0
    for method in ("PROPFIND", "POST"):
        line.request(method, path)
        answer = line.getresponse()
        answer.read()
        assert answer.status in (401, 405)
    line.close()


def test_without_a_secret_there_is_no_such_address(tmp_path: Path, origin: Origin) -> None:
    hub = started(tmp_path / "hub", str(origin.path), "")
    try:
        for headers in ({}, {"X_Gitlab_Token": ""}, {"X_Gitea_Signature": signature(secret="")}):
            answer = sent(hub, **headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "no-such-address")
        assert sent(hub, body=b"x" * (MAX_BYTES + 1)).status_code == 404
    finally:
        hub.stop()


def test_the_secret_is_in_no_log(hub: Hub, customer: Callable[..., str]) -> None:
    sent(hub, X_Gitlab_Token=SECRET)
    assert "webhook/central" in hub.log()
    assert "canary" not in hub.log()
