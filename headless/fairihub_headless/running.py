"""What a member can do with runs: ask for one, look, dismiss. Knows no HTTP of its own."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from fairihub_core.audit import Entry, Record
from fairihub_core.clock import now, today
from fairihub_core.errors import (
    BadInput,
    Conflict,
    FairihubError,
    Missing,
    Refused,
    Unavailable,
)
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES
from fairihub_core.offers import offers_for
from fairihub_core.parameters import Parameter, validated_parameters
from fairihub_core.places import Places
from fairihub_headless.again import repeated
from fairihub_headless.callers import Caller, Selection
from fairihub_headless.engine.changes import Ended, Progress, Told
from fairihub_headless.engine.local import Engine
from fairihub_headless.errors import Gone, gone, no_such_job, too_many_runs
from fairihub_headless.folders import REPORTS, RunFolder
from fairihub_headless.models import PROCESS, Run, RunState, Source
from fairihub_headless.once import Key, asked_before, kept_once
from fairihub_headless.processes.asking import Asked
from fairihub_headless.processes.echo import new_echo
from fairihub_headless.processes.notebook_request import (
    NotebookRequest,
    asked_of_notebook,
    request_of,
)
from fairihub_headless.reading import told_by
from fairihub_headless.results.bucket import Buckets
from fairihub_headless.results.report import Reports
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.sources import Sources, Taken
from fairihub_headless.store.listing import Filter, Order, Page, Position
from fairihub_headless.store.runs import Store


@dataclass
class Runs:
    """The runs of all members.

    What takes a caller goes as far as they may see; the rest is for what they were shown before.
    """

    store: Store
    engine: Engine
    settings: HeadlessSettings
    sources: Sources
    record: Record
    """Takes what is done to runs of others, for the audit log."""
    buckets: Buckets | None = None
    """Where results are handed out from, if not from this machine's disk alone."""

    def __post_init__(self) -> None:
        self.reports = Reports(self.places.headless / REPORTS)

    @property
    def places(self) -> Places:
        return Places(self.settings.data)

    def folder(self, run: Run) -> RunFolder:
        return RunFolder.of(self.places.headless, run.id)

    async def submit(
        self, asked: Asked, caller: Caller, sent: bytes | None = None,
        key: Key | None = None,
    ) -> Run:  # fmt: skip
        """Accepts a run; once this returns, it survives whatever happens to the service.

        Args:
            sent: the notebook that came with the request, if one did.
            key: what the request is known again by: sent twice, it is one run.

        Raises:
            Conflict: `key-reused`, `job-id-taken`.
            FairihubError: the request, its notebook or its parameters will not do.
        """
        before = await asyncio.to_thread(asked_before, self.store, caller.login, key)
        if before is not None:
            return before
        request = await self._request(asked, caller)
        taken = await self.sources.taken(request, caller.login, caller.token, sent)
        return await self._accept(request, caller, taken, key)

    async def again(
        self, run_id: str, changes: dict[str, Any], caller: Caller, *, whole: bool = False,
        key: Key | None = None,
    ) -> Run:  # fmt: skip
        """Accepts a run of the very notebook that another run was of, with changes.

        Args:
            whole: the parameters in the changes are all that there are to be.

        Raises:
            Missing: `no-such-job`.
            Gone: `expired`, what the run left was deleted, its notebook too.
            FairihubError: by the profiles and limits of today it will not do.
        """
        run = await self.own(run_id, caller)
        before = await asyncio.to_thread(asked_before, self.store, caller.login, key)
        if before is not None:
            return before
        require_repeatable(run)
        asked = asked_of_notebook(repeated(run, changes, whole=whole))
        request = await self._request(asked, caller)
        content = await asyncio.to_thread(self._kept_notebook, run)
        same = request.git_revision == run.git_revision
        wanted = run.source.revision if same else request.git_revision
        commit = await self.sources.commit_of(wanted)
        packages = None if run.environment is None else run.environment.digest
        source = Source(
            kind="run", run=run.id, version=run.source.version, revision=commit, packages=packages
        )
        return await self._accept(request, caller, Taken(content, source), key)

    async def _request(self, asked: Asked, caller: Caller) -> NotebookRequest:
        offers = offers_for(caller.login, caller.directory, today())
        request = await asyncio.to_thread(request_of, asked, offers, self.settings.max_hours * 3600)
        await self._require_room(caller)
        return request

    async def _accept(
        self, request: NotebookRequest, caller: Caller, taken: Taken, key: Key | None
    ) -> Run:
        told = await told_by(taken.content, caller.login)
        parameters = validated_parameters(request.parameters, told.parameters)
        run = await asyncio.to_thread(_new_run, request, parameters, caller.login, taken)
        run = run.model_copy(update={"title": told.title})
        return await self._keep(run, taken.content, key)

    async def declared(self, run: Run) -> tuple[Parameter, ...]:
        """The parameters that the notebook kept with a run declares.

        Raises:
            FairihubError: it is not there as it was.
        """
        content = await asyncio.to_thread(self._kept_notebook, run)
        return (await told_by(content, run.owner)).parameters

    async def pin(self, run_id: str, caller: Caller, *, pinned: bool) -> Run:
        """Keeps what a run left whatever its age, or no more.

        Raises:
            Missing: `no-such-job`.
            Gone: `expired`.
            Conflict: `too-many-pins`.
        """
        run = await self.own(run_id, caller)
        require_kept(run)
        keeping, most = self.store.keeping, self.settings.max_pinned_per_member
        new = pinned and not run.pinned
        if new and await asyncio.to_thread(keeping.pinned_by, caller.login) >= most:
            raise Conflict(
                "too-many-pins", f"You have pinned {most} runs, the most; unpin one first."
            )
        if not await asyncio.to_thread(keeping.pin, run.id, pinned=pinned):
            raise gone(run)
        return await self._known(run.id)

    async def address_of(self, run: Run, name: str) -> str | None:
        """Where a file of a run can be had for a while without any token; None: only here."""
        if self.buckets is None or not self.settings.results_in_bucket:
            return None
        return await asyncio.to_thread(self.buckets.address_of, run, self.folder(run), name)

    async def echo(self, asked: Asked, caller: Caller, key: Key | None = None) -> Run:
        """Accepts an echo, which is a run as every other.

        Raises:
            FairihubError: its inputs will not do, or no team of the caller is open.
        """
        before = await asyncio.to_thread(asked_before, self.store, caller.login, key)
        if before is not None:
            return before
        teams = caller.directory.open_teams_of(caller.login, today())
        if not teams:
            raise Refused("no-team", "None of your teams is open.")
        await self._require_room(caller)
        run = new_echo(asked, caller.login, teams[0].name)
        return await self._keep(run, b"", key)

    async def own(self, run_id: str, caller: Caller) -> Run:
        """A run of the caller, with all that it left.

        Raises:
            Missing: `no-such-job`, also for the run of another.
        """
        run = await self._known(run_id, caller)
        if not caller.owns(run):
            raise no_such_job(run_id)
        return run

    async def seen(self, run_id: str, caller: Caller) -> Run:
        """A run of the caller, or of a team that they look after now.

        Raises:
            Missing: `no-such-job`, also for the run of another.
        """
        run = await self._known(run_id, caller)
        if not caller.sees(run, today()):
            raise no_such_job(run_id)
        return run

    async def page(
        self, seen: Selection, meant: Filter, order: Order, *,
        limit: int, offset: int, place: Position | None,
    ) -> Page:  # fmt: skip
        """A page of those that a caller sees and means."""
        return await asyncio.to_thread(
            self.store.listing.page, seen, meant, order, limit=limit, offset=offset, place=place
        )

    def following(self, run_id: str) -> AbstractContextManager[Told]:
        """What happens to a run, for as long as the block lasts."""
        return self.engine.changes.listening(run_id)

    def reported(self, run_id: str) -> Progress | None:
        """What its notebook reported last, while it runs."""
        return self.engine.changes.reported(run_id)

    async def ended(self, run_id: str, seconds: float) -> Run:
        """The run as soon as it has ended, or as it stands after so many seconds.

        Raises:
            Missing: `no-such-job`.
        """
        with self.following(run_id) as told:
            run = await self._known(run_id)
            if not run.state.ended:
                await told.end(seconds)
                run = await self._known(run_id)
        return run

    async def dismiss(self, run_id: str, caller: Caller, *, ended: bool = True) -> Run:
        """Dismisses a run; its record and what it left stay. Its owner reads who did it.

        Args:
            ended: also a run that has ended, if it is the caller's own: it has no results then.

        Raises:
            Missing: `no-such-job`.
            Gone: `dismissed`, it was dismissed before.
            Conflict: `job-ended`, and nobody but its owner may dismiss it.
        """
        run = await self.seen(run_id, caller)
        ended = ended and caller.owns(run)
        by = "its owner" if caller.owns(run) else f"{caller.login}, {caller.office(run.team)}"
        said = f"Cancelled by {by}."
        if not await asyncio.to_thread(self.store.dismiss, run.id, said, ended=ended):
            run = await self._known(run.id)
            if run.state is not RunState.dismissed:
                raise Conflict("job-ended", f"Job “{run.id}” has ended before: {run.state.value}.")
            raise Gone("dismissed", f"Job “{run.id}” was cancelled before.")
        self.engine.cancel(run.id)
        self.engine.changes.tell(run.id, Ended(RunState.dismissed))
        if not caller.owns(run):
            self.record(_dismissal(run, caller))
        return await self._known(run.id)

    async def _known(self, run_id: str, caller: Caller | None = None) -> Run:
        """A run by its id, or by the name that the caller gave it."""
        run = await asyncio.to_thread(self.store.get, run_id) if len(run_id) <= 64 else None
        if run is None and caller is not None:
            run = await asyncio.to_thread(self.store.of_key, caller.login, run_id)
        if run is None:
            raise no_such_job(run_id)
        return run

    async def _require_room(self, caller: Caller) -> None:
        await asyncio.to_thread(self._require_disk)
        most = self.settings.max_queued_per_member
        if await asyncio.to_thread(self.store.count, caller.login, RunState.accepted) >= most:
            raise too_many_runs(most)

    def _require_disk(self) -> None:
        """A run that cannot write what it brings is better not begun. Blocks."""
        if shutil.disk_usage(self.settings.data).free < self.settings.min_free_bytes:
            raise Unavailable(
                "no-room", "The hub is short of disk: no run is accepted. Tell the operators."
            )

    def _kept_notebook(self, run: Run) -> bytes:
        """The notebook that was kept with a run, if nobody has changed it. Blocks."""
        try:
            with self.folder(run).open_notebook() as file:
                content = file.read(MAX_NOTEBOOK_BYTES + 1)
        except (FairihubError, OSError):
            raise gone(run) from None
        if hashlib.sha256(content).hexdigest() != run.digest:
            raise Conflict(
                "notebook-changed",
                f"The notebook kept with job “{run.id}” is not the one that ran.",
            )
        return content

    async def _keep(self, run: Run, content: bytes, key: Key | None) -> Run:
        if key is not None:
            run = run.model_copy(update={"id": key.id or run.id, "key": key.name,
                                         "fingerprint": key.fingerprint})  # fmt: skip
        try:
            folder = self.folder(run)
            most = self.settings.max_queued_per_member
            run = await asyncio.to_thread(kept_once, self.store, folder, run, content, key, most)
        except OSError:
            raise Unavailable(
                "no-room", "The run could not be stored. Tell the operators that disk is short."
            ) from None
        self.engine.wake()
        return run


