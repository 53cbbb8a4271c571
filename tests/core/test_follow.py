"""How a service follows a hub that is away for a while: it is back as soon as the hub is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest

from fairihub_core import clock
from fairihub_core.errors import Unavailable
from fairihub_core.follow import SnapshotFollower
from fairihub_core.snapshot import Snapshot
from tests.support.waiting import eventually


@dataclass
class Patient:
    """A hub whose teams never change: it keeps who waits for news waiting."""

    address: str = ""
    away: bool = False
    asked: list[tuple[float, bool]] = field(default_factory=list)
    """Of each question how long it was ready to wait, and whether it was answered."""
    ended: threading.Event = field(default_factory=threading.Event)

    def answer(self, after: int, wait: float) -> tuple[int, bytes]:
        away = self.away
        self.asked.append((wait, not away))
        if away:
            return (503, b"")
        if after == 1:
            self.ended.wait(wait)
            return (304, b"")
        return (200, Snapshot(number=1, taken=clock.now()).model_dump_json().encode())


FIRST = [(0, True), (2, True)]


@pytest.fixture
def hub() -> Iterator[Patient]:
    hub = Patient()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            status, body = hub.answer(int(asked["after"][0]), float(asked["wait"][0]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """The tests say enough."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hub.address = f"http://127.0.0.1:{server.server_port}/snapshot"
        yield hub
        hub.ended.set()
        server.shutdown()


@pytest.fixture
def follower(hub: Patient, monkeypatch: pytest.MonkeyPatch) -> Iterator[SnapshotFollower]:
    monkeypatch.setattr("fairihub_core.follow._WAIT", 2)
    follower = SnapshotFollower(hub.address, "token")
    follower.start()
    yield follower
    follower.stop()


def test_a_hub_that_is_back_is_heard_at_once(hub: Patient, follower: SnapshotFollower) -> None:
    assert eventually(lambda: hub.asked == FIRST), "first at once, then with patience"
    hub.away = True
    assert eventually(lambda: len(hub.asked) >= 5)
    hub.away = False
    assert eventually(lambda: hub.asked[-1] == (2, True)), "patient again once it has answered"
    # A question that waits for news would leave everybody outside for as long as it waits.
    after_a_failure = {now[0] for before, now in pairwise(hub.asked) if not before[1]}
    assert after_a_failure == {0}


def test_who_heard_nothing_for_too_long_does_not_wait_for_news(
    hub: Patient, follower: SnapshotFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert eventually(lambda: hub.asked == FIRST)
    monkeypatch.setattr("fairihub_core.follow.STALE_AFTER", -1.0)
    with pytest.raises(Unavailable):
        follower.current()
    assert eventually(lambda: hub.asked[-2:] == [(0, True), (0, True)])
