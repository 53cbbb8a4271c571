"""How a service's entries reach the hub, also if it is away for a while."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fairihub_core.audit import Entry
from fairihub_core.audit_report import AuditReporter
from tests.support.ports import free_port
from tests.support.waiting import eventually

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


class Hub:
    """Answers at the audit address as a hub does that is well, ill, or refuses."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[dict[str, Any]] = []
        self.asked = 0
        self.status = 204
        self.tokens: set[str | None] = set()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub/api/fairihub/audit"

    def start(self) -> None:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hub.asked += 1
                hub.tokens.add(self.headers["Authorization"])
                if hub.status == 204:
                    hub.taken += body["entries"]
                self.send_response(hub.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,)).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def logins(self) -> list[str]:
        return [entry["login"] for entry in self.taken if entry["action"] != "entries-lost"]


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.stop()


@pytest.fixture
def reporter(hub: Hub) -> Iterator[AuditReporter]:
    reporter = AuditReporter(hub.url, "secret-token", bound=50)
    yield reporter
    reporter.close(1)


def entry(login: str) -> Entry:
    return Entry(at=NOON, action="run-dismissed", login=login, by="ada", team="uc4")


def test_entries_arrive_as_they_were_and_in_order(hub: Hub, reporter: AuditReporter) -> None:
    hub.start()
    sent = [entry(f"login{n}") for n in range(20)]
    for one in sent:
        reporter.record(one)
    assert reporter.close()
    assert [Entry.model_validate(taken) for taken in hub.taken] == sent
    assert hub.tokens == {"token secret-token"}


def test_a_hub_that_is_away_hears_of_it_later(
    hub: Hub, reporter: AuditReporter, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(10):
        reporter.record(entry(f"login{n}"))
    assert eventually(lambda: "entries have to wait" in caplog.text)
    hub.start()
    assert eventually(lambda: len(hub.taken) == 10)
    assert hub.logins() == [f"login{n}" for n in range(10)]
    assert caplog.text.count("entries have to wait") == 1
    assert "secret-token" not in caplog.text


@pytest.mark.parametrize("status", [500, 503, 401, 403, 429])
def test_a_hub_that_is_ill_is_asked_again(status: int, hub: Hub, reporter: AuditReporter) -> None:
    hub.status = status
    hub.start()
    reporter.record(entry("bob"))
    assert eventually(lambda: hub.asked >= 2)
    hub.status = 204
    assert eventually(lambda: hub.logins() == ["bob"])


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_is_refused_for_good_holds_up_nothing(
    status: int, hub: Hub, reporter: AuditReporter
) -> None:
    hub.status = status
    hub.start()
    reporter.record(entry("bob"))
    assert eventually(lambda: hub.asked == 1)
    hub.status = 204
    reporter.record(entry("cleo"))
    assert eventually(lambda: hub.logins() == ["cleo"])


def test_nobody_waits_and_the_oldest_are_lost_with_a_count(
    hub: Hub, reporter: AuditReporter
) -> None:
    began = time.monotonic()
    for n in range(1000):
        reporter.record(entry(f"login{n}"))
    assert time.monotonic() - began < 1
    hub.start()
    assert eventually(lambda: "login999" in hub.logins())
    lost = [taken["detail"] for taken in hub.taken if taken["action"] == "entries-lost"]
    told = sum(int(detail.split()[0].replace(",", "")) for detail in lost)
    assert told == 1000 - len(hub.logins())
    assert hub.logins()[-50:] == [f"login{n}" for n in range(950, 1000)]


def test_an_end_without_a_hub_is_an_end(reporter: AuditReporter) -> None:
    reporter.record(entry("bob"))
    began = time.monotonic()
    assert not reporter.close(1)
    assert time.monotonic() - began < 10
