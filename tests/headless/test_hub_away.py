"""Both services while the hub is late, talks nonsense, or says nothing of teams."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.standin_hub import Answer, StandInHub, members, service_of
from tests.support.waiting import eventually

SERVICES = {
    "headless": ("fairihub_headless.web.base_handler", "jobs"),
    "catalog": ("fairihub_catalog.service", "api/me"),
}
"""By name: the module that asks the hub, and an address that every member may read."""


@dataclass
class Side:
    """A service, and the hub that it asks."""

    hub: StandInHub
    client: httpx.Client
    read: str
    log: Path

    def get(self, login: str) -> httpx.Response:
        return self.client.get(self.read, headers={"Authorization": f"Bearer {login}"})

    @contextlib.contextmanager
    def hub_says(self, user: Callable[[str], Answer]) -> Iterator[None]:
        self.hub.user = user
        try:
            yield
        finally:
            self.hub.user = None


@contextlib.contextmanager
def _side(name: str, data: Path, stale_after: float = 60.0) -> Iterator[Side]:
    module, read = SERVICES[name]
    hub = StandInHub(members("ada", "bob"))
    with service_of(hub, name, module, data, stale_after) as client:
        side = Side(hub, client, read, data / "service.log")
        assert eventually(lambda: side.get("ada").status_code == 200)
        yield side


@pytest.fixture(scope="module", params=SERVICES)
def side(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with _side(request.param, tmp_path_factory.mktemp("away")) as side:
        yield side


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"canary"),
        (502, b"<html>canary"),
        (200, b"<html>canary"),
        (200, b'["canary"]'),
        (200, b'{"name": "canary"}'),
        (200, b'{"name": "", "kind": "user", "scopes": ["access:services"]}'),
        (302, b"canary"),
        (404, b"canary"),
    ],
)
def test_a_hub_that_talks_nonsense_lets_nobody_in(side: Side, status: int, body: bytes) -> None:
    with side.hub_says(lambda token: (status, body)):
        answer = side.get(f"new-{status}-{len(body)}")
    assert (answer.status_code, answer.json()["code"]) == (503, "hub-away")
    assert "canary" not in answer.text


def test_a_hub_that_is_late_is_not_waited_for(side: Side) -> None:
    over = threading.Event()

    def late(token: str) -> Answer:
        over.wait(30)
        return (200, b"{}")

    with side.hub_says(late):
        begun = time.monotonic()
        answer = side.get("late")
        took = time.monotonic() - begun
        over.set()
    assert (answer.status_code, answer.json()["code"]) == (503, "hub-away")
    assert took < 10


def test_a_token_that_the_hub_does_not_know_is_nobodys(side: Side) -> None:
    with side.hub_says(lambda token: (403, b"{}")):
        answer = side.get("unknown")
    assert (answer.status_code, answer.json()["code"]) == (401, "signed-out")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_who_is_removed_is_out_at_once_though_their_token_is_remembered(side: Side) -> None:
    assert side.get("bob").status_code == 200
    side.hub.publish(members("ada"))
    assert eventually(lambda: side.get("bob").status_code == 403, 5)
    assert side.get("bob").json()["code"] == "no-team"
    side.hub.publish(members("ada", "bob"))
    assert eventually(lambda: side.get("bob").status_code == 200, 5)


@pytest.mark.parametrize("name", SERVICES)
def test_a_snapshot_that_is_too_old_lets_nobody_in(name: str, tmp_path: Path) -> None:
    with _side(name, tmp_path / "data", stale_after=2.0) as side:
        side.hub.silent = True
        assert eventually(lambda: side.get("ada").status_code == 503, 10)
        assert side.get("ada").json()["code"] == "no-snapshot"
        side.hub.silent = False
        assert eventually(lambda: side.get("ada").status_code == 200, 10)


HUGE = b"x" * 10_000_000


@pytest.mark.parametrize(
    "request_",
    [
        b"GET %s HTTP/1.1\r\nHost: h\r\nAuthorization: token %s\r\n\r\n",
        b"GET %s HTTP/1.1\r\nHost: h\r\nCookie: _xsrf=%s\r\n\r\n",
        b"GET %s HTTP/1.1\r\nHost: h\r\nX-Forwarded-User: %s\r\n\r\n",
        b"GET %s?team=%s HTTP/1.1\r\nHost: h\r\n\r\n",
    ],
)
def test_ten_megabytes_in_a_name_are_not_taken(side: Side, request_: bytes) -> None:
    place = side.client.base_url
    path = f"{place.path}{side.read}".encode()
    with socket.create_connection((place.host, place.port or 80), timeout=20) as line:
        with contextlib.suppress(OSError):  # it may hang up half-way
            line.sendall(request_ % (path, HUGE))
        first = b""
        with contextlib.suppress(OSError):
            first = line.recv(4096)
    assert first == b"" or first.startswith(b"HTTP/1.1 4")
    assert side.get("ada").status_code == 200


@pytest.mark.parametrize("name", ["x" * 30_000, "a%0d%0aevil", "%1b[2J%00", "%F0%9F%92%A9" * 2000])
def test_a_log_line_is_one_line_and_short(side: Side, name: str) -> None:
    for address in (f"{side.read}/{name}", f"oauth_callback?state={name}&code=x"):
        headers = {"Cookie": f"_xsrf={'v' * 10_000}; service-x={'w' * 10_000}"}
        assert side.client.get(address, headers=headers).status_code < 500
    lines = side.log.read_bytes().splitlines()
    assert lines
    assert max(map(len, lines)) < 1024
    assert all(line.startswith(b"[") for line in lines), "a line was broken"
