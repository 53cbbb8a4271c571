"""One attempt at one run: the worker is started, watched, and ended; the store hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from fairihub_core.processes import send
from fairihub_headless.engine import processes
from fairihub_headless.engine.changes import CellDone, Changes, Progress
from fairihub_headless.engine.launching import ColdLauncher, Launcher, Worker
from fairihub_headless.equipment import Equipment
from fairihub_headless.folders import RunFolder
from fairihub_headless.line import Cells, Reported, heard
from fairihub_headless.models import ExitRecord, Failure, Run, RunState, WorkOrder
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.store.runs import Store

log = logging.getLogger("fairihub.headless")

_PROGRESS_EVERY = 1.0
_RECORD_AGAIN = 2.0
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
    changes: Changes
    launcher: Launcher = field(default_factory=ColdLauncher)
    _ending: Failure | None = None
    """Why we end it ourselves; None while the worker may go on."""
    _quickly: bool = False
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _made: tuple[int, int] | None = None
    """The mark of the folder where results grow; None if another service made it."""
    _told: ExitRecord | None = None
    """The worker's last words to this service."""
    _heard: bool = False
    """Whether there was a line to the worker: only without one its file is believed."""
    _cells: Cells | None = None
    """What the store is to be told when it was not told anything for a while."""

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
        worker = await self.launcher.launch(self.folder.place, equipment.environment)
        told = asyncio.ensure_future(self._listen(worker))
        try:
            await asyncio.to_thread(self.store.set_worker, self.run.id, worker.pid, worker.born)
            await self._watch(worker)
        finally:
            code = await self._finish(worker)
            with contextlib.suppress(asyncio.TimeoutError):
                # Something may hold the line open after the end.
                await asyncio.wait_for(told, timeout=2)
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
        witness = self._told if self._heard else self.folder.exit_record()
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
        ended = asyncio.ensure_future(worker.wait())
        asked = asyncio.ensure_future(self._asked.wait())
        beside = asyncio.ensure_future(self._keep_watch(worker, deadline))
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await self._signal(worker, ended)
        finally:
            for task in (ended, asked, beside):
                task.cancel()

    async def _listen(self, worker: Worker) -> None:
        """Passes on what the worker says, as it says it."""
        self._heard = True
        async for said in heard(worker.line):
            if isinstance(said, ExitRecord):
                self._told = said
            elif isinstance(said, Cells):
                self._cells = said
                self.changes.tell(self.run.id, CellDone(said.done, said.cells))
            elif isinstance(said, Reported):
                self.changes.tell(self.run.id, Progress(said.fraction, said.message))

    async def _keep_watch(self, worker: Worker, deadline: float) -> None:
        """What is done once a second: the store hears of progress, limits are looked at."""
        while True:
            await asyncio.sleep(_PROGRESS_EVERY)
            if time.monotonic() > deadline:
                self.end(_too_long(self.settings.max_hours))
            cells, self._cells = self._cells, None
            if cells is not None:
                await asyncio.to_thread(self.store.progress, self.run.id, cells.done, cells.cells)
            await self._check_memory(worker.pid, worker.born)

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
        return worker.returncode

    async def _check_memory(self, pid: int, born: float) -> None:
        limit = self.run.limits.mem_limit
        if limit is None:
            return
        used = await asyncio.to_thread(processes.memory_of, pid, born)
        if used > limit:
            self.end(_too_much(limit), quickly=True)


def recover(
    run: Run, folder: RunFolder, store: Store, settings: HeadlessSettings, changes: Changes
) -> None:
    """Ends what is left of a run whose service has died, and says so in its record. Blocks."""
    processes.kill_run(run.id, run.worker_pid, run.worker_born)
    attempt = Attempt(run, folder, store, settings, changes)
    if folder.exit_record() is None:
        attempt.end(STOPPED)
    attempt.record_end()


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
