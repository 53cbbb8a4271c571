"""The addresses of OGC API Processes: each method asks the runs and shows the answer."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, BinaryIO

from tornado.web import stream_request_body

from fairihub_core.clock import today
from fairihub_core.errors import BadInput, FairihubError, Missing, TooLarge
from fairihub_core.scopes import READ_RUNS
from fairihub_headless.callers import selection_of
from fairihub_headless.folders import EXECUTED
from fairihub_headless.models import PROCESS, FileList, Run, RunState
from fairihub_headless.payload import MAX_BODY, json_object
from fairihub_headless.results.left import (
    executed_notebook,
    file_of,
    files_of,
    glued,
    type_of,
)
from fairihub_headless.web import pages, views
from fairihub_headless.web.base_handler import Base
from fairihub_headless.web.exceptions import Gone
from fairihub_headless.web.openapi import openapi_document

_CHUNK = 256 * 1024
_DROPPED = 64 * 2**20
"""A body that is too large is read so far and dropped, to be answered."""

_OUR_FAULT = {"engine-failed", "worker-failed", "worker-died", "service-stopped"}


class RunFailed(FairihubError):
    """The results of a run that failed by its notebook, its parameters or its limits."""

    status = 422


class RunLost(FairihubError):
    """The results of a run that failed through no fault of its own."""

    status = 500


class Landing(Base):
    async def get(self) -> None:
        if self.wants_page:  # whoever comes from the hub's pages looks for their runs
            self.visitor.require(READ_RUNS)
            await _answer_jobs(self)
        else:
            title = f"Runs of {self.service.name}"
            self.answer(views.landing(self.base, self.service.name), title)


class Conformance(Base):
    def get(self) -> None:
        told = {"conformsTo": list(views.CONFORMANCE)}
        self.answer(told, "Conformance", content=lambda: pages.conformance(told, self.base))


class OpenApi(Base):
    def get(self) -> None:
        title = f"Runs of {self.service.name}"
        told = openapi_document(
            self.settings["routes"], self.base, title, self.service.brand.hub_url
        )
        self.answer(told, "The API", content=lambda: pages.api(told, self.base))


class Processes(Base):
    def get(self) -> None:
        told = views.process_list(self.base)
        self.answer(told, "Processes", content=lambda: pages.processes(told, self.base))


class Process(Base):
    def get(self, processID: str) -> None:
        _require_process(processID)
        told, brand = views.process_description(self.base), self.service.brand
        content = partial(pages.process, told, self.base, brand)
        self.answer(told, "Run a notebook", content=content)


@stream_request_body
class Execution(Base):
    """Takes its body piece by piece, so that one that is too large can be answered.

    A refusal waits until the body has come: an answer before that would cost the connection,
    which the proxy may be about to use again.
    """

    async def prepare(self) -> None:
        self._received = bytearray()
        self._refusal: FairihubError | None = None
        self.request.connection.set_max_body_size(_DROPPED)  # type: ignore[union-attr]
        try:
            await super().prepare()
        except FairihubError as refusal:
            if self.request.method != "POST":
                raise
            self._refusal = refusal

    def data_received(self, chunk: bytes) -> None:
        if self._refusal is None and len(self._received) + len(chunk) > MAX_BODY:
            self._refusal = TooLarge(
                "too-large", f"The body is too large: {MAX_BODY // 2**20} MiB at most."
            )
        if self._refusal is None:
            self._received += chunk

    async def post(self, processID: str) -> None:
        if self._refusal is not None:
            raise self._refusal
        _require_process(processID)
        body = await asyncio.to_thread(json_object, bytes(self._received))
        run = await self.runs.submit(body, self.caller)
        status = await asyncio.to_thread(views.status_info, run, self.base, own=True)
        self.set_header("Location", f"{self.base}jobs/{run.id}")
        if "respond-async" in self.request.headers.get("Prefer", ""):
            self.set_header("Preference-Applied", "respond-async")
        self.answer(status, "Accepted", status=201)


class Jobs(Base):
    async def get(self) -> None:
        await _answer_jobs(self)


async def _answer_jobs(handler: Base) -> None:
    caller, base = handler.caller, handler.base
    asked = views.Asked(
        limit=handler.whole_number("limit", 50, most=1000, least=1),
        offset=handler.whole_number("offset", 0, most=10**9),
        states=tuple(_state(text) for text in handler.get_query_arguments("status")),
        team=handler.get_query_argument("team", None) or None,
        owner=handler.get_query_argument("owner", None) or None,
    )
    meant = selection_of(caller, asked.team, asked.owner, today())
    runs, total = await asyncio.to_thread(
        handler.runs.store.page, meant, asked.states, asked.limit, asked.offset
    )
    jobs = await asyncio.to_thread(views.job_list, runs, total, base, asked, caller.login)
    shown = pages.Shown(asked, meant.owner == caller.login, caller.lists(today()))
    handler.answer(
        jobs, shown.title, content=lambda: pages.runs(jobs, shown, base, handler.service.brand)
    )


class Job(Base):
    async def get(self, jobID: str) -> None:
        run = await self.runs.seen(jobID, self.caller)
        own = self.caller.owns(run)
        status = await asyncio.to_thread(views.status_info, run, self.base, own=own)
        left = await asyncio.to_thread(self._left, run) if self.wants_page else pages.Left()
        content = partial(pages.run, status, left, self.base, own=own)
        self.answer(status, f"Run of {run.notebook}", content=content)

    def _left(self, run: Run) -> pages.Left:
        """What the run left its owner, as far as it is there. Blocks."""
        if not self.caller.owns(run):
            return pages.Left()
        files = _files_of(self, run).files
        brought = _results_of(self, run) if run.state is RunState.successful else {}
        return pages.Left(files, brought.get("scraps", {}))

    async def delete(self, jobID: str) -> None:
        run = await self.runs.dismiss(jobID, self.caller)
        own = self.caller.owns(run)
        status = await asyncio.to_thread(views.status_info, run, self.base, own=own)
        self.answer(status, "Dismissed")


class Cancel(Base):
    """For people, in place of DELETE: asks whether they mean it, and takes a form for an answer."""

    async def get(self, jobID: str) -> None:
        run = await self.runs.seen(jobID, self.caller)
        if run.state.ended or not self.wants_page:
            self.redirect(f"{self.base}jobs/{run.id}", status=303)
            return
        token = self.xsrf_token
        xsrf = token.decode() if isinstance(token, bytes) else token
        own = self.caller.owns(run)
        status = await asyncio.to_thread(views.status_info, run, self.base, own=own)
        content = partial(pages.cancel, status, xsrf, self.base, own=own)
        self.answer(status, "Cancel this run?", content=content)

    async def post(self, jobID: str) -> None:
        run = await self.runs.seen(jobID, self.caller)
        if not run.state.ended:  # what ended meanwhile keeps its results
            await self.runs.dismiss(jobID, self.caller)
        self.redirect(f"{self.base}jobs/{run.id}", status=303)


class Results(Base):
    async def get(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        _require_results(run)
        document = await asyncio.to_thread(_results_of, self, run)
        content = partial(pages.results, document, run.id, self.base)
        self.answer(document, f"Results of {run.notebook}", content=content)


class Files(Base):
    async def get(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        left = await asyncio.to_thread(_files_of, self, run)
        content = partial(pages.files, left.files, run.id, self.base)
        self.answer(left, f"Files of {run.notebook}", content=content)


class File(Base):
    async def get(self, jobID: str, name: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        file = await asyncio.to_thread(file_of, self.runs.folder(run), name)
        self.set_header("Content-Type", type_of(name))
        # What a notebook wrote must never act in the hub's name.
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        self.set_header("Content-Disposition", "attachment")
        await _stream(self, file)


class Logs(Base):
    async def get(self, jobID: str) -> None:
        run = await self.runs.seen(jobID, self.caller)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        try:
            file = await asyncio.to_thread(self.runs.folder(run).open, "log.txt")
        except Missing:  # not begun
            await self.finish(b"")
        else:
            await _stream(self, file)


def _files_of(handler: Base, run: Run) -> FileList:
    """The files of a run. Blocks."""
    found = files_of(handler.runs.folder(run), run.output_filename or EXECUTED)
    return views.file_list(run, found, handler.base)


def _results_of(handler: Base, run: Run) -> dict[str, Any]:
    """The results of a run that has some. Blocks."""
    folder = handler.runs.folder(run)
    name = run.output_filename or EXECUTED
    files = files_of(folder, name)
    notebook = next((f for f in files if f.name == name), None)
    content = executed_notebook(folder, name)
    shown = content if views.wants_notebook_itself(run) else None
    return views.results_document(run, glued(content), files, notebook, shown, handler.base)


async def _stream(handler: Base, file: BinaryIO) -> None:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            handler.write(chunk)
            await handler.flush()
    await handler.finish()


def _require_process(name: str) -> None:
    if name != PROCESS:
        raise Missing("no-such-process", f"There is no process “{name[:120]}”.")


def _state(text: str) -> RunState:
    try:
        return RunState(text)
    except ValueError:
        known = ", ".join(s.value for s in RunState)
        raise BadInput("bad-query", f"`status` can be: {known}.") from None


def _require_results(run: Run) -> None:
    """Only a run that succeeded has results; a failed one says why, in the words of the OGC."""
    if run.state is RunState.dismissed:
        raise Gone("dismissed", f"Job “{run.id}” was dismissed; what it left is under /files.")
    if not run.state.ended:
        raise Missing("result-not-ready", f"Job “{run.id}” is {run.state.value}; ask again later.")
    failure = run.failure
    if run.state is RunState.failed and failure is not None:
        facts = failure.model_dump(exclude={"code", "message"}, exclude_none=True)
        kind = RunLost if failure.code in _OUR_FAULT else RunFailed
        raise kind(failure.code, failure.message, **facts)
