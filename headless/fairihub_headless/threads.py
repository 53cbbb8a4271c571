"""Threads for what blocks, apart by what it waits for: one that is slow holds up none of another.

The default threads of asyncio are few and shared with everything; what runs depend on has its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """So many threads at most, begun when they are needed."""

    def __init__(self, name: str, most: int) -> None:
        self._pool = ThreadPoolExecutor(most, name)

    async def do(self, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """What `work` comes to, done in one of these threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(work, *args, **more))


BEAT = Threads("beat", 1)
LOOK = Threads("look", 1)
ENGINE = Threads("engine", 16)
"""For the attempts: starting, recording and ending them."""
PREPARING = Threads("preparing", 2)
"""What is done before a worker begins."""
CHECKING_OUT = Threads("checking out", 4)
"""The same for runs with a revision, which wait for git."""
