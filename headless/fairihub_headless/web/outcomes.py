"""What a run left, for its owner: results and files; and its log."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, BinaryIO

from fairihub_core.errors import FairihubError, Missing
from fairihub_headless.folders import EXECUTED
from fairihub_headless.models import FileList, Run, RunState
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

_CHUNK = 256 * 1024
_OUR_FAULT = {"engine-failed", "worker-failed", "worker-died", "service-stopped"}


class RunFailed(FairihubError):
    """The results of a run that failed by its notebook, its parameters or its limits."""

    status = 422


class RunLost(FairihubError):
    """The results of a run that failed through no fault of its own."""

    status = 500


class Results(Base):
    async def get(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        _require_results(run)
        document = await asyncio.to_thread(results_of, self, run)
        content = partial(pages.results, document, run.id, self.base)
        self.answer(document, f"Results of {run.notebook}", content=content)


class Files(Base):
    async def get(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        left = await asyncio.to_thread(files_left, self, run)
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


def files_left(handler: Base, run: Run) -> FileList:
    """The files of a run. Blocks."""
    found = files_of(handler.runs.folder(run), run.output_filename or EXECUTED)
    return views.file_list(run, found, handler.base)


def results_of(handler: Base, run: Run) -> dict[str, Any]:
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
