"""How the process of an attempt begins: by a new interpreter."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from fairihub_core.processes import started_at


class Worker(Protocol):
    """The process that executes one attempt, however it began."""

    pid: int
    born: float
    """When it was created; 0 if it had ended before anybody could look."""
    line: asyncio.StreamReader
    """What it tells its service; ends with it."""

    @property
    def returncode(self) -> int | None:
        """None while it runs; below zero, it was ended by that signal."""

    async def wait(self) -> int:
        """Its returncode, when it has ended."""

    def signal(self, number: int) -> None:
        """Sends it a signal, if it still runs."""

    def close(self) -> None:
        """Lets go of our end of its standard input, on whose end everything below it ends."""


class Launcher(Protocol):
    """What begins workers."""

    async def launch(self, folder: Path, environment: Mapping[str, str]) -> Worker:
        """The worker of the run in `folder`, with exactly this environment, in its own session."""


class ColdLauncher:
    """Begins each worker with an interpreter of its own."""

    async def launch(self, folder: Path, environment: Mapping[str, str]) -> Worker:
        # `-I` and a working folder of our own: nothing in the home is imported by the worker.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "fairihub_headless.worker", str(folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )  # fmt: skip
        return _ColdWorker(process, started_at(process.pid) or 0.0)


class _ColdWorker:
    def __init__(self, process: asyncio.subprocess.Process, born: float) -> None:
        self._process = process
        self.pid = process.pid
        self.born = born
        self.line = cast(asyncio.StreamReader, process.stdout)

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    async def wait(self) -> int:
        return await self._process.wait()

    def signal(self, number: int) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
