"""Keeps this engine's lease, and takes over the runs of engines that have died."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fairihub_core.errors import Unavailable
from fairihub_core.periodically import Periodically
from fairihub_core.processes import is_gone
from fairihub_headless.engine import processes
from fairihub_headless.engine.attempt import UNSUPERVISED, Attempt
from fairihub_headless.engine.changes import Changes, Ended
from fairihub_headless.engine.here import this_engine, uptime
from fairihub_headless.engine.leases import BEATS_TO_DEATH, BeatsSeen, dead, is_fenced
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import EngineRow, Failure, Run, RunState
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.store.runs import Hold, Store
from fairihub_headless.threads import BEAT, ENGINE, LOOK

log = logging.getLogger("fairihub.headless")

_LOOK_EVERY = 3.0
_FENCE_EVERY = 0.5
_MOST_TROUBLES = 5
_AT_ONCE = 8
"""So many runs are taken over at a time: each may take seconds to end."""
_SAVING = 3.0
"""Seconds that a worker whose service is gone has for its notebook."""
LOST = Failure(
    code="service-stopped",
    message="The service lost its database while this run was executing, and had to end it.",
)
TAKEN = Failure(
    code="service-stopped",
    message="The service stood still while this run was executing, and was taken for dead.",
)


@dataclass
class Keeper:
    """The lease of one engine.

    Args:
        root: where the folders of runs are.
        executes: whether this engine knows that it executes that run.
        lost: called with why this engine's runs are to be ended: others may take them over.
        dismissed: called with a run of this engine that was dismissed, also by another service.
    """

    store: Store
    settings: HeadlessSettings
    changes: Changes
    root: Path
    executes: Callable[[str], bool]
    lost: Callable[[Failure], None]
    dismissed: Callable[[str], None]
    me: EngineRow = field(default_factory=this_engine)
    _renewed: float = 0.0
    _seen: BeatsSeen = field(default_factory=BeatsSeen)
    _troubles: dict[str, int] = field(default_factory=dict)
    """How often a run could not be looked after."""
    _beside: list[Periodically] = field(default_factory=list)

    async def start(self) -> None:
        """Makes this engine known, and begins to look at what others have left."""
        await self._register()
        every = min(_LOOK_EVERY, self.settings.beat_seconds / 2)
        trouble = "the lease of this engine could not be looked after"
        self._beside = [
            Periodically(work, seconds, trouble, log)
            for work, seconds in (
                (self._beat, self.settings.beat_seconds),
                (self.look, every),
                (self._fence, _FENCE_EVERY),
            )
        ]
        for each in self._beside:
            each.start()

    async def stop(self, *, idle: bool) -> None:
        """Ends the lease, at once if nothing is executed any more."""
        for each in self._beside:
            each.stop()
        if idle:
            try:
                await ENGINE.do(self.store.engines.bury, self.me.id)
            except Unavailable:
                log.warning("this engine's end could not be noted; others see that it is gone")

    @property
    def holds(self) -> bool:
        """Whether this engine may begin runs."""
        return not is_fenced(self._renewed, uptime(), self.settings.beat_seconds)

    async def look(self) -> None:
        """One look at the others, and at what became of one's own."""
        for run_id in await LOOK.do(self._look):
            self.dismissed(run_id)

    def _look(self) -> list[str]:
        """Takes over what the dead have left; ids of own runs that were dismissed. Blocks."""
        begun = uptime()
        rows = self.store.engines.all()
        self._seen = self._seen.after_look(rows, begun, 2 * self.settings.beat_seconds)
        lease = BEATS_TO_DEATH * self.settings.beat_seconds
        for engine in dead(self._seen, rows, self.me, lease, _may_live):
            log.warning("engine %s has died", engine)
            self.store.engines.bury(engine)
        held = self.store.held(self.me.id)
        with ThreadPoolExecutor(_AT_ONCE, "taking over") as hands:
            work = partial(self._tried, work=self._take_over)
            list(hands.map(work, self.store.orphans()))
        for run in held:
            self._tried(run, self._look_at_stray)
        return [run.id for run in held if run.state is RunState.dismissed]

    def _tried(self, run: Run, work: Callable[[Run], None]) -> None:
        """One run that makes trouble keeps nobody from the others, and after some tries it ends."""
        try:
            work(run)
            self._troubles.pop(run.id, None)
        except Unavailable:
            raise
        except Exception:
            log.exception("run %s could not be looked after", run.id)
            self._troubles[run.id] = self._troubles.get(run.id, 0) + 1
            if self._troubles[run.id] >= _MOST_TROUBLES:
                hold = Hold(run.id, self.me.id, run.attempt)
                failed = RunState.failed, UNSUPERVISED.message
                if self.store.end(hold, *failed, failure=UNSUPERVISED):
                    self.changes.tell(run.id, Ended(RunState.failed))

    def _take_over(self, orphan: Run) -> None:
        taken = self.store.take_over(orphan, self.me.id)
        if taken is not None:
            log.warning("run %s is taken over from engine %s", taken.id, orphan.engine)
            self._bring_to_an_end(taken)

    def _look_at_stray(self, run: Run) -> None:
        """Ends what this engine holds unknowingly: a connection broke when its claim was kept."""
        if self.executes(run.id):
            return
        now = self.store.get(run.id)
        same = now is not None and (now.engine, now.attempt) == (run.engine, run.attempt)
        if same and not self.executes(run.id):
            log.warning("run %s was claimed, and nobody knew", run.id)
            self._bring_to_an_end(run)

    def _bring_to_an_end(self, run: Run) -> None:
        """Ends what is left of an attempt of another, and says so in the record of the run."""
        # First of all: from here on what it still wants to begin finds no place for it.
        folder = RunFolder.of(self.root, run.id, run.attempt).seal()
        if run.worker_pid is not None and run.worker_born is not None:
            processes.ask_to_end(run.worker_pid, run.worker_born, _SAVING)
        processes.kill_run(run.id, run.worker_pid, run.worker_born)
        attempt = Attempt(run, folder, self.store, self.settings, self.changes)
        attempt.take_over()
        try:
            attempt.record_end()
        except (OSError, Unavailable):
            log.warning("the end of run %s cannot be recorded yet", run.id, exc_info=True)

    async def _register(self) -> None:
        begun = uptime()
        await BEAT.do(self.store.engines.register, self.me)
        self._renewed = begun

    async def _beat(self) -> None:
        me, begun = self.me, uptime()
        if await BEAT.do(self.store.engines.beat, me.id):
            self._renewed = begun
        elif me is self.me:
            log.error("this engine was taken for dead; it ends its runs and begins anew")
            self.lost(TAKEN)
            self.me = this_engine()
            await self._register()

    async def _fence(self) -> None:
        """Time alone ends no run: who stood still, and so did all others, may hold them yet."""
        if self.holds:
            return
        try:
            await asyncio.wait_for(self._beat(), self.settings.beat_seconds / 2)
        except Exception:
            log.error("this engine cannot reach its database, and ends its runs")
            self.lost(LOST)


def _may_live(pid: int, born: float) -> bool:
    return not is_gone(pid, born)
