"""Waiting for a server that has just begun to run to answer."""

from __future__ import annotations

import asyncio

import aiohttp

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
GROWTH = 1.05
"""A pause is a twentieth of the time that was waited before, and so is what is waited too long."""
_PATIENCE = aiohttp.ClientTimeout(total=10)


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
