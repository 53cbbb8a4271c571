"""One engine: begins again what had not started, ends what must end, at once and once only."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fairihub_core import clock
from fairihub_core.errors import Unavailable
from fairihub_headless.engine import local, retrying
from fairihub_headless.engine.launching import ColdLauncher, Worker
from fairihub_headless.engine.queueing import Pauses, Slots
from fairihub_headless.errors import Gone
from fairihub_headless.models import RunState, Waiting
from fairihub_headless.processes.asking import Asked
from tests.support.runs import NOON

ASLEEP = "import time\nprint('sleeping', flush=True)\ntime.sleep(600)"


class Deadly(ColdLauncher):
    """Kills its first workers before they get anywhere."""

    def __init__(self, times: int) -> None:
        self.left = times

    async def launch(self, folder: Path, environment: Mapping[str, str]) -> Worker:
        worker = await super().launch(folder, environment)
        if self.left:
            self.left -= 1
            os.kill(worker.pid, signal.SIGKILL)
        return worker


def begun(file: Path) -> str:
    return f"open({str(file)!r}, 'a').write('begun\\n')\n"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before another attempt are short."""
    monkeypatch.setattr(retrying, "_FIRST_PAUSE", 0.2)
    monkeypatch.setattr(retrying, "_FIRST_LOST_PAUSE", 0.01)


@pytest.mark.usefixtures("quick")
async def test_a_run_whose_notebook_had_not_started_begins_again_by_itself(
    house: Any, tmp_path: Path
) -> None:
    house.engine._launcher = Deadly(2)
    run = await house.ended(await house.submit(begun(tmp_path / "marks")))
    assert (run.state, run.attempt, run.lost, run.failure) == (RunState.successful, 3, 2, None)
    assert (tmp_path / "marks").read_text() == "begun\n"
    log = house.log(run)
    assert "The run begins again, as attempt 3. The one before failed: The process" in log
    assert [p.name for p in house.runs.folder(run).path.glob("attempt-*")] == []


@pytest.mark.usefixtures("quick")
async def test_it_does_not_do_so_for_ever(house: Any) -> None:
    house.engine._launcher = Deadly(99)
    run = await house.ended(await house.submit("1"))
    assert (run.state, run.failure.code, run.attempt) == (RunState.failed, "worker-died", 6)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2)])
async def test_a_kernel_that_died_is_tried_again_only_if_that_was_asked_for(
    house: Any, tmp_path: Path, retries: int, attempts: int
) -> None:
    marks = tmp_path / "marks"
    cell = f"{begun(marks)}import os, pathlib\n" \
        "pathlib.Path(os.environ['RESULTS_DIRECTORY'], 'left.txt').write_text('x')\n" \
        "os._exit(3)"  # fmt: skip
    run = await house.ended(await house.submit(cell, retries=retries))
    assert (run.state, run.failure.code, run.attempt, run.lost) == (
        RunState.failed, "kernel-died", attempts, 0,
    )  # fmt: skip
    assert marks.read_text() == "begun\n" * attempts
    assert (house.runs.folder(run).files / "results" / "left.txt").read_text() == "x"


