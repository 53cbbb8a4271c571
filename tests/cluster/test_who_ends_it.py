"""Who ends the cluster: test runs only what they have started, and nobody else is waiting for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.cluster.starter import keeper, running, store

BY_HAND: Callable[[], None] = running.up


def for_a_run() -> None:
    running.up(for_runs=True)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Whether the cluster runs, of which there is no more here than that."""
    there = tmp_path / "cluster"
    monkeypatch.setattr(running, "FOR_RUNS", tmp_path / "for-runs")
    monkeypatch.setattr(running, "_alone", nullcontext)
    monkeypatch.setattr(running, "all_images", list)
    monkeypatch.setattr(store, "bring_in", lambda images: None)
    monkeypatch.setattr(running, "what_is_wrong", lambda: [] if there.exists() else ["none"])
    monkeypatch.setattr(running, "_start_anew", lambda images: there.touch())
    monkeypatch.setattr(running, "_end", lambda: there.unlink(missing_ok=True))
    monkeypatch.setattr(keeper, "ask", lambda what: {} if there.exists() else None)
    return there.exists


@pytest.mark.parametrize(
    ("before", "stays"),
    [
        ([for_a_run], False),
        ([for_a_run, for_a_run], False),
        ([BY_HAND], True),
        ([BY_HAND, for_a_run], True),
        ([for_a_run, BY_HAND], True),
        ([for_a_run, BY_HAND, for_a_run], True),
        ([BY_HAND, running.down, for_a_run], False),
        ([for_a_run, running.down, BY_HAND], True),
        ([for_a_run, running.down, running.mend], False),
        ([BY_HAND, running.down, running.mend], True),
    ],
)
def test_a_run_ends_what_runs_have_started(
    runs: Callable[[], bool], before: list[Callable[[], None]], stays: bool
) -> None:
    for step in before:
        step()
    running.down(after_runs=True)
    assert runs() is stays


def test_by_hand_it_ends_whoever_has_started_it(runs: Callable[[], bool]) -> None:
    for start in (for_a_run, BY_HAND):
        start()
        running.down()
        assert not runs()
