"""Results on their way out: what a run brought, in the form that its request asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from tornado.iostream import StreamClosedError

from fairihub_core.errors import Missing
from fairihub_headless.errors import Gone, RunFailed, RunLost, gone, unreadable
from fairihub_headless.models import ECHO, Run, RunState
from fairihub_headless.processes.echo import ECHO_PROCESS, OUTPUTS_FILE
from fairihub_headless.processes.model import Output as Described
from fairihub_headless.processes.notebook_inputs import OUTPUTS
from fairihub_headless.results.left import files_of, glued_in, result_file
from fairihub_headless.web import pages, views
from fairihub_headless.web.base_handler import Base
from fairihub_headless.web.outputs import (
    Kept,
    Output,
    Raw,
    alone,
    document_of,
    is_by_value,
    is_wanted,
)
from fairihub_headless.web.outputs import raw_of as in_raw_form
from fairihub_headless.web.sending import stream

_MOST_OUTPUTS_FILE = 16 * 2**20
_OUR_FAULT = {"engine-failed", "worker-failed", "worker-died", "service-stopped"}


class OneOutput(Base):
    """One output of a run, as it is."""

    async def get(self, jobID: str, output: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        require_results(run, self.base)
        if output not in _described(run):
            raise _no_such_output(run, output)
        found = await asyncio.to_thread(outputs_of, self, run, only=output)
        if not found:
            raise _no_such_output(run, output)
        await _send(self, alone(found[0], self.request.headers.get("Accept", "*/*")))


async def deliver(handler: Base, run: Run) -> None:
    """Answers with the results of a run that has ended.

    Raises:
        FairihubError: it has none; says why.
    """
    require_results(run, handler.base)
    if run.response == "raw" and not handler.wants_page:
        file = await asyncio.to_thread(_result_file, handler, run)
        if file is not None:
            handler.redirect(file, status=303)
            return
        outputs = await asyncio.to_thread(outputs_of, handler, run)
        accept = handler.request.headers.get("Accept", "*/*")
        await _send(handler, await asyncio.to_thread(in_raw_form, outputs, accept))
        return
    if handler.wants_page:
        found = await asyncio.to_thread(results_of, handler, run)
        shown = {"scraps": found} if run.process == ECHO else found
        # Off the loop: what was glued may be large.
        made = await asyncio.to_thread(pages.results, shown, run.id, handler.base)
        title = f"Results of {run.notebook or run.process}"
        await _taken(handler.answer(found, title, content=lambda: made))
        return
    outputs = await asyncio.to_thread(outputs_of, handler, run)
    await _taken(handler.answer(await asyncio.to_thread(document_of, outputs), "Results"))


def _result_file(handler: Base, run: Run) -> str | None:
    """Where the file is that a notebook named as its result, if all is asked for. Blocks."""
    if run.outputs is not None or run.process == ECHO:
        return None
    found = results_of(handler, run)
    by_name = {file["title"]: file["href"] for file in found["files"]}
    name = result_file(found["scraps"], by_name)
    return None if name is None else str(by_name[name])


def require_results(run: Run, base: str) -> None:
    """Only a run that succeeded has results; a failed one says why, in the words of the OGC.

    Raises:
        Missing: `result-not-ready`.
        Gone: `dismissed`, or `expired`.
        RunFailed, RunLost: it failed.
    """
    if run.state is RunState.dismissed:
        raise Gone("dismissed", f"Job “{run.id}” was cancelled; what it left is under /files.")
    if not run.state.ended:
        raise Missing("result-not-ready", f"Job “{run.id}” is {run.state.value}; ask again later.")
    failure = run.failure
    if run.state is RunState.failed and failure is not None:
        facts = failure.model_dump(exclude={"code", "message"}, exclude_none=True)
        facts["instance"] = f"{base}jobs/{run.id}"
        kind = RunLost if failure.code in _OUR_FAULT else RunFailed
        raise kind(failure.code, failure.message, **facts)
    if run.expired is not None:
        raise gone(run)


def results_of(handler: Base, run: Run) -> dict[str, Any]:
    """Everything that a run brought, by the names of the outputs. Blocks.

    Raises:
        Unavailable: `results-unreadable`.
    """
    folder = handler.runs.folder(run)
    if run.process == ECHO:
        try:
            with folder.open_file(OUTPUTS_FILE) as file:
                return dict(json.loads(file.read(_MOST_OUTPUTS_FILE)))
        except ValueError:
            return {}
    name = run.executed_name
    files = files_of(folder, name)
    notebook = next((f for f in files if f.name == name), None)
    if notebook is None:
        raise unreadable()
    found = glued_in(folder, name)
    return views.results_document(run, found, files, notebook, handler.base)


def outputs_of(handler: Base, run: Run, only: str | None = None) -> list[Output]:
    """The outputs that the request chose, or the `only` one, by value. Blocks."""
    found = results_of(handler, run)
    return [
        _output(handler, run, name, told, found[name], by_value=only is not None)
        for name, told in _described(run).items()
        if found.get(name) is not None and (is_wanted(run, name) if only is None else name == only)
    ]


def _output(
    handler: Base, run: Run, name: str, told: Described, value: Any, *, by_value: bool
) -> Output:
    href = f"{handler.base}jobs/{run.id}/results/{quote(name)}"
    by_value = by_value or is_by_value(run, name)
    if name == "notebook" and run.process != ECHO:
        href = value["href"]
        value = Kept(partial(handler.runs.folder(run).open_file, run.executed_name))
    bare = told.schema.get("format") == "ogc-bbox"
    return Output(name, told.media_type, href, value, by_value, bare)


def _described(run: Run) -> Mapping[str, Described]:
    return ECHO_PROCESS.outputs if run.process == ECHO else OUTPUTS


def _no_such_output(run: Run, name: str) -> Missing:
    return Missing("no-such-output", f"Job “{run.id}” brought no output “{name[:80]}”.")


async def _send(handler: Base, raw: Raw) -> None:
    """Answers with this; done when it has been taken."""
    file = None if raw.file is None else await asyncio.to_thread(raw.file.opened)
    handler.set_status(raw.status)
    # What a notebook made must never act in the hub's name.
    handler.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
    handler.clear_header("Content-Type")
    for name, value in raw.headers:
        handler.add_header(name, value)
    if file is None:
        await _taken(handler.finish(raw.body or None))
        return
    size = os.fstat(file.fileno()).st_size
    handler.set_header("Content-Length", str(size))
    if handler.request.method == "HEAD":
        file.close()
        await handler.flush()
        return
    await stream(handler, file, size)


async def _taken(sent: Awaitable[None]) -> None:
    """Waits until an answer has been taken, or whoever asked has gone."""
    with contextlib.suppress(StreamClosedError):
        await sent
