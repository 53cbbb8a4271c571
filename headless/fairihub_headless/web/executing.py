"""Execution: a request becomes a run, and is answered with the job or with its results."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import ClassVar

from fairihub_core.clock import today
from fairihub_core.errors import FairihubError, TooMany
from fairihub_headless.models import ECHO, Run
from fairihub_headless.once import key_of
from fairihub_headless.payload import MAX_BODY
from fairihub_headless.processes.asking import Mode, asked_of
from fairihub_headless.processes.model import Process
from fairihub_headless.processes.offered import named, offered
from fairihub_headless.reading import MAX_UPLOAD, received
from fairihub_headless.web.base_handler import REPLAYED, Base
from fairihub_headless.web.delivering import deliver
from fairihub_headless.web.negotiating import require_json
from fairihub_headless.web.preferring import applied, preference_of, seconds_to_wait
from fairihub_headless.web.streaming import Streaming, too_large

_LARGE_AT_ONCE, _LARGE_OF_A_MEMBER = 8, 2


class Execution(Streaming):
    """Starts a run of a process; a notebook may come with the request."""

    large_ones: ClassVar[Counter[str]] = Counter()
    """How many bodies of each member are read now, larger than requests without a notebook."""
    _large = False
    _job: str | None = None
    """The address of the run, once there is one: whatever comes of the request then, names it."""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        if self._job is not None:
            self.set_header("Link", f"<{self._job}>; rel=monitor")

    def explained(self, problem: BaseException | None, status: int) -> FairihubError:
        error = super().explained(problem, status)
        if self._job is not None:
            error.details = {"instance": self._job, **error.details}
        return error

    def too_much(self, size: int) -> FairihubError | None:
        if size > MAX_UPLOAD:
            return too_large(MAX_UPLOAD)
        return self._beginning_a_large_one() if size > MAX_BODY and not self._large else None

    def _beginning_a_large_one(self) -> FairihubError | None:
        """So many are held in memory at once, and no more."""
        held, login = Execution.large_ones, self.caller.login
        if held[login] >= _LARGE_OF_A_MEMBER or held.total() >= _LARGE_AT_ONCE:
            return TooMany("busy", "Many notebooks are being sent just now. Try again in a minute.")
        self._large = True
        held[login] += 1
        return None

    def on_finish(self) -> None:
        self._forget()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._forget()

    def _forget(self) -> None:
        if self._large:
            self._large = False
            Execution.large_ones -= Counter([self.caller.login])

    async def post(self, processID: str) -> None:
        self.require_admitted()
        keep_pace(self)
        process = named(processID, offered(self.caller, self.runs.settings, today()))
        require_json(self.request.headers.get("Content-Type", ""))
        run, mode = await self._accepted(process)
        job = self._job = f"{self.base}jobs/{run.id}"
        if run.replayed:
            self.set_header(REPLAYED, "true")
        preference = preference_of(self.request.headers.get_list("Prefer"))
        longest = self.runs.settings.longest_wait_seconds
        seconds = seconds_to_wait(process, preference, mode, longest)
        if seconds:
            run = await self.runs.ended(run.id, seconds)
        finished = bool(seconds) and run.state.ended
        followed = applied(preference, seconds, finished=finished)
        if followed is not None:
            self.set_header("Preference-Applied", followed)
        if finished:
            self.set_header("Link", f"<{job}>; rel=monitor")
            await deliver(self, run)
        else:
            await self._tell(run, process)

    async def _accepted(self, process: Process) -> tuple[Run, Mode]:
        """The run that the body asks for; nothing of the body is held any more after that."""
        try:
            body, notebook = await received(bytes(self.received), self.caller.login)
        finally:
            self.received.clear()
            self._forget()
        asked = asked_of(body, process.inputs, process.outputs)
        told = self.request.headers.get("Idempotency-Key")
        key = key_of(told, body, notebook, process=process.id)
        if process.id == ECHO:
            return await self.runs.echo(asked, self.caller, key), asked.mode
        return await self.runs.submit(asked, self.caller, notebook, key), asked.mode

    async def _tell(self, run: Run, process: Process) -> None:
        """Tells of the job, which goes on."""
        self.set_header("Location", f"{self.base}jobs/{run.id}")
        self.answer(await self.status_of(run), process.title, status=201)


def keep_pace(handler: Base) -> None:
    """Counts a run that is asked for.

    Raises:
        TooMany: `too-many-requests`, with the seconds to wait.
    """
    most = handler.runs.settings.submissions_per_minute
    wait = handler.service.pace.wait(handler.caller.login, most, time.monotonic())
    if wait:
        raise TooMany(
            "too-many-requests",
            f"You may ask for {most} runs a minute; go on in {math.ceil(wait)} s.",
            retry_after=math.ceil(wait),
        )
