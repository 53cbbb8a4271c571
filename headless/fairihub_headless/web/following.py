"""A run, followed as it happens: server-sent events until its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from tornado.iostream import StreamClosedError

from fairihub_core.access import require_access
from fairihub_core.callers import signed_out, visitor_of
from fairihub_core.clock import today
from fairihub_core.errors import BadInput, FairihubError, TooMany, Unavailable
from fairihub_headless.engine.changes import CellDone, Ended, Progress, StateChanged, Told
from fairihub_headless.errors import no_such_job
from fairihub_headless.results import log
from fairihub_headless.web.asked import is_whole
from fairihub_headless.web.base_handler import FAILURES, SERVICE
from fairihub_headless.web.sending import Streamed
from fairihub_headless.web.story import BEGINNING, HEARTBEAT, Story

_LONGEST = 3600.0
"""Seconds after which a follower has to ask again, which clients do."""
_HEARTBEAT_SECONDS = 15.0
_CHECK_SECONDS = 2.0
"""How often it is asked whether the follower may still follow."""
_IDENTITY_SECONDS = 30.0
_PATIENCE = 60.0
"""Seconds after which a reader that takes nothing is given up."""


class Follow(Streamed):
    """Tells of one run until it ends, its follower goes, or may follow it no more."""

    _told: Told | None = None
    _gone = False

    async def get(self, jobID: str) -> None:
        run = await self.runs.seen(jobID, self.caller)
        self.story = Story(self._position())
        most = self.runs.settings.max_followers_per_member
        with (
            self.service.seats.taken(self.caller.login, most, _too_many(most)),
            self.runs.following(run.id) as self._told,
        ):
            self._begin()
            try:
                await self._tell(run.id, self._told, _LONGEST)
            except FairihubError as refusal:
                if not isinstance(refusal, Unavailable):  # then it asks again by itself
                    with suppress(StreamClosedError):
                        await self._write(self.story.refused(refusal.code, refusal.message))
            except (StreamClosedError, asyncio.TimeoutError):
                self._gone = True
        if self._gone or self.request.version == "HTTP/1.0":
            # Without chunks, the end of the connection is the end of the answer.
            self.request.connection.close()  # type: ignore[union-attr]
        self.finish()  # not waited for: whoever has gone takes nothing more

    async def head(self, *args: str, **names: str) -> None:
        """Whether there is something to follow; not the story."""
        await self.runs.seen(names["jobID"], self.caller)
        self._begin()
        await self.flush()  # without a length, which is not known before the end

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._gone = True
        if self._told is not None:
            self._told.wake()

    def _position(self) -> int:
        """Up to where the follower knows the log.

        Raises:
            BadInput: `bad-query`.
        """
        header = self.request.headers.get("Last-Event-ID")
        text = header or self.get_query_argument("last_event_id", "") or "0"
        if not is_whole(text, digits=15):
            raise BadInput("bad-query", "The last event's id must be one that was sent before.")
        return int(text)

    def _begin(self) -> None:
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-cache, no-store")
        self.set_header("X-Accel-Buffering", "no")
        self.write(BEGINNING)

    async def _tell(self, run_id: str, told: Told, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        until, self._checked, self._asked, self._said = now + seconds, now, now, now
        # Looked at after it began to listen: what happens meanwhile is told in any case.
        self._run = await self.runs.seen(run_id, self.caller)
        await self._write(self.story.standing(self._run, self.runs.reported(run_id)))
        await self._write_output()
        if self._run.state.ended:
            return await self._write_end()
        while loop.time() < until and not self._gone:
            for event in await told.next(_CHECK_SECONDS):
                if isinstance(event, Ended):
                    self._run = await self.runs.seen(run_id, self.caller)
                    await self._write_output()
                    return await self._write_end()
                if isinstance(event, StateChanged):
                    await self._write(self.story.state(event))
                elif isinstance(event, CellDone):
                    await self._write(self.story.cell(event))
                elif isinstance(event, Progress):
                    await self._write(self.story.progress(event))
                else:
                    await self._write_output()
            await self._require_still()
            if loop.time() - self._said > _HEARTBEAT_SECONDS:
                await self._write(HEARTBEAT)

    async def _write_end(self) -> None:
        status = await self.status_of(self._run)
        await self._write(self.story.end(status.model_dump(mode="json", exclude_none=True)))

    async def _write_output(self) -> None:
        """All that the log has by now, in pieces, each when the reader has taken the one before."""
        while text := await asyncio.to_thread(self._next_piece):
            await self._write(self.story.output(text))
            await self._require_still()

    def _next_piece(self) -> bytes:
        file = log.opened(self.runs.folder(self._run))
        if file is None:
            return b""
        with file:
            return log.piece(file, self.story.position)

    async def _write(self, frames: bytes) -> None:
        if self._gone:
            raise StreamClosedError
        if frames:
            self.write(frames)
            await asyncio.wait_for(self.flush(), _PATIENCE)
            self._said = asyncio.get_running_loop().time()

    async def _require_still(self) -> None:
        """Lets go on who may still see the run.

        Raises:
            FairihubError: they have left, look after the team no more, or took the token back.
        """
        now = asyncio.get_running_loop().time()
        if now - self._checked < _CHECK_SECONDS:
            return
        self._checked = now
        directory = self.service.follower.current().directory
        require_access(self.caller.login, directory, today())
        caller = replace(self.caller, directory=directory)
        if not caller.sees(self._run, today()):
            raise no_such_job(self._run.id)
        if now - self._asked > _IDENTITY_SECONDS:
            self._asked = now
            await self._require_token()

    async def _require_token(self) -> None:
        """Asks the hub anew who that is; a hub that is silent is known by its snapshot's age."""
        try:
            asking = self.hub_auth.user_for_token(self.caller.token, sync=False)
            model = await asyncio.wait_for(asking, 10)
        except (*FAILURES, asyncio.TimeoutError, OSError, ValueError):
            return
        visitor = visitor_of(model, SERVICE)
        if visitor.login != self.caller.login:
            raise signed_out()
        visitor.require(self.needed())


def _too_many(most: int) -> TooMany:
    return TooMany(
        "too-many-followers",
        f"You follow {most} runs already. Close some of these, or ask for the status.",
    )
