"""Who follows a run hears of it: at once, in order, in bounded room, and of the end for certain."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from fairihub_headless.engine.changes import (
    CellDone,
    Changes,
    Ended,
    Output,
    Progress,
    StateChanged,
)
from fairihub_headless.models import RunState

STARTED = StateChanged(RunState.running, "Starting.", 1)
DONE = Ended(RunState.successful)


async def test_what_happens_is_told_in_its_order():
    changes = Changes()
    with changes.listening("a") as told:
        for event in (STARTED, CellDone(0, 3), Progress(0.5, "half"), Output(12), DONE):
            changes.tell("a", event)
        assert await told.next() == [
            STARTED, CellDone(0, 3), Progress(0.5, "half"), Output(12), DONE
        ]  # fmt: skip


async def test_nothing_is_told_of_other_runs():
    changes = Changes()
    with changes.listening("a") as told:
        changes.tell("b", DONE)
        assert told.taken() == []
        assert await told.next(0) == []


async def test_a_slow_follower_loses_what_lay_between_and_never_the_end():
    changes = Changes()
    with changes.listening("a") as told:
        for cell in range(10_000):
            changes.tell("a", CellDone(cell, 10_000))
            changes.tell("a", Output(100 * cell))
        changes.tell("a", DONE)
        assert told.taken() == [CellDone(9999, 10_000), Output(999_900), DONE]


async def test_nothing_follows_the_end():
    changes = Changes()
    with changes.listening("a") as told:
        changes.tell("a", DONE)
        changes.tell("a", CellDone(3, 3))
        assert told.taken() == [DONE]


async def test_a_follower_is_woken():
    changes = Changes()
    with changes.listening("a") as told:
        waiting = asyncio.create_task(told.next())
        await asyncio.sleep(0)
        changes.tell("a", STARTED)
        assert await waiting == [STARTED]


async def test_another_thread_may_tell():
    changes = Changes()
    with changes.listening("a") as told:
        await asyncio.to_thread(changes.tell, "a", STARTED)
        await asyncio.to_thread(changes.tell, "a", DONE)
        assert await told.end(5)


async def test_the_end_is_waited_for_no_longer_than_asked():
    changes = Changes()
    with changes.listening("a") as told:
        changes.tell("a", STARTED)
        assert not await told.end(0.01)


async def test_what_is_told_after_the_followers_are_gone_is_nobodys():
    changes = Changes()
    with changes.listening("a"):
        pass
    changes.tell("a", DONE)
    assert changes.followed() == ()


async def test_what_was_told_before_anybody_followed_is_not_kept_for_them():
    changes = Changes()
    changes.tell("a", DONE)
    with changes.listening("a") as told:
        assert not await told.end(0.01)


async def test_thousands_follow_one_run_and_leave_nothing_behind():
    changes = Changes()
    seen = weakref.WeakSet()

    async def follow() -> bool:
        with changes.listening("a") as told:
            seen.add(told)
            return await told.end(30)

    followers = [asyncio.create_task(follow()) for _ in range(5000)]
    await asyncio.sleep(0)
    assert len(seen) == 5000
    followers.pop().cancel()
    changes.tell("a", DONE)
    assert all(await asyncio.gather(*followers))
    assert changes.followed() == ()
    followers.clear()
    gc.collect()
    assert not seen


async def test_who_comes_later_hears_what_the_notebook_reported_last():
    changes = Changes()
    changes.tell("a", Progress(0.1))
    changes.tell("a", Progress(0.2, "two"))
    assert changes.reported("a") == Progress(0.2, "two")


@pytest.mark.parametrize("event", [DONE, StateChanged(RunState.accepted, "Waits again.", 1)])
async def test_what_was_reported_ends_with_the_attempt(event):
    changes = Changes()
    changes.tell("a", Progress(0.2, "two"))
    changes.tell("a", event)
    assert changes.reported("a") is None


async def test_reports_of_runs_whose_end_was_never_told_do_not_pile_up():
    changes = Changes()
    for number in range(3000):
        changes.tell(str(number), Progress(0.5))
    assert changes.reported("0") is None
    assert changes.reported("2999") == Progress(0.5)
