"""One attempt at one run: the worker is started, watched, and ended; the store hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from fairihub_core.errors import FairihubError
from fairihub_core.processes import send
from fairihub_headless.engine import processes
from fairihub_headless.engine.launching import ColdLauncher, Launcher, Worker
from fairihub_headless.equipment import Equipment
from fairihub_headless.folders import MAX_RECORD, RunFolder, read_record
from fairihub_headless.models import Failure, Run, RunState, WorkOrder
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.store.runs import Store

log = logging.getLogger("fairihub.headless")

_TICK = 0.25
_MEMORY_EVERY = 1.0
_RECORD_AGAIN = 2.0
_MAX_EVENTS = 2**20
_LINES = 100
_EVENT = re.compile(
    rb'\{"at": [0-9.]{1,30}, "cell": (?P<cell>[0-9]{1,6}), "cells": (?P<cells>[0-9]{1,6})\}'
)
"""A line as the worker writes it; its file is open to the notebook, so others are skipped."""
STOPPED = Failure(
    code="service-stopped", message="The service was stopped while this run was executing."
)


@dataclass
class Attempt:
    """Supervises the worker of one claimed run until no process of it is left."""

    run: Run
    folder: RunFolder
    store: Store
    settings: HeadlessSettings
    launcher: Launcher = field(default_factory=ColdLauncher)
    _ending: Failure | None = None
    """Why we end it ourselves; None while the worker may go on."""
    _quickly: bool = False
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _read: int = 0
    _made: tuple[int, int] | None = None
    """The mark of the folder where results grow; None if another service made it."""
    _told: bytes | None = None
    """The worker's last words to this service; None if it had no line to this one."""

    def end(self, reason: Failure, *, quickly: bool = False) -> None:
        """Asks for the run to be ended; `quickly` means without the first, kind signal."""
        self._ending = self._ending or reason
        self._quickly = self._quickly or quickly
        self._asked.set()

    async def execute(self, order: WorkOrder, equipment: Equipment) -> None:
        """Starts the worker, waits for its end, and records what became of the run."""
        await asyncio.to_thread(self.folder.prepare, order)
        self._made = await asyncio.to_thread(self.folder.mark)
        if self._asked.is_set():
            return await self._recorded(None)
        worker = await self.launcher.launch(self.folder.path, equipment.environment)
        told = asyncio.ensure_future(_last_words(worker.line))
        try:
            await asyncio.to_thread(self.store.set_worker, self.run.id, worker.pid, worker.born)
            await self._watch(worker)
        finally:
            code = await self._finish(worker)
            self._told = await _within(told)
        await self._recorded(code)

    async def _recorded(self, code: int | None) -> None:
        """Every run reaches its end, also when the database or the disk is away for a while."""
        while True:
            try:
                return await asyncio.to_thread(self.record_end, code)
            except (SQLAlchemyError, OSError):
                log.exception("the end of run %s cannot be recorded yet", self.run.id)
                await asyncio.sleep(_RECORD_AGAIN)

    def record_end(self, code: int | None = None) -> None:
        """Publishes what the run left and brings it to its end state. Blocks.

        The worker's record decides: what it told this service, or what it wrote for this one
        while the service before died. A notebook can reach the file, so it is believed only then.
        """
        witness = self.folder.exit_record() if self._told is None else read_record(self._told)
        self.folder.forget_order()
        with contextlib.suppress(OSError):
            self.folder.publish(self._made)
        run_id, end = self.run.id, self.store.end
        if witness is not None and witness.state == "successful":
            end(run_id, RunState.successful, witness.message or "Done.", cells=witness.cells,
                finished=witness.finished)  # fmt: skip
        elif self._ending is not None:
            end(run_id, RunState.failed, self._ending.message, failure=self._ending)
        else:
            failure = (witness and witness.failure) or _unexplained(code)
            end(run_id, RunState.failed, failure.message, failure=failure)
        self.store.release_worker(run_id)

    async def _watch(self, worker: Worker) -> None:
        """Until the worker has ended or must be ended."""
        deadline = time.monotonic() + self.settings.max_hours * 3600
        next_memory = time.monotonic() + _MEMORY_EVERY
        ended = asyncio.ensure_future(worker.wait())
        asked = asyncio.ensure_future(self._asked.wait())
        try:
            while not (ended.done() or asked.done()):
                await asyncio.wait(
                    {ended, asked}, timeout=_TICK, return_when=asyncio.FIRST_COMPLETED
                )
                await self._follow_events()
                if time.monotonic() > deadline:
                    self.end(_too_long(self.settings.max_hours))
                if time.monotonic() > next_memory:
                    await self._check_memory(worker.pid, worker.born)
                    next_memory = time.monotonic() + _MEMORY_EVERY
            if not ended.done():
                await self._signal(worker, ended)
        finally:
            asked.cancel()
            ended.cancel()

    async def _signal(self, worker: Worker, ended: asyncio.Future[Any]) -> None:
        """SIGINT to end the cell, then SIGTERM to all; what still lives is killed afterwards."""
        grace = self.settings.cancel_grace
        if not self._quickly:
            worker.signal(signal.SIGINT)
            await asyncio.wait({ended}, timeout=grace)
        if not ended.done():
            tree = await asyncio.to_thread(processes.tree_of, worker.pid, worker.born)
            await asyncio.to_thread(send, tree, signal.SIGTERM)
            await asyncio.wait({ended}, timeout=min(grace, 1.0) if self._quickly else grace)

    async def _finish(self, worker: Worker) -> int | None:
        """No process of the run is left after this, however the worker ended."""
        # A worker that ends well on Linux has swept up below itself.
        clean = worker.returncode == 0 and sys.platform == "linux"
        if not clean:
            gone = await asyncio.to_thread(processes.kill_run, self.run.id, worker.pid, worker.born)
            if not gone:
                log.error("processes of run %s cannot be killed", self.run.id)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(worker.wait(), timeout=10)
        worker.close()
        await self._follow_events()
        return worker.returncode

    async def _follow_events(self) -> None:
        latest = await asyncio.to_thread(self._new_event)
        if latest is not None:
            await asyncio.to_thread(self.store.progress, self.run.id, *latest)

    def _new_event(self) -> tuple[int, int] | None:
        """What the last good line says of those that were written since the last look."""
        try:
            with self.folder.open("events.jsonl") as file:
                file.seek(self._read)
                fresh = file.read(_MAX_EVENTS)
        except (FairihubError, OSError):
            return None
        whole, newline, _ = fresh.rpartition(b"\n")
        if not newline:
            # What fills all there is without an end is no line of the worker's.
            self._read += len(fresh) if len(fresh) == _MAX_EVENTS else 0
            return None
        self._read += len(whole) + 1
        lines = whole.split(b"\n")[-_LINES:]
        return next((event for line in reversed(lines) if (event := _event(line))), None)

    async def _check_memory(self, pid: int, born: float) -> None:
        limit = self.run.limits.mem_limit
        if limit is None:
            return
        used = await asyncio.to_thread(processes.memory_of, pid, born)
        if used > limit:
            self.end(_too_much(limit), quickly=True)


