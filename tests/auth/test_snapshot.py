"""The snapshot that services follow: who may read it, and how it waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fairihub_core.follow import SnapshotFollower
from fairihub_core.snapshot import Snapshot

Hub = Any
Customer = Callable[..., str]


def test_a_service_with_the_scope_reads_it(hub: Hub) -> None:
    answer = hub.snapshot()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    snapshot = Snapshot.model_validate_json(answer.content)
    assert {t.name for t in snapshot.directory.teams} == {"uc4", "old"}


def test_nobody_else_does(hub: Hub) -> None:
    member = hub.signed_in("ada")
    for token in (None, "wrong", hub.tokens["operator"], hub.user_token("ada")):
        assert hub.api("/fairihub/snapshot", token).status_code == 403
    headers = {"X-XSRFToken": member.xsrf()}
    answer = member.get("/hub/api/fairihub/snapshot", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "no-scope"
    assert "uc4" not in answer.text


@pytest.mark.parametrize("query", ["after=x", "after=1&wait=y", "after=", "after=1&after=2"])
def test_numbers_must_be_numbers(query: str, hub: Hub) -> None:
    answer = hub.api(f"/fairihub/snapshot?{query}", hub.tokens["follower"])
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-query")


def test_it_waits_for_the_next_number(hub: Hub, customer: Customer) -> None:
    number = hub.snapshot().json()["number"]
    assert hub.snapshot(after=number).status_code == 304
    began = time.monotonic()
    assert hub.snapshot(after=number, wait=1).status_code == 304
    assert time.monotonic() - began > 0.9
    assert hub.snapshot(after=number + 10).status_code == 200, "a number of another life"
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(hub.snapshot, after=number, wait=20)
        time.sleep(0.2)
        (hub.teams / "new.yaml").write_text(customer("new", "fay"))
        began = time.monotonic()
        assert waiting.result().json()["number"] > number
        assert time.monotonic() - began < 5


def test_a_follower_follows(hub: Hub, customer: Customer) -> None:
    follower = SnapshotFollower(f"{hub.url}/hub/api/fairihub/snapshot", hub.tokens["follower"])
    follower.start()
    try:
        hub.eventually(lambda: follower.age() < 5)
        (hub.teams / "late.yaml").write_text(customer("late", "gus"))
        hub.eventually(lambda: "gus" in follower.current().directory.logins())
    finally:
        follower.stop()
