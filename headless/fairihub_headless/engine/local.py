"""The engine of one machine: takes waiting runs, starts workers, and answers for their end."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from typing import Protocol

from fairihub_core.clock import now, today
from fairihub_core.errors import FairihubError, Unavailable
from fairihub_core.places import Places
from fairihub_core.teams import TeamDirectory
from fairihub_headless.engine.attempt import STOPPED, UNSUPERVISED, Attempt
from fairihub_headless.engine.changes import Changes, Ended, StateChanged
from fairihub_headless.engine.echoing import EchoAttempt
from fairihub_headless.engine.keeping import Keeper
from fairihub_headless.engine.launching import ColdLauncher, Launcher
from fairihub_headless.engine.preparing import prepared
from fairihub_headless.engine.queueing import Pauses, Queue, Slots
from fairihub_headless.engine.strangers import Strangers
from fairihub_headless.engine.usage import Usage
from fairihub_headless.folders import RunFolder
from fairihub_headless.full_disk import is_full, no_room
from fairihub_headless.models import ECHO, Failure, Run, RunState, Waiting
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.store.runs import Store
from fairihub_headless.threads import CHECKING_OUT, ENGINE, PREPARING

log = logging.getLogger("fairihub.headless")

_LOOK_AGAIN = 5.0
"""Seconds after which all that waits is looked at even if nobody said that it changed."""
_OVERLAP = 200
"""A run that was accepted before another may be seen after it; so far back is looked again."""
_LAST_WORDS = 30.0
_ECHOES = 64
"""So many echoes at once, beside the notebooks: they need no processor, and keep none waiting."""
DISMISSED = Failure(code="dismissed", message="Dismissed.")


class Engine(Protocol):
    """Where runs happen: this machine, or a cluster."""

    changes: Changes
    """What happens to runs, for those who follow them."""

    async def start(self) -> None:
        """Brings what an earlier service left to its end, then begins to take runs."""

    async def stop(self) -> None:
        """Ends what runs here; waiting runs are kept for the next start."""

    def wake(self) -> None:
        """A run was accepted."""

    def cancel(self, run_id: str) -> None:
        """A run was dismissed; every process of it ends within three grace periods."""


class LocalEngine:
    """Runs as child processes of this service.

    Args:
        directory: the teams of this moment; raises Unavailable when the hub is silent.
    """

    def __init__(
        self,
        store: Store,
        settings: HeadlessSettings,
        directory: Callable[[], TeamDirectory],
        launcher: Launcher | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._directory = directory
        self._launcher = launcher or ColdLauncher()
        self._root = Places(settings.data).headless
        self.changes = Changes()
        self._queue = Queue(
            Slots(settings.slots, settings.max_runs_per_member, settings.max_runs_per_team)
        )
        self._echoes = Queue(Slots(_ECHOES, settings.max_runs_per_member))
        self._queues = (self._queue, self._echoes)
        self._pauses = Pauses()
        self._strangers = Strangers()
        self._usage = Usage()
        self._claiming: set[str] = set()
        self._dismissed: set[str] = set()
        self._attempts: dict[str, Attempt] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._looked = float("-inf")
        self._seen = 0
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._keeper = Keeper(
            store, settings, self.changes, self._root, self._executes, self._lost, self.cancel
        )

    async def start(self) -> None:
        await self._keeper.start()
        self._loop = asyncio.create_task(self._schedule())

    async def stop(self) -> None:
        self._stopping = True
        self.wake()
        if self._loop is not None:
            await asyncio.wait({self._loop}, timeout=_LAST_WORDS)
            self._loop.cancel()
        for attempt in self._attempts.values():
            attempt.end(STOPPED, quickly=True)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_LAST_WORDS)
        await self._keeper.stop(idle=not (self._tasks or self._claiming))

    def wake(self) -> None:
        self._changed.set()

    def cancel(self, run_id: str) -> None:
        self._drop(run_id)
        if run_id in self._claiming:
            self._dismissed.add(run_id)
        if run_id in self._attempts:
            self._attempts[run_id].end(DISMISSED)

    def running_owners(self) -> set[str]:
        return {attempt.run.owner for attempt in self._attempts.values()}

    def _executes(self, run_id: str) -> bool:
        return run_id in self._claiming or run_id in self._attempts

    def _lost(self, reason: Failure) -> None:
        """Others may take our runs over by now: they must not go on here."""
        for attempt in self._attempts.values():
            attempt.end(reason, quickly=True)

    async def _schedule(self) -> None:
        # Not cancelled: a claim that is under way is heard of.
        while not self._stopping:
            self._changed.clear()
            seconds = _LOOK_AGAIN
            try:
                if self._keeper.holds:
                    seconds = await self._start_what_fits()
            except Unavailable as problem:
                log.warning("no run is started: %s", problem.message)
                self._looked = float("-inf")
            except Exception:
                log.exception("the queue could not be looked at")
                self._looked = float("-inf")
            try:
                await asyncio.wait_for(self._changed.wait(), timeout=max(0.01, seconds))
            except asyncio.TimeoutError:
                continue

    async def _start_what_fits(self) -> float:
        """Starts runs as long as there is room; seconds until it is to be tried again."""
        directory = self._directory()
        due = await self._line_up(directory)
        if await ENGINE.do(self._is_short_of_disk):
            log.warning("no run is started: the disk is nearly full")
            return _LOOK_AGAIN
        taken = [waiting for queue in self._queues for waiting in queue.take()]
        try:
            for waiting in taken:
                if not self._stopping:
                    await self._start(waiting, directory)
        finally:
            for waiting in taken:
                if waiting.id not in self._attempts:
                    self._over(waiting.id)
        return min(due, max(0.0, self._looked + _LOOK_AGAIN - time.monotonic()))

    def _is_short_of_disk(self) -> bool:
        """What begins now would fail for it; what waits is better off."""
        return shutil.disk_usage(self._settings.data).free < self._settings.min_free_bytes

    async def _line_up(self, directory: TeamDirectory) -> float:
        """Brings the queue up to date; seconds until the next pause is over."""
        at = time.monotonic()
        whole = at - self._looked >= _LOOK_AGAIN or self._pauses.falls_due(at)
        after = -1 if whole else self._seen - _OVERLAP
        rows = await ENGINE.do(self._store.waiting, after)
        self._seen = max([self._seen, *(row.seq for row in rows)])
        pairs = {(row.owner, row.team) for row in rows}
        pairs |= self._queue.pairs() | self._echoes.pairs()
        pairs |= {(a.run.owner, a.run.team) for a in self._attempts.values()}
        pairs |= set() if whole else self._strangers.pairs()
        if self._strangers.note(pairs, directory, today(), at) and not whole:
            self._looked = float("-inf")
            return await self._line_up(directory)
        await self._end_runs_of_strangers(rows, at)
        fitting = [row for row in rows if (row.owner, row.team) not in self._strangers]
        ready, due = self._pauses.ready(fitting, now(), at, whole=whole)
        if whole:
            self._looked = at
            for queue in self._queues:
                queue.keep({row.id: row for row in ready if self._queue_of(row) is queue})
        else:
            for row in ready:
                self._queue_of(row).put(row)
        return due

    def _queue_of(self, row: Waiting) -> Queue:
        return self._echoes if row.process == ECHO else self._queue

    def _drop(self, run_id: str) -> None:
        for queue in self._queues:
            queue.drop(run_id)

    def _over(self, run_id: str) -> None:
        for queue in self._queues:
            queue.over(run_id)

    async def _end_runs_of_strangers(self, rows: list[Waiting], at: float) -> None:
        """Ends runs whose owner has been out of the team for the time of grace."""
        gone = self._strangers.gone(self._settings.removal_grace_seconds, at)
        for attempt in self._attempts.values():
            if (attempt.run.owner, attempt.run.team) in gone:
                attempt.end(_no_team(attempt.run.team))
        for row in rows:
            if (row.owner, row.team) not in gone:
                continue
            if await ENGINE.do(self._store.refuse, row.id, _no_team(row.team)):
                self._drop(row.id)
                self.changes.tell(row.id, Ended(RunState.failed))

    async def _start(self, waiting: Waiting, directory: TeamDirectory) -> None:
        """Claims a run and begins to execute it, if it still waits."""
        # Known before it is claimed: a dismissal finds the run or prevents the claim.
        self._claiming.add(waiting.id)
        try:
            run = await ENGINE.do(self._store.claim, waiting.id, self._keeper.me.id)
            if run is None:
                return
            self._attempts[run.id] = attempt = self._attempt(run)
        finally:
            self._claiming.discard(waiting.id)
        if run.id in self._dismissed:
            attempt.end(DISMISSED)
        self._dismissed.discard(run.id)
        self.changes.tell(run.id, StateChanged(run.state, run.message, run.attempt))
        self._tasks[run.id] = asyncio.create_task(self._execute(attempt, directory))

    def _attempt(self, run: Run) -> Attempt:
        made = EchoAttempt if run.process == ECHO else Attempt
        folder = RunFolder.of(self._root, run.id, run.attempt)
        return made(
            run, folder, self._store, self._settings, self.changes, self._launcher, self._usage
        )

    async def _execute(self, attempt: Attempt, directory: TeamDirectory) -> None:
        run = attempt.run
        try:
            if isinstance(attempt, EchoAttempt):
                return await attempt.give_back()
            threads = CHECKING_OUT if run.source.revision is not None else PREPARING
            order, equipment = await threads.do(
                prepared, run, attempt.folder, directory, self._settings, attempt.ending
            )
            await attempt.execute(order, equipment)
        except Unavailable as problem:
            await attempt.fail(UNSUPERVISED.model_copy(update={"message": problem.message}))
        except FairihubError as problem:
            await attempt.fail(Failure(code=problem.code, message=problem.message))
        except OSError as problem:
            log.exception("run %s could not be supervised", run.id)
            await attempt.fail(no_room("its order") if is_full(problem) else UNSUPERVISED)
        except Exception:
            log.exception("run %s could not be supervised", run.id)
            await attempt.fail(UNSUPERVISED)
        finally:
            self._attempts.pop(run.id, None)
            self._tasks.pop(run.id, None)
            self._over(run.id)
            if attempt.waits:
                self._looked = float("-inf")
            self.wake()


def _no_team(team: str) -> Failure:
    return Failure(code="no-team", message=f"Team “{team}” is closed to you.")
