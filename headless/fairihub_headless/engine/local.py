"""The engine of one machine: takes waiting runs, starts workers, and answers for their end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from fairihub_core.access import require_access
from fairihub_core.clock import today
from fairihub_core.errors import FairihubError, Refused, Unavailable
from fairihub_core.offers import Offer, offers_for
from fairihub_core.places import Places
from fairihub_core.teams import TeamDirectory
from fairihub_headless.engine.attempt import STOPPED, Attempt, recover
from fairihub_headless.engine.changes import Changes
from fairihub_headless.engine.echoing import EchoAttempt
from fairihub_headless.engine.queueing import next_runs
from fairihub_headless.equipment import Equipment, equipment_of
from fairihub_headless.folders import DELIVERY, EXECUTED, RunFolder
from fairihub_headless.models import ECHO, Failure, Run, RunState, WorkOrder
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.sources import folder_in_home
from fairihub_headless.store.runs import Store, Waiting

log = logging.getLogger("fairihub.headless")

_LOOK_AGAIN = 5.0
"""Seconds after which the queue is looked at even if nobody said that it changed."""
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
        self, store: Store, settings: HeadlessSettings, directory: Callable[[], TeamDirectory]
    ) -> None:
        self._store = store
        self._settings = settings
        self._places = Places(settings.data)
        self._directory = directory
        self.changes = Changes()
        self._attempts: dict[str, Attempt] = {}
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._owners: dict[str, str] = {}
        self._strangers: dict[tuple[str, str], float] = {}
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await asyncio.to_thread(self._recover)
        self._loop = asyncio.create_task(self._schedule())

    async def stop(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
        for attempt in self._attempts.values():
            attempt.end(STOPPED, quickly=True)
        if self._starting:
            await asyncio.wait(self._starting.values(), timeout=30)

    def wake(self) -> None:
        self._changed.set()

    def cancel(self, run_id: str) -> None:
        attempt = self._attempts.get(run_id)
        if attempt is not None:
            attempt.end(DISMISSED)

    def running_owners(self) -> set[str]:
        return set(self._owners.values())

    def _recover(self) -> None:
        for run in self._store.left_over():
            log.warning("run %s was left over by an earlier service", run.id)
            recover(run, self._folder(run.id), self._store, self._settings, self.changes)

    async def _schedule(self) -> None:
        while True:
            self._changed.clear()
            try:
                await self._start_what_fits()
            except Unavailable as problem:
                log.warning("no run is started: %s", problem.message)
            except Exception:
                log.exception("the queue could not be looked at")
            try:
                await asyncio.wait_for(self._changed.wait(), timeout=_LOOK_AGAIN)
            except asyncio.TimeoutError:
                continue

    def _note_strangers(self, directory: TeamDirectory, waiting: Sequence[Waiting]) -> None:
        """Notes who has runs for a team that is closed to them, and since when."""
        pairs = {(a.run.owner, a.run.team) for a in self._attempts.values()}
        pairs |= {(w.owner, w.team) for w in waiting}
        self._strangers = {
            (owner, team): self._strangers.get((owner, team), time.monotonic())
            for owner, team in pairs
            if team not in {t.name for t in directory.open_teams_of(owner, today())}
        }

    async def _end_runs_of_strangers(self, waiting: Sequence[Waiting]) -> None:
        """Ends runs whose owner has been out of the team for the time of grace."""
        latest = time.monotonic() - self._settings.removal_grace
        gone = {pair for pair, since in self._strangers.items() if since <= latest}
        for attempt in self._attempts.values():
            if (attempt.run.owner, attempt.run.team) in gone:
                attempt.end(_no_team(attempt.run.team))
        for run in waiting:
            if (run.owner, run.team) in gone:
                await self._fail(run.id, _no_team(run.team))

    async def _start_what_fits(self) -> None:
        directory = self._directory()
        settings = self._settings
        waiting = await asyncio.to_thread(self._store.waiting)
        self._note_strangers(directory, waiting)
        await self._end_runs_of_strangers(waiting)
        fitting = [w for w in waiting if (w.owner, w.team) not in self._strangers]
        for run_id in next_runs(
            fitting, self._owners.values(), settings.max_runs, settings.max_runs_per_member
        ):
            run = await asyncio.to_thread(self._store.get, run_id)
            if run is None:
                continue
            # Known before it is claimed: a dismissal finds the run or prevents the claim.
            made = EchoAttempt if run.process == ECHO else Attempt
            attempt = made(run, self._folder(run_id), self._store, settings, self.changes)
            self._attempts[run_id] = attempt
            if await asyncio.to_thread(self._store.claim, run_id):
                self._owners[run_id] = run.owner
                task = asyncio.create_task(self._execute(attempt, directory))
                self._starting[run_id] = task
            else:
                del self._attempts[run_id]

    async def _execute(self, attempt: Attempt, directory: TeamDirectory) -> None:
        run = attempt.run
        try:
            if isinstance(attempt, EchoAttempt):
                return await attempt.give_back()
            order, equipment = await asyncio.to_thread(self._prepared, run, directory)
            await attempt.execute(order, equipment)
        except FairihubError as problem:
            await self._fail(run.id, Failure(code=problem.code, message=problem.message))
        except Exception:
            log.exception("run %s could not be supervised", run.id)
            message = "The service could not execute this run; its operators can see why."
            await self._fail(run.id, Failure(code="engine-failed", message=message))
        finally:
            self._attempts.pop(run.id, None)
            self._starting.pop(run.id, None)
            self._owners.pop(run.id, None)
            self.wake()

    async def _fail(self, run_id: str, failure: Failure) -> None:
        await asyncio.to_thread(
            self._store.end, run_id, RunState.failed, failure.message, failure=failure
        )

    def _prepared(self, run: Run, directory: TeamDirectory) -> tuple[WorkOrder, Equipment]:
        """What the worker needs, by what the team files say at this moment. Blocks."""
        offer = offer_of(run, directory, today())
        folder = self._folder(run.id)
        equipment = equipment_of(run, offer, folder, self._places, self._settings.s3)
        home = self._places.home(run.team, run.owner)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return work_order(run, home, equipment, self._settings), equipment

    def _folder(self, run_id: str) -> RunFolder:
        return RunFolder.of(self._places.headless, run_id)


def _no_team(team: str) -> Failure:
    return Failure(code="no-team", message=f"Team “{team}” is closed to you.")


def offer_of(run: Run, directory: TeamDirectory, today: date) -> Offer:
    """The offer that pays for `run`, if its owner may still use it.

    Raises:
        Refused: the owner has left, the team has closed, or the profile is gone.
    """
    require_access(run.owner, directory, today)
    for offer in offers_for(run.owner, directory, today):
        if offer.name == run.profile:
            return offer
    raise Refused("unknown-profile", f"Profile “{run.profile}” is no longer one of yours.")


def work_order(run: Run, home: Path, equipment: Equipment, settings: HeadlessSettings) -> WorkOrder:
    """What the worker of `run` is told."""
    cwd = home / folder_in_home(run.notebook)
    wants_copy = run.output_dirname is not None
    return WorkOrder(
        run=run.id,
        cwd=str(cwd if cwd.is_dir() else home),
        home=str(home),
        notebook_name=run.output_filename or EXECUTED,
        kernel=run.kernel,
        parameters=run.parameters,
        deliver_to=f"{DELIVERY}/{run.output_dirname}" if wants_copy else None,
        mem_limit=run.limits.mem_limit,
        secret_names=equipment.secret_names,
        max_output_bytes=settings.max_output_bytes,
        max_log_bytes=settings.max_log_bytes,
    )
