"""Keeps fork servers alive: one for workers, and one for each environment that is in use."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fairihub_core.places import Places
from fairihub_headless.models import GUARD, MARK
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.warm import forking
from fairihub_headless.warm.environments import key_of
from fairihub_headless.warm.fitness import is_ipython
from fairihub_headless.warm.forking.process import ROOM
from fairihub_headless.warm.forking.wire import FACTS, SOCKET
from fairihub_headless.warm.which import ForkServer, decided

log = logging.getLogger("fairihub.headless")

WORKERS = "workers"
_PROGRAM = Path(forking.__file__).parent
_BEGINNING = 120.0
"""Seconds that imports may take."""
_ENDING = 2.0
_KEY_COUNTS = 5.0
"""Seconds for which an environment that was looked at counts as unchanged."""
_PREFIX = "fairihub-forks-"
_LONGEST_PATH = 60
"""What a folder may have of the hundred bytes that the address of a socket may have."""
_INHERITED = re.compile(
    r"PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|USER|LOGNAME|SHELL|LD_LIBRARY_PATH"
    r"|VIRTUAL_ENV|CONDA_PREFIX|SSL_CERT_(FILE|DIR)"
)


class Warmth:
    """The fork servers of one service, which end with it."""

    def __init__(self, settings: HeadlessSettings) -> None:
        self._settings = settings
        self._servers: dict[str, ForkServer] = {}
        self._commands: dict[str, tuple[str, ...]] = {}
        self._ready: dict[str, Path] = {}
        self._living: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[Path, asyncio.subprocess.Process] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._keys: dict[tuple[str, ...], tuple[float, str]] = {}
        self.root = Path()
        self._lock = -1

    def start(self) -> None:
        """Begins with the fork server of workers; that of an environment follows its first use."""
        if not self._settings.warm or sys.platform != "linux":
            return
        _remove_left_over()
        self.root, self._lock = _own_folder()
        self._servers[WORKERS] = ForkServer(WORKERS, float("inf"))
        self._commands[WORKERS] = (sys.executable, "-I")
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ends all of them; what they forked for runs goes on until its run ends."""
        if self._task is None:
            return
        self._task.cancel()
        for task in self._living.values():
            task.cancel()
        await asyncio.wait({self._task, *self._living.values()}, timeout=2 * _ENDING)
        await asyncio.to_thread(shutil.rmtree, self.root, ignore_errors=True)
        os.close(self._lock)
        self._task = None

    def kernels(self) -> dict[str, str]:
        """Where kernels can be had: the folders of fork servers, by environment."""
        return {key: str(place) for key, place in self._ready.items() if key != WORKERS}

    def workers(self) -> Path | None:
        """Where workers can be had."""
        return self._ready.get(WORKERS)

    def used(self, command: Sequence[str]) -> None:
        """A run has executed on a kernel of this command: the next one is to find it warm."""
        if self._task is None or not self._may_be_kept(command):
            return
        key = self._key_of(tuple(command))
        server = self._servers.get(key, ForkServer(key, 0.0))
        self._servers[key] = replace(server, used=time.monotonic())
        self._commands[key] = tuple(command)
        self._changed.set()

    def unheard(self, place: str) -> None:
        """The fork server in this folder stands still: it is ended, and another begun for it."""
        process = self._processes.get(Path(place))
        if process is None or process.returncode is not None:
            return
        log.warning("a fork server does not answer, and is ended")
        self._ready = {key: path for key, path in self._ready.items() if path != Path(place)}
        process.kill()

    def _key_of(self, command: tuple[str, ...]) -> str:
        """It takes many looks at the disk, and runs of an environment follow each other."""
        now = time.monotonic()
        looked, key = self._keys.get(command, (float("-inf"), ""))
        if now - looked > _KEY_COUNTS:
            key = key_of(command)
            self._keys[command] = now, key
        return key

    def _may_be_kept(self, command: Sequence[str]) -> bool:
        """Nothing out of a home is executed by a process that serves others, too."""
        homes = Places(self._settings.data).homes
        return is_ipython(command) and not Path(command[0]).is_relative_to(homes)

    async def _keep(self) -> None:
        while True:
            self._changed.clear()
            # The workers' is one more than those of environments.
            decision = decided(
                self._servers.values(), time.monotonic(),
                self._settings.warm_environments + 1, 60 * self._settings.warm_idle_minutes,
            )  # fmt: skip
            for key in decision.end:
                self._living[key].cancel()
            for key in decision.forget:
                del self._servers[key], self._commands[key]
            for key in decision.begin:
                self._servers[key] = self._servers[key].born(time.monotonic())
                self._living[key] = asyncio.create_task(self._live(key))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), decision.again)

    async def _live(self, key: str) -> None:
        """The life of one fork server."""
        folder = self.root / f"{key[:8]}{int(time.monotonic() * 1000) % 10**6:x}"
        deliberate = False
        try:
            why = await self._served(key, folder)
            log.warning("the fork server for %s has ended: %s", " ".join(self._commands[key]), why)
        except asyncio.CancelledError:
            deliberate = True
        except Exception:
            log.exception("the fork server for %s could not be kept", self._commands[key])
        finally:
            self._ready.pop(key, None)
            self._living.pop(key, None)
            server = self._servers[key]
            self._servers[key] = server.ended() if deliberate else server.died(time.monotonic())
            self._changed.set()
            _tidy(folder)

    async def _served(self, key: str, folder: Path) -> str:
        """Why it has ended by itself."""
        process = self._processes[folder] = await self._begun(key, folder)
        try:
            told = await asyncio.wait_for(process.stdout.readline(), _BEGINNING)  # type: ignore[union-attr]
            if json.loads(told or b"{}").get("ready"):
                self._ready[key] = folder
                told = await process.stdout.read()  # type: ignore[union-attr]
            code = await process.wait()
            return str(json.loads(told)["problem"]) if told else f"exit {code}"
        except (asyncio.TimeoutError, ValueError, KeyError) as problem:
            return f"{type(problem).__name__}: {problem}"
        finally:
            self._ready.pop(key, None)
            del self._processes[folder]
            await _end(process)

    async def _begun(self, key: str, folder: Path) -> asyncio.subprocess.Process:
        home = folder / "home"
        await asyncio.to_thread(home.mkdir, parents=True, mode=0o700)
        kind = "worker" if key == WORKERS else "kernel"
        python, *flags = self._commands[key] if key == WORKERS else self._commands[key][:-4]
        settings, in_main = self._settings, threading.current_thread() is threading.main_thread()
        said = {
            "kind": kind,
            "folder": str(folder),
            "home": str(home),
            "waiting": settings.warm_workers if kind == "worker" else settings.warm_kernels,
            "imports": [] if kind == "worker" else list(settings.warm_imports),
            "mark": MARK,
            "guard_mark": GUARD,
            # The system tells of the end of the thread that began a process.
            "parent": os.getpid() if in_main else 0,
        }
        return await asyncio.create_subprocess_exec(
            python, *flags, str(_PROGRAM), json.dumps(said),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env=environment(os.environ, home),
            start_new_session=True,
        )  # fmt: skip


