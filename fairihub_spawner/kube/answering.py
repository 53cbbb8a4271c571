"""Waiting for a server that has just begun to run to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import aiohttp

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
GROWTH = 1.05
"""A pause is a twentieth of the time that was waited before, and so is what is waited too long."""
_PATIENCE = aiohttp.ClientTimeout(total=10)


async def answers_before(url: str, moved: Coroutine[Any, Any, None]) -> bool:
    """Whether `url` answers before `moved` is over: by then nobody is there to answer."""
    answered, left = asyncio.ensure_future(until_answered(url)), asyncio.ensure_future(moved)
    try:
        await asyncio.wait({answered, left}, return_when=asyncio.FIRST_COMPLETED)
        if answered.done():
            answered.result()
            return True
        left.result()
        return False
    finally:
        answered.cancel()
        left.cancel()


async def until_answered(url: str) -> None:
    """Asks `url` until it answers, with whatever but an error of its own; has no end by itself."""
    pause = FIRST_PAUSE
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
        while not await _answers(session, url):
            await asyncio.sleep(pause)
            pause = min(GROWTH * pause, LONGEST_PAUSE)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, allow_redirects=False) as answer:
            return answer.status < 500
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError):
        return False
