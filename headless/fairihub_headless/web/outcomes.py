"""What a run left, for its owner: results and files."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import BinaryIO

from fairihub_headless.folders import EXECUTED
from fairihub_headless.models import FileList, Run
from fairihub_headless.results.left import (
    file_of,
    files_of,
    type_of,
)
from fairihub_headless.web import pages, views
from fairihub_headless.web.base_handler import Base
from fairihub_headless.web.delivering import deliver

_CHUNK = 256 * 1024


class Results(Base):
    async def get(self, jobID: str) -> None:
        await deliver(self, await self.runs.own(jobID, self.caller))


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
        await stream(self, file, os.fstat(file.fileno()).st_size)


def files_left(handler: Base, run: Run) -> FileList:
    """The files of a run. Blocks."""
    found = files_of(handler.runs.folder(run), run.output_filename or EXECUTED)
    return views.file_list(run, found, handler.base)


async def stream(handler: Base, file: BinaryIO, size: int) -> None:
    """Sends so many bytes of a file from here."""
    with file:
        while size and (piece := await asyncio.to_thread(file.read, min(_CHUNK, size))):
            size -= len(piece)
            handler.write(piece)
            await handler.flush()
    await handler.finish()
