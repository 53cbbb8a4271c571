"""When a run is begun again: at most once by itself, unless its notebook had not started."""

from __future__ import annotations

import pytest

from fairihub_headless.engine.retrying import (
    LONGEST_PAUSE,
    MOST_LOST,
    Failed,
    Retry,
    after_failure,
    verdict,
)
from fairihub_headless.models import ECHO, ExitRecord, Failure, Run
from tests.support.runs import NOON


def run(
    attempt: int = 1, lost: int = 0, retries: int = 0, name: str = "r1", waited: int = 0
) -> Run:
    return Run(
        id=name, owner="ada", team="uc1", profile="uc1.small", notebook="a.ipynb", digest="0",
        created=NOON, updated=NOON, attempt=attempt, lost=lost, waited=waited,
        retries=retries,
    )  # fmt: skip


def after(code: str, made: Run, *, started: bool) -> Retry | None:
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
    assert (again.lost, again.waited) == (True, True)
    assert 10 < again.pause < 30
    assert after("no-room", run(retries=5), started=True) is None


def test_waiting_for_room_takes_nothing_of_the_times_that_a_run_may_be_lost() -> None:
    for died in range(MOST_LOST):
        again = after("service-stopped", run(attempt=9, lost=8 + died, waited=8), started=False)
        assert again == Retry(0.0, lost=True)
    assert after("worker-died", run(lost=8 + MOST_LOST, waited=8), started=False) is None


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
    assert after("service-stopped", run(), started=False) == Retry(0.0, lost=True)


OWN = Failure(code="cell-failed", message="it failed by itself")
OURS = Failure(code="service-stopped", message="we ended it")
DONE = ExitRecord(state="successful", finished=NOON)
FAILED = ExitRecord(state="failed", failure=OWN, finished=NOON)


@pytest.mark.parametrize(
    ("witness", "ending", "code", "said"),
    [
        (FAILED, None, 0, "cell-failed"),
        (FAILED, OURS, 0, "service-stopped"),
        (None, OURS, -9, "service-stopped"),
        (None, None, -9, "worker-died"),
        (FAILED.model_copy(update={"failure": None}), None, 1, "worker-died"),
    ],
)
def test_what_we_did_to_an_attempt_explains_it_first_then_what_its_worker_says(
    witness: ExitRecord | None, ending: Failure | None, code: int, said: str
) -> None:
    found = verdict(run(), witness, ending, code, started=True)
    assert isinstance(found, Failed)
    assert (found.failure.code, found.again) == (said, None)
    assert ("signal 9" in found.failure.message) == (said == "worker-died" and code == -9)


def test_a_worker_that_came_to_its_end_has_succeeded_whatever_we_were_about_to_do() -> None:
    assert verdict(run(), DONE, OURS, -9, started=True) is DONE


def test_an_echo_has_no_code_that_may_have_run() -> None:
    echo = run().model_copy(update={"process": ECHO})
    for made, begins in ((echo, True), (run(), False)):
        found = verdict(made, None, OURS, None, started=True)
        assert isinstance(found, Failed)
        assert (found.again is not None) == begins