def environment(here: Mapping[str, str], home: Path) -> dict[str, str]:
    """What a fork server begins with: as a run does, but nobody's; and room for the marks."""
    inherited = {name: value for name, value in here.items() if _INHERITED.fullmatch(name)}
    own = {"HOME": str(home), "PYTHONUNBUFFERED": "1", GUARD: ROOM, MARK: ROOM}
    return {**inherited, **own}


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _ENDING)
    except (asyncio.TimeoutError, asyncio.CancelledError):
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _own_folder() -> tuple[Path, int]:
    """A new folder whose name leaves room for that of a socket; it is locked while we live."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        if len(str(folder)) > _LONGEST_PATH:
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))
        lock = _locked(folder)
        if lock is not None and folder.exists():
            return folder, lock


def _locked(folder: Path) -> int | None:
    """None if it is another's, or has gone."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _remove_left_over() -> None:
    """Removes folders whose service was killed with all that would have removed them."""
    for place in {Path(tempfile.gettempdir()), Path("/tmp")}:  # noqa: S108
        for folder in place.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                if folder.lstat().st_uid != os.geteuid():
                    continue
            lock = _locked(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _tidy(folder: Path) -> None:
    """Removes what a fork server left, but not the folders of kernels: they may be in use."""
    shutil.rmtree(folder / "home", ignore_errors=True)
    for name in (SOCKET, FACTS):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
