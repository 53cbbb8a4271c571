"""What a run left, for its owner: results and files."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import BinaryIO, ClassVar

from fairihub_core.errors import BadInput, Missing, TooMany
from fairihub_core.notebook_page import HEADERS
from fairihub_headless.folders import LOG
from fairihub_headless.models import Run
from fairihub_headless.results.archive import Entry, entries_of, zipped
from fairihub_headless.results.handing_out import tag_of
from fairihub_headless.results.left import Found, file_of, found_in, type_of
from fairihub_headless.running import require_left
from fairihub_headless.web import pages, views
from fairihub_headless.web.answers import FileList
from fairihub_headless.web.base_handler import Base
from fairihub_headless.web.delivering import deliver
from fairihub_headless.web.seats import Seats
from fairihub_headless.web.sending import Streamed, part_wanted, send_part, send_pieces

_AT_ONCE = 2
"""Of archives, and of reports, for one member."""
_RESULTS_AT_ONCE = 16
"""For one member; each is in memory until it is taken."""
_TAKING_MANY = TooMany(
    "busy", f"You take {_RESULTS_AT_ONCE} results already; ask again after these.", retry_after=1
)
_RENDERING = ThreadPoolExecutor(2, "reports")
"""Who waits for a page takes no thread from the others."""


class Results(Base):
    being_taken: ClassVar[Seats] = Seats()
    """How many each member takes at this moment."""

    async def get(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        with self.being_taken.taken(run.owner, _RESULTS_AT_ONCE, _TAKING_MANY):
            await deliver(self, run)


class Files(Base):
    async def get(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        require_left(run)
        limit = self.whole_number("limit", views.MOST_LISTED, most=views.MOST_LISTED, least=1)
        offset = self.whole_number("offset", 0, most=10**9)
        left = await asyncio.to_thread(files_left, self, run, limit=limit, offset=offset)
        content = partial(pages.files, left, run.id, self.base)
        self.answer(left, f"Files of {run.notebook or run.process}", content=content)


class File(Streamed):
    """One file; also parts of it, and nothing if the caller has it already."""

    async def get(self, jobID: str, name: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        require_left(run)
        file = await asyncio.to_thread(file_of, self.runs.folder(run), name)
        with file:
            # An address that is signed for GET is none for HEAD.
            given = self.request.method != "HEAD"
            address = await self.runs.address_of(run, name) if given else None
            if address is not None:
                self.redirect(address, status=307)
                return
            await self._hand_out(run, name, file)

    async def _hand_out(self, run: Run, name: str, file: BinaryIO) -> None:
        about = os.fstat(file.fileno())
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("Accept-Ranges", "bytes")
        part = part_wanted(self, tag_of(run.id, name, about), about.st_size)
        if part is None:
            return
        self.set_header("Content-Type", type_of(name))
        # What a notebook wrote must never act in the hub's name.
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        self.set_header("Content-Disposition", "attachment")
        await send_part(self, file, part)


class Archive(Streamed):
    """Everything that a run left as one zip file, made while it is sent."""

    being_made: ClassVar[Seats] = Seats()
    """How many each member takes at this moment."""

    async def get(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        require_left(run)
        with self.being_made.taken(run.owner, _AT_ONCE, _busy("archives")):
            entries, found = await asyncio.to_thread(self._entries, run)
            self.set_header("Content-Type", "application/zip")
            self.set_header("Content-Disposition", f'attachment; filename="run-{run.id}.zip"')
            if self.request.method == "HEAD":
                await self.flush()  # without a length, which is not known before the end
                return
            await send_pieces(self, zipped(entries, run.finished or run.created, found))

    def _entries(self, run: Run) -> tuple[list[Entry], Found]:
        """Blocks."""
        folder = self.runs.folder(run)
        found = found_in(folder, run.executed_name)
        try:
            with folder.open_log() as file:
                size = os.fstat(file.fileno()).st_size
        except Missing:
            return entries_of(found.files, partial(file_of, folder), None), found
        log = Entry(LOG, size, folder.open_log)
        return entries_of(found.files, partial(file_of, folder), log), found


class Report(Base):
    """What a run did, as a page in which nothing acts."""

    being_made: ClassVar[Seats] = Seats()

    async def get(self, jobID: str) -> None:
        run = await self.runs.own(jobID, self.caller)
        require_left(run)
        code = self.get_query_argument("code", "show")
        if code not in ("show", "hide"):
            raise BadInput("bad-query", "`code` can be “show” or “hide”.")
        name = run.executed_name
        work = partial(self.runs.reports.of, run.id, self.runs.folder(run), name, code)
        with self.being_made.taken(run.owner, _AT_ONCE, _busy("reports")):
            try:
                made = await asyncio.get_running_loop().run_in_executor(_RENDERING, work)
            except Missing:
                raise Missing(
                    "no-such-file", f"Job “{run.id}” has left no executed notebook to report on."
                ) from None
        self.set_status(422 if made.failed else 200)
        for header, value in HEADERS.items():
            self.set_header(header, value)
        self.finish(pages.headed(made.page, await self.status_of(run)))


def _busy(what: str) -> TooMany:
    return TooMany("busy", f"You wait for {_AT_ONCE} {what} already; ask again after these.")


def files_left(
    handler: Base, run: Run, *, limit: int = views.MOST_LISTED, offset: int = 0
) -> FileList:
    """The files of a run. Blocks."""
    found = found_in(handler.runs.folder(run), run.executed_name)
    return views.file_list(run, found, handler.base, limit=limit, offset=offset)
