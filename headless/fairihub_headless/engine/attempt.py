"""One attempt at one run: the worker is started, watched, and ended; the store hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fairihub_core.cgroups import Group
from fairihub_core.clock import now
from fairihub_core.errors import Unavailable
from fairihub_core.processes import is_still, send
from fairihub_core.units import human_bytes
from fairihub_headless.engine import processes
from fairihub_headless.engine.changes import CellDone, Changes, Ended, Progress, StateChanged
from fairihub_headless.engine.groups import bounds_memory, group_for, group_of
from fairihub_headless.engine.last_words import say_last
from fairihub_headless.engine.launching import ColdLauncher, Launcher, Worker
from fairihub_headless.engine.retrying import Failed, Retry, verdict
from fairihub_headless.engine.room import Room, too_large
from fairihub_headless.engine.usage import Usage
from fairihub_headless.equipment import Equipment
from fairihub_headless.folders import RunFolder
from fairihub_headless.full_disk import is_full, no_room
from fairihub_headless.line import Cells, KernelUp, Reported, heard
from fairihub_headless.models import Environment, ExitRecord, Failure, Run, RunState, WorkOrder
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.store.runs import AttemptProgress, Hold, Store
from fairihub_headless.threads import ENGINE

log = logging.getLogger("fairihub.headless")

_FIRST_LOOK = 0.4
_LOOK_EVERY = 1.0
_RECORD_AGAIN = 2.0
_LAST_MOMENT = 5.0
"""Seconds that a worker may take to end after its last word."""
STOPPED = Failure(
    code="service-stopped", message="The service was stopped while this run was executing."
)
UNHEARD = Failure(
    code="worker-died",
    message="The process of this run was not heard of when it began, and was ended.",
)
UNSUPERVISED = Failure(
    code="engine-failed",
    message="The service could not execute this run; its operators can see why.",
)
MOVED = Failure(
    code="engine-failed",
    message="What this run left cannot be shown: its folder was moved, replaced or removed.",
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
    usage: Usage = field(default_factory=Usage)
    _ending: Failure | None = None
    """Why we end it ourselves; None while the worker may go on."""
    _quickly: bool = False
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    ending: threading.Event = field(default_factory=threading.Event)
    """Set when it is asked to end, for what is done for it in other threads."""
    _made: tuple[int, int] | None = None
    """The mark of the folder where results grow; None if another service made it."""
    _told: ExitRecord | None = None
    """The worker's last words to this service."""
    _heard: bool = False
    """Whether there was a line to the worker: only without one its file is believed."""
    _started: bool = False
    """Whether code of the notebook may have run."""
    waits: bool = False
    """Whether the run waits for another attempt after this one."""
    _beside: int | None = None
    """The process above a kernel that is not below the worker."""
    _group: Group = field(default_factory=Group)
    """What the kernel is confined to, with all that it starts."""
    _bounded: bool = True
    """Whether the kernel is in that group, as far as its worker has told."""
    _environment: Environment | None = None
    _said_last: bool = False
    _news: dict[str, Any] = field(default_factory=dict)
    """What the store has not been told yet."""

    @property
    def hold(self) -> Hold:
        return Hold(self.run.id, self.run.engine or "", self.run.attempt)

    def end(self, reason: Failure, *, quickly: bool = False) -> None:
        """Asks for the run to be ended; `quickly` means without the first, kind signal."""
        self._ending = self._ending or reason
        self._quickly = self._quickly or quickly
        self._asked.set()
        self.ending.set()

    async def execute(self, order: WorkOrder, equipment: Equipment) -> None:
        """Starts the worker, waits for its end, and records what became of the run."""
        try:
            code = await self._executed(order, equipment)
        finally:
            if not await ENGINE.do(self._group.end):
                log.error("the control group of run %s cannot be removed", self.run.id)
        await self._recorded(code)

    async def _executed(self, order: WorkOrder, equipment: Equipment) -> int | None:
        """The code with which the worker ended, if there was one."""
        await ENGINE.do(self._prepare, order)
        self._heard = True
        if self._asked.is_set():
            return None
        worker = await self.launcher.launch(self.folder.place, equipment.environment)
        if worker.lost:
            self.end(UNHEARD)
        told = asyncio.ensure_future(self._listen(worker))
        try:
            await self._watch(worker, told)
        finally:
            code = await self._finish(worker)
            with contextlib.suppress(asyncio.TimeoutError):
                # Something may hold the line open after the end.
                await asyncio.wait_for(told, timeout=2)
        return code

    def _prepare(self, order: WorkOrder) -> None:
        self._group = group_for(self.run)
        told = {"warm": self.launcher.kernels(), "group": tuple(map(str, self._group.folders))}
        self.folder.prepare(order.model_copy(update=told))
        self._made = self.folder.mark()

    async def fail(self, failure: Failure) -> None:
        """Records that there was no attempt worth the name."""
        self._heard = True
        self._ending = self._ending or failure
        await self._recorded(None)

    async def finished(self, record: ExitRecord | None) -> None:
        """Records what needed no worker and has left its results; None: it was ended."""
        self._made = await ENGINE.do(self.folder.mark)
        self._heard, self._told = True, record
        await self._recorded(None)

    def take_over(self) -> None:
        """This is what another engine left: its worker has been heard by nobody here."""
        self._started = self.run.environment is not None
        group_of(self.run).end()
        self.folder.open_up()
        if self.folder.exit_record() is None:
            self._ending = STOPPED

    async def _recorded(self, code: int | None) -> None:
        """Every run reaches its end, also when the database or the disk is away for a while."""
        while True:
            try:
                return await ENGINE.do(self.record_end, code)
            except (Unavailable, OSError):
                log.warning("the end of run %s cannot be recorded yet", self.run.id, exc_info=True)
                await asyncio.sleep(_RECORD_AGAIN)

    def record_end(self, code: int | None = None) -> None:
        """Publishes what the run left and brings it to its end state, or lets it wait. Blocks.

        The worker's record decides: what it told this service, or what it wrote for this one
        while the service before died. A notebook can reach the file, so it is believed only then.
        """
        self.folder.open_up()
        witness = self._told if self._heard else self.folder.exit_record()
        self.folder.forget_order()
        started = self._started or self.folder.may_have_started()
        found = verdict(self.run, witness, self._ending, code, started=started)
        if isinstance(found, Failed) and found.again is not None:
            moved = self.waits = self._wait(found.failure, found.again)
            if not moved and self._was_dismissed():  # what it left stays
                self._publish()
        else:
            if self._ending is not None or witness is None:
                self._say_last(found)
            moved = self._end(found)
        # Of a run that is another's by now nothing is removed, least of all that it had started.
        if self._tell(moved):
            self.folder.clear()

    def _say_last(self, found: ExitRecord | Failed) -> None:
        """Once, as long as the run is ours: who or what ended it."""
        run = self.store.get(self.run.id)
        if self._said_last or run is None or (run.engine, run.attempt) != self.hold[1:]:
            return
        self._said_last = True
        words = found.failure.message if isinstance(found, Failed) else ""
        if words := run.message if run.state is RunState.dismissed else words:
            say_last(self.folder.log, words)

    def _end(self, found: ExitRecord | Failed) -> bool:
        unseen = self._publish()  # what cannot be shown as a whole is not, and that is no success
        if isinstance(found, Failed):
            return self._end_failed(found.failure)
        # Here, too, since a disk is filled between two looks.
        if wrong := unseen or too_large(self.folder.files, self.settings.max_results_bytes):
            self._say_last(Failed(wrong, None))
            return self._end_failed(wrong)
        return self.store.end(
            self.hold, RunState.successful, found.message or "Done.", cells=found.cells,
            finished=found.finished, environment=self._environment,
        )  # fmt: skip

    def _end_failed(self, failure: Failure) -> bool:
        return self.store.end(
            self.hold, RunState.failed, failure.message, failure=failure,
            environment=self._environment, cell=self._news.get("cell"),
            cells=self._news.get("cells"),
        )  # fmt: skip

    def _publish(self) -> Failure | None:
        """Shows what the run left; why not, if it cannot."""
        try:
            self.folder.publish(self._made)
        except OSError as problem:
            return no_room("what it left") if is_full(problem) else MOVED
        return None

    def _was_dismissed(self) -> bool:
        """Whether it is this attempt that was; a later one may be under way already."""
        run = self.store.get(self.run.id)
        if run is None or (run.engine, run.attempt) != (None, self.run.attempt):
            return False
        return run.state is RunState.dismissed

    def _wait(self, failure: Failure, again: Retry) -> bool:
        """Lets the run wait for its next attempt, and says until when."""
        until = now() + timedelta(seconds=again.pause) if again.pause else None
        when = f"at {until:%H:%M:%S} UTC" if until else "at once"
        message = f"Begins again {when}: {failure.message}"
        return self.store.again(
            self.hold, message, failure, until, lost=again.lost, waited=again.waited
        )

    def _tell(self, moved: bool) -> bool:
        """Tells who follows it how the run stands; whether this attempt at it is over for all."""
        run = self.store.get(self.run.id)
        if run is None:
            return True
        over = moved or (run.state.ended and run.engine is None)
        if not over:
            log.warning("run %s is another engine's by now", run.id)
        elif run.state.ended:
            self.changes.tell(run.id, Ended(run.state))
        else:
            self.changes.tell(run.id, StateChanged(run.state, run.message, run.attempt))
        return over

    async def _watch(self, worker: Worker, told: asyncio.Future[None]) -> None:
        """Until the worker has ended or must be ended."""
        ended = asyncio.ensure_future(worker.wait())
        asked = asyncio.ensure_future(self._asked.wait())
        beside = asyncio.ensure_future(self._look_on(worker))
        most = self.settings.max_hours * 3600
        seconds = min(self.run.deadline or most, most)
        try:
            first: set[asyncio.Future[Any]] = {ended, asked, told}
            await asyncio.wait(first, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if self._told is not None:
                await asyncio.wait({ended}, timeout=_LAST_MOMENT)
            elif not (ended.done() or asked.done() or told.done()):
                self.end(_too_long(seconds, most))
            elif told.done():  # its line has ended, and so it will itself
                await asyncio.wait({ended, asked}, timeout=_LAST_MOMENT,
                                   return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
            if not ended.done() and self._told is None:
                await self._signal(worker, ended)
        finally:
            for task in (ended, asked, beside):
                task.cancel()

    async def _listen(self, worker: Worker) -> None:
        """Passes on what the worker says, as it says it."""
        self._news.update(worker_pid=worker.pid, worker_born=worker.born)
        async for said in heard(worker.line):
            if isinstance(said, ExitRecord):
                self._told = said
            elif isinstance(said, KernelUp):
                self._started, self._beside = True, said.guardian
                self._bounded = said.bounded
                self.launcher.used(said.command)
                if said.unheard is not None:
                    self.launcher.unheard(said.unheard)
                self._environment = self._news["environment"] = said.environment
            elif isinstance(said, Cells):
                words = f"{said.done} of {said.cells} cells done."
                self._news.update(cell=said.done, cells=said.cells, message=words)
                self.changes.tell(self.run.id, CellDone(said.done, said.cells))
            elif isinstance(said, Reported):
                if said.message:
                    self._news["message"] = said.message
                self.changes.tell(self.run.id, Progress(said.fraction, said.message))

    async def _look_on(self, worker: Worker) -> None:
        """What is done once a second: the store hears of progress, limits are looked at."""
        room = Room(self.folder.work, self.settings.max_results_bytes)
        await asyncio.sleep(_FIRST_LOOK)
        while True:
            news, self._news = self._news, {}
            try:
                if news:
                    await ENGINE.do(self.store.progress, self.hold, AttemptProgress(**news))
            except Unavailable:
                self._news = {**news, **self._news}
            await self._check_memory(worker.pid, worker.born)
            if too_much := await ENGINE.do(room.look):
                self.end(too_much, quickly=True)
            await asyncio.sleep(_LOOK_EVERY)

    async def _signal(self, worker: Worker, ended: asyncio.Future[Any]) -> None:
        """SIGINT to end the cell, then SIGTERM to all; what still lives is killed afterwards."""
        grace = self.settings.cancel_grace_seconds
        if not self._quickly:
            with contextlib.suppress(ProcessLookupError):
                worker.signal(signal.SIGINT)
            await asyncio.wait({ended}, timeout=grace)
        if not ended.done():
            tree = await ENGINE.do(processes.tree_of, worker.pid, worker.born)
            await ENGINE.do(send, tree, signal.SIGTERM)
            await asyncio.wait({ended}, timeout=min(grace, 1.0) if self._quickly else grace)

    async def _finish(self, worker: Worker) -> int | None:
        """No process of the run is left after this, however the worker ended."""
        # A worker that ends well on Linux has swept up below itself.
        clean = worker.returncode == 0 and sys.platform == "linux"
        # A kernel beside it has a guardian for that, which a notebook can kill.
        clean &= self._beside is None or bool(self._told and self._told.swept)
        if not clean:
            ids = self.run.id, worker.pid, worker.born
            if not await ENGINE.do(processes.kill_run, *ids, self._is_ours):
                log.error("processes of run %s cannot be killed", self.run.id)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(worker.wait(), timeout=10)
        worker.close()
        return worker.returncode

    def _is_ours(self) -> bool:
        """Whether no other engine has taken the run over; as long as nobody can ask, none has."""
        with contextlib.suppress(Unavailable):
            found = self.store.get(self.run.id)
            return found is not None and (found.engine, found.attempt) == self.hold[1:]
        return True

    async def _check_memory(self, pid: int, born: float) -> None:
        limit = self.run.limits.mem_limit
        if limit is None or (self._bounded and bounds_memory(self._group)):
            return
        used = await ENGINE.do(self.usage.below, pid, *([self._beside] if self._beside else ()))
        if used > limit and is_still(pid, born):
            self.end(_too_much(limit), quickly=True)


def _too_long(seconds: float, most: float) -> Failure:
    whose = "its own limit" if seconds < most else "the limit of this hub"
    long = f"{seconds:g} seconds" if seconds < 600 else f"{seconds / 3600:.3g} hours"
    return Failure(
        code="deadline", message=f"The run took longer than {long}, {whose}, and was ended."
    )


def _too_much(limit: int) -> Failure:
    return Failure(
        code="out-of-memory",
        message=f"The run used more than its {human_bytes(limit)} of memory and was ended.",
    )