async def test_what_is_done_before_a_run_begins_ends_with_it(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def waits(*told: Any) -> Any:
        begun.set()
        if not told[-1].wait(20):
            raise AssertionError("it was not told")
        raise Unavailable("source-away", "Stopped.")

    monkeypatch.setattr(local, "prepared", waits)
    run = await house.submit("1")
    assert await asyncio.to_thread(begun.wait, 10)
    await house.runs.dismiss(run.id, house.caller())
    run = await house.until(run, lambda r: r.engine is None)
    assert run.state is RunState.dismissed


async def test_a_run_that_waits_for_its_next_attempt_says_until_when_and_is_dismissed(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "_FIRST_PAUSE", 200.0)
    run = await house.submit("import os; os._exit(3)", retries=3)
    run = await house.until(run, lambda r: r.not_before is not None)
    assert (run.state, run.attempt, run.engine) == (RunState.accepted, 1, None)
    assert f"Begins again at {run.not_before:%H:%M:%S} UTC: The kernel ended" in run.message
    run = await house.runs.dismiss(run.id, house.caller())
    assert run.state is RunState.dismissed
    house.engine.wake()
    with pytest.raises(Gone):
        await house.runs.dismiss(run.id, house.caller())
    assert (await house.ended(run)).attempt == 1


async def test_a_run_has_a_deadline_of_its_own(house: Any) -> None:
    run = await house.ended(await house.submit(ASLEEP, deadline=3))
    assert (run.state, run.failure.code) == (RunState.failed, "deadline")
    assert run.message == ("The run took longer than 3 seconds, its own limit, and was ended.")
    assert (house.runs.folder(run).files / "executed.ipynb").is_file()


async def test_no_clock_that_is_set_ends_or_holds_up_a_run(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await house.submit("import time; time.sleep(4)", deadline=3600)
    await house.until(run, lambda r: r.environment is not None)
    real = clock.now
    for days in (-400, 400):
        monkeypatch.setattr("time.time", lambda d=days: real().timestamp() + d * 86400)
        for module in (clock, local, "fairihub_headless.store.runs.now"):
            place = module if isinstance(module, str) else f"{module.__name__}.now"
            monkeypatch.setattr(place, lambda d=days: real() + timedelta(days=d))
        await asyncio.sleep(0.5)
        house.engine.wake()
        assert (await house.runs.own(run.id, house.caller())).state is RunState.running
    again = await house.submit("1", path="b.ipynb")
    assert (await house.ended(run)).state is RunState.successful
    assert (await house.ended(again)).state is RunState.successful


@pytest.mark.parametrize("jump", [-1e7, 0.0, 1e7])
def test_a_pause_is_as_long_as_it_was_meant_or_shorter(jump: float) -> None:
    pauses = Pauses()
    waiting = [Waiting(0, "r", "ada", "uc1", 1, NOON + timedelta(seconds=30))]
    ready, due = pauses.ready(waiting, NOON, at=1000)
    assert (ready, due) == ([], 30)
    then = NOON + timedelta(seconds=jump)
    assert pauses.ready(waiting, then, at=1029) == ([], 1)
    assert not pauses.falls_due(1029.9)
    assert pauses.falls_due(1030)
    assert pauses.ready(waiting, then, at=1030)[0] == waiting
    # Seen for the first time by a clock that is wrong: not longer than the longest.
    ready, due = Pauses().ready(waiting, then, at=1000)
    assert due <= 400 or ready == waiting


async def test_so_many_runs_of_a_team_at_once(house: Any) -> None:
    house.engine._queue.slots = Slots(in_all=9, per_member=9, per_team=1)
    runs = [await house.submit(ASLEEP, path=f"{n}.ipynb") for n in range(3)]
    await house.until(runs[0], lambda r: r.environment is not None)
    states = [(await house.runs.own(r.id, house.caller())).state.value for r in runs]
    assert states == ["running", "accepted", "accepted"]
    await house.runs.dismiss(runs[0].id, house.caller())
    await house.until(runs[1], lambda r: r.state is RunState.running)


async def test_echoes_keep_no_notebook_waiting(house: Any) -> None:
    asked = Asked({"message": "x", "pause": 60})
    for _ in range(3):
        await house.runs.echo(asked, house.caller())
    run = await house.ended(await house.submit("1"), 30)
    assert run.state is RunState.successful
    assert len(house.engine._echoes._taken) == 2  # as many of a member as notebooks


async def test_the_most_urgent_of_ones_own_runs_goes_first(house: Any) -> None:
    house.engine._queue.slots = Slots(0, 9)
    for name, priority in (("a", "low"), ("b", "normal"), ("c", "high")):
        await house.submit("1", path=f"{name}.ipynb", priority=priority)
    order = []
    claim = house.runs.store.claim
    house.runs.store.claim = lambda run_id, engine: order.append(run_id) or claim(run_id, engine)
    house.engine._queue.slots = Slots(1, 9)
    house.engine.wake()
    for _ in range(600):
        if len(order) == 3:
            break
        await asyncio.sleep(0.1)
    names = [house.runs.store.get(run_id).notebook for run_id in order]
    assert names == ["c.ipynb", "b.ipynb", "a.ipynb"]


async def test_a_run_that_another_service_dismissed_ends_here(house: Any) -> None:
    run = await house.submit(ASLEEP)
    run = await house.until(run, lambda r: r.environment is not None)
    house.runs.store.dismiss(run.id, "Cancelled by its owner.")
    run = await house.ended(run, 30)
    assert (run.state, run.message) == (RunState.dismissed, "Cancelled by its owner.")
    assert (house.runs.folder(run).files / "executed.ipynb").is_file()


async def test_a_claim_that_was_kept_though_nobody_heard_of_it_is_no_dead_end(house: Any) -> None:
    house.engine._queue.slots = Slots(0, 0)
    run = await house.submit("1")
    claimed = await asyncio.to_thread(house.runs.store.claim, run.id, house.engine._keeper.me.id)
    assert claimed is not None
    house.engine._queue.slots = Slots(1, 1)
    run = await house.ended(run)
    assert (run.state, run.attempt, run.lost) == (RunState.successful, 2, 1)


async def test_what_ends_while_the_database_is_held_up_is_recorded_later(house: Any) -> None:
    run = await house.submit("import time; time.sleep(2)")
    await house.until(run, lambda r: r.environment is not None)
    path = house.places.headless / "runs.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    free = threading.Timer(4.0, other.execute, ["ROLLBACK"])
    free.start()
    run = await house.ended(run)
    assert run.state is RunState.successful
    free.join()
    other.close()


async def test_an_engine_that_cannot_renew_its_lease_ends_its_runs(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await house.submit(ASLEEP)
    await house.until(run, lambda r: r.environment is not None)

    def away(engine: str) -> bool:
        raise Unavailable("database-away", "The database is away.")

    monkeypatch.setattr(house.runs.store.engines, "beat", away)
    keeper = house.engine._keeper
    keeper._renewed -= 2 * house.runs.settings.beat_seconds
    ended = await house.ended(run)
    assert (ended.state, ended.failure.code) == (RunState.failed, "service-stopped")
    assert "lost its database" in ended.message


async def test_an_engine_that_was_taken_for_dead_begins_anew(house: Any) -> None:
    before = house.engine._keeper.me.id
    house.runs.store.engines.bury(before)
    await house.engine._keeper._beat()
    assert house.engine._keeper.me.id != before
    run = await house.ended(await house.submit("1"))
    assert run.state is RunState.successful


async def test_busy_threads_of_others_hold_up_neither_beat_nor_runs(house: Any) -> None:
    free = threading.Event()
    loop = asyncio.get_running_loop()
    run = await house.submit("1")
    busy = [loop.run_in_executor(None, free.wait) for _ in range(64)]
    try:
        await asyncio.wait_for(house.engine._keeper._beat(), timeout=20)
        deadline = loop.time() + 60
        while not house.runs.store.get(run.id).state.ended:
            assert loop.time() < deadline
            await asyncio.sleep(0.1)
    finally:
        free.set()
        await asyncio.gather(*busy)
    assert (await house.ended(run)).state is RunState.successful


async def test_an_engine_that_stood_still_and_was_not_missed_goes_on_with_its_runs(
    house: Any,
) -> None:
    run = await house.submit("import time; time.sleep(3)")
    await house.until(run, lambda r: r.environment is not None)
    keeper = house.engine._keeper
    keeper._renewed -= 100 * house.runs.settings.beat_seconds
    await keeper._fence()
    assert keeper.holds
    assert (await house.ended(run)).state is RunState.successful


async def test_an_engine_that_stood_still_and_was_taken_for_dead_ends_its_runs(house: Any) -> None:
    run = await house.submit(ASLEEP)
    await house.until(run, lambda r: r.environment is not None)
    keeper = house.engine._keeper
    before = keeper.me.id
    keeper._renewed -= 100 * house.runs.settings.beat_seconds
    house.runs.store.engines.bury(before)
    await keeper._fence()
    assert keeper.holds
    assert keeper.me.id != before
    ended = await house.ended(run)
    assert (ended.state, ended.failure.code) == (RunState.failed, "service-stopped")


async def test_what_waits_while_the_disk_is_nearly_full_waits_on(house: Any) -> None:
    settings = house.engine._settings
    house.engine._settings = settings.model_copy(update={"min_free_bytes": 2**62})
    run = await house.submit("1")
    await house.engine._start_what_fits()
    assert house.runs.store.get(run.id).state is RunState.accepted
    assert not house.engine._queue._taken
    house.engine._settings = settings
    house.engine.wake()
    assert (await house.ended(run)).state is RunState.successful
