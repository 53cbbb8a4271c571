"""When a run is begun again: at most once by itself, unless its notebook had not started."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from fairihub_headless.engine.retrying import LONGEST_PAUSE, MOST_LOST, Again, after_failure
from fairihub_headless.models import Failure, Run

NOON = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)


def run(attempt: int = 1, lost: int = 0, retries: int = 0, name: str = "r1") -> Run:
    return Run(
        id=name, owner="ada", team="uc1", profile="uc1.small", notebook="a.ipynb", digest="0",
        created=NOON, updated=NOON, attempt=attempt, lost=lost, retries=retries,
    )  # fmt: skip


def after(code: str, made: Run, *, started: bool) -> Again | None:
    return after_failure(made, Failure(code=code, message="why"), started=started)


WORTH = ["worker-died", "kernel-died", "service-stopped", "engine-failed"]


@pytest.mark.parametrize("code", WORTH)
def test_a_notebook_that_started_begins_again_only_if_that_was_asked_for(code: str) -> None:
    assert after(code, run(), started=True) is None
    again = after(code, run(retries=2), started=True)
    assert again is not None
    assert not again.lost
    assert after(code, run(attempt=2, retries=2), started=True) is not None
    assert after(code, run(attempt=3, retries=2), started=True) is None
    # Attempts that never came to the notebook are not counted.
    assert after(code, run(attempt=3, lost=1, retries=2), started=True) is not None


@pytest.mark.parametrize("code", WORTH)
def test_a_notebook_that_had_not_started_begins_again_by_itself_but_not_for_ever(code: str) -> None:
    for lost in range(MOST_LOST):
        again = after(code, run(attempt=lost + 1, lost=lost), started=False)
        assert again is not None
        assert again.lost
    assert after(code, run(attempt=MOST_LOST + 1, lost=MOST_LOST), started=False) is None


@pytest.mark.parametrize(
    "code",
    ["cell-failed", "deadline", "out-of-memory", "dismissed", "no-team", "no-such-kernel",
     "interrupted", "worker-failed", "unknown-profile"],
)  # fmt: skip
@pytest.mark.parametrize("started", [True, False])
def test_what_would_fail_again_is_not_begun_again(code: str, started: bool) -> None:
    assert after(code, run(retries=5), started=started) is None


def test_a_run_that_finds_no_room_to_begin_waits_for_it() -> None:
    again = after("no-room", run(attempt=100, lost=99), started=False)
    assert again is not None
    assert again.lost
    assert 10 < again.pause < 30
    assert after("no-room", run(retries=5), started=True) is None


def pauses(name: str, started: bool) -> list[float]:
    made = [run(n + 1, 0 if started else n, 5, name) for n in range(5)]
    found = [after("worker-died", r, started=started) for r in made]
    return [again.pause for again in found if again is not None]


@pytest.mark.parametrize("started", [True, False])
def test_pauses_grow_and_differ_and_are_the_same_for_the_same_attempt(started: bool) -> None:
    found = pauses("r1", started)
    first = 2.0 if started else 0.5
    for number, pause in enumerate(found):
        assert 0.75 * first * 2**number <= pause <= 1.25 * first * 2**number
    assert found == pauses("r1", started) != pauses("r2", started)


def test_a_pause_has_an_end_and_a_restart_of_the_service_costs_none() -> None:
    long = after("worker-died", run(attempt=40, lost=0, retries=99), started=True)
    assert long is not None
    assert long.pause <= 1.25 * LONGEST_PAUSE
    assert after("service-stopped", run(), started=False) == Again(0.0, lost=True)