def _dismissal(run: Run, caller: Caller) -> Entry:
    return Entry(
        at=now(),
        action="run-dismissed",
        login=run.owner,
        by=caller.login,
        team=run.team,
        detail=f"{run.id}: {run.notebook}",
    )


def require_repeatable(run: Run) -> None:
    """Refuses to repeat what cannot be repeated.

    Raises:
        Gone: `expired`.
        BadInput: `not-repeatable`, it is of a process that keeps no notebook.
    """
    require_kept(run)
    if run.process != PROCESS:
        raise BadInput("not-repeatable", f"Runs of “{run.process}” are not repeated; start one.")


def require_left(run: Run) -> None:
    """Refuses what a run left as long as it is not there as a whole.

    Raises:
        Gone: `expired`.
        Missing: `result-not-ready`, it was dismissed and is not at its end.
    """
    require_kept(run)
    if run.stopping:
        raise Missing("result-not-ready", f"Job “{run.id}” is stopping; ask again in a moment.")


def require_kept(run: Run) -> None:
    """Refuses what needs something that a run left, once that was deleted.

    Raises:
        Gone: `expired`.
    """
    if run.expired is not None:
        raise gone(run)


def _new_run(request: NotebookRequest, parameters: dict[str, Any], owner: str, taken: Taken) -> Run:
    """A run that waits. Blocks: a large notebook takes its time."""
    moment = now()
    return Run(
        id=str(uuid.uuid4()),
        owner=owner,
        team=request.offer.team.name,
        profile=request.offer.name,
        notebook=request.notebook,
        parameters=parameters,
        kernel=request.kernel,
        limits=request.limits,
        output_filename=request.output_filename,
        output_dirname=request.output_dirname,
        result_data_directory=request.result_data_directory,
        git_revision=request.git_revision,
        source=taken.source,
        outputs=request.outputs,
        response=request.response,
        deadline=request.deadline,
        retries=request.retries,
        priority=request.priority,
        digest=hashlib.sha256(taken.content).hexdigest(),
        message="Waiting for its turn.",
        created=moment,
        updated=moment,
    )
