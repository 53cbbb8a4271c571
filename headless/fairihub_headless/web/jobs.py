"""Jobs: the list, one of them, and its end."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from fairihub_core.clock import today
from fairihub_core.errors import BadInput, Conflict, FairihubError, shortened
from fairihub_headless.callers import selection_of
from fairihub_headless.errors import Gone
from fairihub_headless.models import Run, RunState
from fairihub_headless.results import log
from fairihub_headless.web import pages, views
from fairihub_headless.web.asked import list_query
from fairihub_headless.web.base_handler import Base
from fairihub_headless.web.delivering import results_of
from fairihub_headless.web.outcomes import files_left
from fairihub_headless.web.repeating import xsrf_of

_TAIL_LINES, _TAIL_BYTES = 500, 32 * 1024
"""Of a log, so much at most is on the page of a run."""
_WHO_ASKS = {"token", "_xsrf"}
"""In a query, what is for the hub."""


class Jobs(Base):
    async def get(self) -> None:
        await answer_jobs(self)


async def answer_jobs(handler: Base) -> None:
    caller, base = handler.caller, handler.base
    said = handler.request.query_arguments.keys() - _WHO_ASKS
    asked = list_query({name: handler.get_query_arguments(name) for name in said})
    seen = selection_of(caller, asked.team, asked.owner, today())
    page = await handler.runs.page(
        seen, asked.meant, asked.order, limit=asked.limit, offset=asked.offset, place=asked.place
    )
    rules = handler.runs.settings.rules
    jobs = await asyncio.to_thread(views.job_list, page, base, asked, caller.login, rules)
    shown = pages.Shown(asked, seen.owner == caller.login, caller.lists(today()))
    handler.answer(
        jobs, shown.title, content=lambda: pages.runs(jobs, shown, base, handler.service.brand)
    )


class Job(Base):
    async def get(self, jobID: str) -> None:
        run = await self.runs.seen(jobID, self.caller)
        own, status = self.caller.owns(run), await self.status_of(run)
        left = await asyncio.to_thread(self._left, run) if self.wants_page else pages.Left()
        xsrf = xsrf_of(self) if self.wants_page else ""
        tail = await asyncio.to_thread(self._tail, run) if self.wants_page else pages.Tail()
        content = partial(pages.run, status, left, xsrf, self.base, own=own, tail=tail)
        # Off the loop: what was glued may be large.
        made = await asyncio.to_thread(content) if self.wants_page else ""
        self.answer(status, f"Run of {run.notebook or run.process}", content=lambda: made)

    def _tail(self, run: Run) -> pages.Tail:
        """The end of its log. Blocks."""
        file = log.opened(self.runs.folder(run))
        if file is None:
            return pages.Tail()
        with file:
            start = log.start_of_tail(file, _TAIL_LINES, _TAIL_BYTES)
            text = log.piece(file, start, 2 * _TAIL_BYTES)
        return pages.Tail(text.decode("utf-8", "replace"), start + len(text), start == 0)

    def _left(self, run: Run) -> pages.Left:
        """What the run left its owner, as far as it is there. Blocks."""
        if not self.caller.owns(run) or run.expired is not None:
            return pages.Left()
        try:
            files = files_left(self, run).files
            brought = results_of(self, run) if run.state is RunState.successful else {}
        except FairihubError:  # asked for themselves, they say why; the run is shown without
            return pages.Left()
        return pages.Left(files, brought.get("scraps", {}))

    async def delete(self, jobID: str) -> None:
        unknown = self.request.query_arguments.keys() - _WHO_ASKS - {"if", "f"}
        if unknown:  # a condition that is misspelt must not be none
            said = shortened(min(unknown), 60)
            raise BadInput("bad-query", f"`{said}` is not known here. Known: if, f.")
        condition = self.get_query_argument("if", None)
        if condition not in (None, "running"):
            raise BadInput("bad-query", "`if` can be “running”.")
        run = await self.runs.dismiss(jobID, self.caller, ended=condition is None)
        self.answer(await self.status_of(run), "Cancelled")


class Cancel(Base):
    """For people, in place of DELETE: asks whether they mean it, and takes a form for an answer."""

    async def get(self, jobID: str) -> None:
        run = await self.runs.seen(jobID, self.caller)
        if run.state.ended or not self.wants_page:
            self.redirect(f"{self.base}jobs/{run.id}", status=303)
            return
        status, own = await self.status_of(run), self.caller.owns(run)
        content = partial(pages.cancel, status, xsrf_of(self), self.base, own=own)
        self.answer(status, "Cancel this run?", content=content)

    async def post(self, jobID: str) -> None:
        run = await self.runs.seen(jobID, self.caller)
        with contextlib.suppress(Conflict, Gone):  # what ended meanwhile keeps its results
            await self.runs.dismiss(jobID, self.caller, ended=False)
        self.redirect(f"{self.base}jobs/{run.id}", status=303)
