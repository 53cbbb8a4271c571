"""The log of a job: all of it, a part, or its end; also while it grows."""

from __future__ import annotations

import asyncio
import os
from typing import BinaryIO

from fairihub_core.errors import BadInput
from fairihub_headless.folders import LOG
from fairihub_headless.results import log
from fairihub_headless.results.handing_out import Part, part_of, tag_of
from fairihub_headless.running import require_kept
from fairihub_headless.web.sending import Streamed, part_wanted, send_part

_MOST_LINES = 10**6
_NO_LIMIT = 10**15


class Logs(Streamed):
    async def get(self, jobID: str) -> None:
        """What a job printed; its answer says which bytes of how many these are.

        Raises:
            BadInput: `bad-query`.
            NoSuchRange: `no-such-range`.
            Gone: `expired`.
        """
        run = await self.runs.seen(jobID, self.caller)
        require_kept(run)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("Accept-Ranges", "bytes")
        file = await asyncio.to_thread(log.opened, self.runs.folder(run))
        if file is None:  # not begun
            part_of(self.range, None, "", 0)
            self.set_header("Fairihub-Log-Range", "0-0/0")
            await self.finish(b"")
            return
        with file:
            await self._hand_out(run.id, file)

    async def _hand_out(self, run_id: str, file: BinaryIO) -> None:
        about = os.fstat(file.fileno())
        named = await self._named(file, about.st_size)
        part = part_wanted(self, tag_of(run_id, LOG, about), about.st_size, named)
        if part is None:
            return
        # Where following the events goes on after this.
        self.set_header("Fairihub-Log-Range", f"{part.start}-{part.stop}/{about.st_size}")
        await send_part(self, file, part)

    async def _named(self, file: BinaryIO, size: int) -> Part | None:
        """What the query names; None if it names nothing."""
        given = {name for name in ("tail", "offset", "limit") if self.get_query_arguments(name)}
        if not given:
            return None
        if "tail" in given and len(given) > 1:
            raise BadInput("bad-query", "`tail` goes without `offset` and `limit`.")
        if given == {"tail"}:
            lines = self.whole_number("tail", 0, most=_MOST_LINES)
            start = await asyncio.to_thread(log.start_of_tail, file, lines)
            stop = size
        else:
            start = min(size, self.whole_number("offset", 0, most=_NO_LIMIT))
            stop = min(size, start + self.whole_number("limit", size, most=_NO_LIMIT))
        start = min(start, stop)
        return Part(start, stop, 200, {"Content-Length": str(stop - start)})
