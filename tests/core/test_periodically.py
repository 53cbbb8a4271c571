"""Work that is done again and again: troubles are told and do not end it, `stop` does."""

from __future__ import annotations

import asyncio
import logging

import pytest

from fairihub_core.errors import Unavailable
from fairihub_core.periodically import Periodically


async def test_troubles_are_told_and_do_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    troubles: list[Exception] = [OSError("broken"), Unavailable("away", "It is away.")]
    done = asyncio.Event()

    async def work() -> None:
        if troubles:
            raise troubles.pop()
        done.set()

    looking = Periodically(work, 0.001, "nothing was seen", logging.getLogger("test"))
    looking.start()
    await asyncio.wait_for(done.wait(), 10)
    looking.stop()
    first, second = caplog.records
    assert first.getMessage() == "nothing was seen; that is tried again: It is away."
    assert first.exc_info is None
    assert second.exc_info is not None
    assert second.getMessage() == "nothing was seen; that is tried again"


async def test_it_is_stopped_in_the_middle_of_its_work() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    looking = Periodically(work, 0, "never", logging.getLogger("test"))
    looking.stop()
    looking.start()
    await begun.wait()
    looking.stop()
    await asyncio.wait_for(ended.wait(), 10)
