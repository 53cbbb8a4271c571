"""How the process of an attempt begins: forked from one that has its imports done, or anew."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from fairihub_core.processes import started_at
from fairihub_headless.models import MARK
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.warm.asking import Forked, NotForked, Unheard, ask
from fairihub_headless.warm.environments import facts_of
from fairihub_headless.warm.fitness import variable_at_birth
from fairihub_headless.warm.forking.wire import SOCKET
from fairihub_headless.warm.keeping import Warmth

log = logging.getLogger("fairihub.headless")

_SAVING = 5.0
"""Seconds that a worker has for its notebook when its service has gone; then it is killed."""
_COLD = 60.0
"""Seconds for which workers begin cold after one that was not heard of."""
_MOST_FILES = 65536
_FILES = "RLIMIT_NOFILE"
_files: list[int] = []
"""How many files workers may open, if that is not what this process may."""


def open_many_files() -> None:
    """Lets this process open more files (Linux); what it begins for runs keeps the limit."""
    if sys.platform != "linux":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if not _files and soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        _files.extend((soft, hard))


class Worker(Protocol):
    """The process that executes one attempt, however it began."""

    pid: int
    born: float
    """When it was created; 0 if it had ended before anybody could look."""
    line: asyncio.StreamReader
    """What it tells its service; ends with it."""
    lost: bool
    """Whether it was given up before it was heard of."""

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
    """What begins workers, and knows where they find kernels that have begun."""

    async def launch(self, folder: Path, environment: Mapping[str, str]) -> Worker:
        """The worker of the run in `folder`, with exactly this environment, in its own session."""

    def kernels(self) -> dict[str, str]:
        """Where warm kernels can be had, by environment; goes into the work order."""

    def used(self, command: Sequence[str]) -> None:
        """A worker tells that it has a kernel of this command."""

    def unheard(self, place: str) -> None:
        """A worker tells that the fork server in this folder did not answer."""


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
        if _files and sys.platform == "linux":  # it takes far longer until it has any use for them
            with contextlib.suppress(OSError):
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (_files[0], _files[1]))
        return _ColdWorker(process, started_at(process.pid) or 0.0)

    def kernels(self) -> dict[str, str]:
        return {}

    def used(self, command: Sequence[str]) -> None:
        """No fork server is kept here."""

    def unheard(self, place: str) -> None:
        """No fork server is kept here."""


class WarmLauncher:
    """Has workers forked where that makes no difference to them, and begins the others anew."""

    def __init__(self, settings: HeadlessSettings) -> None:
        self._warmth = Warmth(settings)
        self._cold = ColdLauncher()
        self._cold_until = float("-inf")
        self.kernels = self._warmth.kernels
        self.used = self._warmth.used
        self.unheard = self._warmth.unheard
        self.start = self._warmth.start
        self.stop = self._warmth.stop

    @property
    def root(self) -> Path:
        """The folder of all fork servers."""
        return self._warmth.root

    async def launch(self, folder: Path, environment: Mapping[str, str]) -> Worker:
        place = self._warmth.workers()
        if place is not None and time.monotonic() >= self._cold_until:
            try:
                return await _forked(place, folder, environment)
            except Unheard as problem:
                # Not a second one in the same place: it would meet what the first has done there.
                log.warning("a worker is lost: %s", problem)
                self._cold_until = time.monotonic() + _COLD
                self.unheard(str(place))
                return _LostWorker()
            except NotForked as problem:
                log.warning("a worker begins anew: %s", problem)
        return await self._cold.launch(folder, environment)


async def _forked(place: Path, folder: Path, environment: Mapping[str, str]) -> Worker:
    try:
        here = (await asyncio.to_thread(facts_of, place)).environment
    except (OSError, ValueError, KeyError) as problem:
        raise NotForked(f"{type(problem).__name__}: {problem}") from None
    # A worker that begins anew is isolated from what an environment says to Python.
    name = variable_at_birth(_beside_python(environment), _beside_python(here))
    if name is not None:
        raise NotForked(f"the variable {name} acts when a program starts")
    order = {
        "run": environment[MARK],
        "environment": dict(environment),
        "cwd": str(folder),
        "umask": 0o077,
        "grace": _SAVING,
        "limits": [[_FILES, *_files]] if _files else [],
        "arguments": [str(folder)],
    }
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
        stdin, ours_in = os.pipe()
        theirs.callback(os.close, stdin)
        ours.callback(os.close, ours_in)
        ours_out, stdout = os.pipe()
        theirs.callback(os.close, stdout)
        ours.callback(os.close, ours_out)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        theirs.callback(os.close, nowhere)
        forked = await ask(place / SOCKET, order, (stdin, stdout, nowhere))
        ours.pop_all()
    return await _ForkedWorker.of(forked, ours_in, ours_out)


def _beside_python(environment: Mapping[str, str]) -> dict[str, str]:
    ignored = ("PYTHON", "IPYTHON", "JUPYTER_", "JPY_")
    return {n: v for n, v in environment.items() if not n.startswith(ignored)}


class _ColdWorker:
    lost = False

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


class _LostWorker:
    """One that has been ended before it was heard of."""

    pid, born, returncode, lost = 0, 0.0, -signal.SIGKILL, True

    def __init__(self) -> None:
        self.line = asyncio.StreamReader()
        self.line.feed_eof()

    async def wait(self) -> int:
        return self.returncode

    def signal(self, number: int) -> None:
        """There is none."""

    def close(self) -> None:
        """There is no line to it."""


class _ForkedWorker:
    lost = False

    def __init__(self, forked: Forked, stdin: int, line: asyncio.StreamReader) -> None:
        self._forked = forked
        self._stdin = stdin
        self.pid = forked.pid
        self.born = started_at(forked.pid) or 0.0
        self.line = line

    @classmethod
    async def of(cls, forked: Forked, stdin: int, stdout: int) -> _ForkedWorker:
        line = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(line), os.fdopen(stdout, "rb")
        )
        return cls(forked, stdin, line)

    @property
    def returncode(self) -> int | None:
        return self._forked.returncode

    async def wait(self) -> int:
        return await self._forked.wait()

    def signal(self, number: int) -> None:
        self._forked.signal(number)

    def close(self) -> None:
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1
        self._forked.close()
