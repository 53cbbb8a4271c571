"""Waiting for a server that has just begun to run to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
from jupyterhub.utils import url_path_join

from fairihub_spawner.kube.observing import LOOK_SECONDS, Observer

Json = dict[str, Any]

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
GROWTH = 1.05
"""A pause is a twentieth of the time that was waited before, and so is what is waited too long."""
_PATIENCE = aiohttp.ClientTimeout(total=10)


async def found_at(
    observer: Observer, url_of: Callable[[Json | None], str | None], asked: str
) -> str:
    """The address at which the server of a start answers, once it does; has no end by itself.

    Args:
        url_of: where a pod is to be found; None if it does not run.
        asked: the path that answers when the server is up.
    """
    while True:
        while (url := url_of(observer.pod)) is None:
            await observer.changed()
        if not await _answers_while_there(observer, url_of, url, asked):
            continue
        # The pod may have ended meanwhile, and its address been given to one that answers.
        if url_of(await observer.pod_itself()) == url:
            return url
        await observer.changed()


async def _answers_while_there(
    observer: Observer, url_of: Callable[[Json | None], str | None], url: str, asked: str
) -> bool:
    """Whether it answers before the pod is to be found elsewhere, or nowhere."""
    answer = asyncio.ensure_future(until_answered(url_path_join(url, asked)))
    try:
        while not answer.done() and url_of(observer.pod) == url:
            await asyncio.wait({answer}, timeout=LOOK_SECONDS)
        return answer.done() and answer.result() is None
    finally:
        answer.cancel()


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
