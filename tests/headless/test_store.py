"""The store: what is kept stays, and only one of two that race for a run wins."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest

from fairihub_headless.callers import Selection
from fairihub_headless.models import Failure, OutputChoice, Run, RunState
from fairihub_headless.store.listing import Filter
from fairihub_headless.store.runs import Store, Waiting

NOON = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.in_folder(tmp_path)
    yield store
    store.close()


def run(name: str, owner: str = "ada") -> Run:
    return Run(
        id=name, owner=owner, team="uc1", profile="uc1.small", notebook="a.ipynb",
        parameters={"a": [1]}, outputs={"files": OutputChoice()}, digest="0" * 64,
        created=NOON, updated=NOON,
    )  # fmt: skip


def test_a_run_comes_back_as_it_was_kept_also_by_another_store(
    store: Store, tmp_path: Path
) -> None:
    store.add(run("r1"))
    again = Store.in_folder(tmp_path)
    assert again.get("r1") == run("r1")
    assert again.get("r2") is None
    again.close()
    assert (tmp_path / "runs.sqlite").stat().st_mode & 0o077 == 0


def test_a_run_is_claimed_once(store: Store) -> None:
    store.add(run("r1"))
    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(store.claim, ["r1"] * 16)) == [False] * 15 + [True]


def test_pages_are_newest_first_and_of_one_owner(store: Store) -> None:
    for number in range(5):
        store.add(run(f"a{number}"))
        store.add(run(f"b{number}", owner="bob"))
    page = store.listing.page(Selection(owner="ada"), Filter(), limit=2, offset=1)
    assert ([r.id for r in page.runs], page.total) == (["a3", "a2"], 5)
    assert store.waiting()[0] == Waiting("a0", "ada", "uc1")


@pytest.mark.parametrize("first", ["end", "dismiss"])
def test_an_end_stays_unless_it_is_dismissed(store: Store, first: str) -> None:
    store.add(run("r1"))
    store.claim("r1")
    failure = Failure(code="x", message="why")
    if first == "dismiss":
        assert store.dismiss("r1")
        assert not store.end("r1", RunState.failed, "late", failure=failure)
        assert not store.dismiss("r1")
    else:
        assert store.end("r1", RunState.failed, "why", failure=failure)
        assert not store.end("r1", RunState.successful, "again")
        store.progress("r1", 1, 2)
        found = store.get("r1")
        assert found is not None
        assert (found.state, found.failure, found.cells) == (RunState.failed, failure, 0)
        assert store.dismiss("r1")


def test_left_over_are_those_with_processes(store: Store) -> None:
    for name in ("waiting", "running", "dismissed", "done"):
        store.add(run(name))
    for name in ("running", "dismissed", "done"):
        store.claim(name)
        store.set_worker(name, 7, 1.5)
    store.dismiss("dismissed")
    store.end("done", RunState.successful, "Done.")
    store.release_worker("done")
    assert {r.id for r in store.left_over()} == {"running", "dismissed"}