def recover(run: Run, folder: RunFolder, store: Store, settings: HeadlessSettings) -> None:
    """Ends what is left of a run whose service has died, and says so in its record. Blocks."""
    processes.kill_run(run.id, run.worker_pid, run.worker_born)
    attempt = Attempt(run, folder, store, settings)
    if folder.exit_record() is None:
        attempt.end(STOPPED)
    attempt.record_end()


def _event(line: bytes) -> tuple[int, int] | None:
    """Cells done and cells in all; None for what the worker cannot have written."""
    found = _EVENT.fullmatch(line)
    done, cells = (int(found["cell"]), int(found["cells"])) if found else (1, 0)
    return (done, cells) if done <= cells else None


async def _last_words(line: asyncio.StreamReader) -> bytes:
    """All that the worker says to its service."""
    said = bytearray()
    while len(said) < MAX_RECORD and (part := await line.read(65536)):
        said += part
    return bytes(said)


async def _within(told: asyncio.Future[bytes]) -> bytes:
    """What was told; nothing if something holds the line open after the end."""
    try:
        return await asyncio.wait_for(told, timeout=2)
    except asyncio.TimeoutError:
        return b""


def _unexplained(code: int | None) -> Failure:
    """For a worker that left no record; mostly the system ended it for want of memory."""
    how = f" by signal {-code}" if code is not None and code < 0 else ""
    return Failure(
        code="worker-died",
        message=f"The process of this run was ended{how} before it could say why; often the "
        "machine was short of memory.",
    )


def _too_long(hours: float) -> Failure:
    return Failure(
        code="deadline", message=f"The run took longer than {hours:g} hours and was ended."
    )


def _too_much(limit: int) -> Failure:
    return Failure(
        code="out-of-memory",
        message=f"The run used more than its {limit / 2**30:.2f} GiB of memory and was ended.",
    )
