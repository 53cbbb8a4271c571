"""What a member can do with runs: ask for one, look, dismiss. Knows no HTTP of its own."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from fairihub_core.audit import Entry, Record
from fairihub_core.clock import now, today
from fairihub_core.errors import Refused, TooMany, Unavailable
from fairihub_core.notebooks import is_home_path, read_notebook
from fairihub_core.offers import offers_for
from fairihub_core.parameters import parameters_of, validated_parameters
from fairihub_core.places import Places
from fairihub_headless.callers import Caller
from fairihub_headless.engine.changes import Ended
from fairihub_headless.engine.local import Engine
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import Run, RunState
from fairihub_headless.processes.asking import Asked
from fairihub_headless.processes.echo import new_echo
from fairihub_headless.requests import Execution, execution_of
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.sources import CatalogSource, notebook_in_home
from fairihub_headless.store.runs import Store
from fairihub_headless.web.exceptions import Gone, no_such_job


@dataclass
class Runs:
    """The runs of all members; every method works for one caller, as far as they may see."""

    store: Store
    engine: Engine
    settings: HeadlessSettings
    catalog: CatalogSource
    record: Record
    """Takes what is done to runs of others, for the audit log."""

    @property
    def places(self) -> Places:
        return Places(self.settings.data)

    def folder(self, run: Run) -> RunFolder:
        return RunFolder.of(self.places.headless, run.id)

    async def submit(self, body: dict[str, Any], caller: Caller) -> Run:
        """Accepts a run; once this returns, it survives whatever happens to the service.

        Raises:
            FairihubError: the request, its notebook or its parameters will not do.
        """
        offers = offers_for(caller.login, caller.directory, today())
        execution = await asyncio.to_thread(execution_of, body, offers)
        await self._require_room(caller)
        content = await self._content(execution, caller)
        run = await asyncio.to_thread(_new_run, execution, caller.login, content)
        await asyncio.to_thread(self._keep, run, content)
        self.engine.wake()
        return run

    async def echo(self, asked: Asked, caller: Caller) -> Run:
        """Accepts an echo, which is a run as every other.

        Raises:
            FairihubError: its inputs will not do, or no team of the caller is open.
        """
        teams = caller.directory.open_teams_of(caller.login, today())
        if not teams:
            raise Refused("no-team", "None of your teams is open.")
        await self._require_room(caller)
        run = new_echo(asked, caller.login, teams[0].name)
        await asyncio.to_thread(self._keep, run, b"")
        self.engine.wake()
        return run

    async def own(self, run_id: str, caller: Caller) -> Run:
        """A run of the caller, with all that it left.

        Raises:
            Missing: `no-such-job`, also for the run of another.
        """
        run = await self._known(run_id)
        if not caller.owns(run):
            raise no_such_job(run_id)
        return run

    async def seen(self, run_id: str, caller: Caller) -> Run:
        """A run of the caller, or of a team that they look after now.

        Raises:
            Missing: `no-such-job`, also for the run of another.
        """
        run = await self._known(run_id)
        if not (caller.owns(run) or caller.looks_after(run.team, today())):
            raise no_such_job(run_id)
        return run

    async def ended(self, run_id: str, seconds: float) -> Run:
        """The run as soon as it has ended, or as it stands after so many seconds.

        Raises:
            Missing: `no-such-job`.
        """
        with self.engine.changes.listening(run_id) as told:
            run = await self._known(run_id)
            if not run.state.ended:
                await told.end(seconds)
                run = await self._known(run_id)
        return run

    async def dismiss(self, run_id: str, caller: Caller) -> Run:
        """Dismisses a run; its record and what it left stay. Its owner reads who did it.

        Raises:
            Missing: `no-such-job`.
            Gone: `dismissed`, it was dismissed before.
        """
        run = await self.seen(run_id, caller)
        by = "its owner" if caller.owns(run) else f"{caller.login}, {caller.office(run.team)}"
        if not await asyncio.to_thread(self.store.dismiss, run.id, f"Dismissed by {by}."):
            raise Gone("dismissed", f"Job “{run.id}” was dismissed before.")
        self.engine.cancel(run.id)
        self.engine.changes.tell(run.id, Ended(RunState.dismissed))
        if not caller.owns(run):
            self.record(_dismissal(run, caller))
        return await self._known(run_id)

    async def _known(self, run_id: str) -> Run:
        run = await asyncio.to_thread(self.store.get, run_id) if len(run_id) <= 64 else None
        if run is None:
            raise no_such_job(run_id)
        return run

    async def _require_room(self, caller: Caller) -> None:
        most = self.settings.max_queued_per_member
        if await asyncio.to_thread(self.store.count, caller.login, RunState.accepted) >= most:
            raise TooMany(
                "too-many-runs", f"You have {most} runs waiting; wait for some or dismiss them."
            )

    async def _content(self, execution: Execution, caller: Caller) -> bytes:
        if is_home_path(execution.notebook):
            return await asyncio.to_thread(
                notebook_in_home, self.places, execution.offer, caller.login, execution.notebook
            )
        return await self.catalog.notebook(execution.notebook, caller.token)

    def _keep(self, run: Run, content: bytes) -> None:
        try:
            self.folder(run).keep_notebook(content)
            self.store.add(run)
        except OSError:
            raise Unavailable(
                "no-room", "The run could not be stored. Tell the operators that disk is short."
            ) from None


def _dismissal(run: Run, caller: Caller) -> Entry:
    return Entry(
        at=now(),
        action="run-dismissed",
        login=run.owner,
        by=caller.login,
        team=run.team,
        detail=f"{run.id}: {run.notebook}",
    )


def _checked(content: bytes, execution: Execution) -> dict[str, Any]:
    """The parameters, if `content` is a notebook that declares them. Blocks."""
    notebook = read_notebook(content)
    return validated_parameters(execution.parameters, parameters_of(notebook))


def _new_run(execution: Execution, owner: str, content: bytes) -> Run:
    """A run that waits, if `content` will do. Blocks."""
    parameters = _checked(content, execution)
    moment = now()
    return Run(
        id=str(uuid.uuid4()),
        owner=owner,
        team=execution.offer.team.name,
        profile=execution.offer.name,
        notebook=execution.notebook,
        parameters=parameters,
        kernel=execution.kernel,
        limits=execution.limits,
        output_filename=execution.output_filename,
        output_dirname=execution.output_dirname,
        outputs=execution.outputs,
        response=execution.response,
        deadline=execution.deadline,
        retries=execution.retries,
        priority=execution.priority,
        digest=hashlib.sha256(content).hexdigest(),
        message="Waiting for its turn.",
        created=moment,
        updated=moment,
    )
