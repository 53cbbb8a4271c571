"""What is remembered of the end of a start: who asked for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from fairihub_core.servers import cancel_start, note_cancelled, was_cancelled


async def test_a_start_that_somebody_cancels_is_known_as_one() -> None:
    starting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    spawner = SimpleNamespace(_spawn_future=starting)
    assert not was_cancelled(spawner)
    assert cancel_start(spawner) is starting
    assert starting.cancelled()
    assert was_cancelled(spawner)


def test_one_that_has_not_begun_is_only_noted() -> None:
    spawner = SimpleNamespace(_spawn_future=None)
    assert cancel_start(spawner) is None
    assert was_cancelled(spawner)


def test_whoever_leaves_the_cancelling_to_jupyterhub_notes_it() -> None:
    spawner = SimpleNamespace()
    note_cancelled(spawner)
    assert was_cancelled(spawner)
    assert not was_cancelled(None)
