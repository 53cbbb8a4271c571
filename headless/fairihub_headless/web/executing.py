"""Execution: a request becomes a run, and is answered with the job or with its results."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import ClassVar

from tornado.web import stream_request_body

from fairihub_core.clock import today
from fairihub_core.errors import FairihubError, TooLarge, TooMany
from fairihub_headless.models import ECHO, Run
from fairihub_headless.once import key_of
from fairihub_headless.payload import MAX_BODY
from fairihub_headless.processes.asking import Mode, asked_of
from fairihub_headless.processes.model import Process
from fairihub_headless.processes.offered import named, offered
from fairihub_headless.reading import MAX_UPLOAD, received
from fairihub_headless.web.answering import NOTHING, Service
from fairihub_headless.web.base_handler import REPLAYED, Base
from fairihub_headless.web.delivering import deliver
from fairihub_headless.web.exceptions import require_json
from fairihub_headless.web.preferring import applied, preference_of, seconds_to_wait
from fairihub_headless.web.routing import Needs

_DROPPED = 2**30
"""A body that is too large is read so far and dropped, to be answered."""
_LARGE_AT_ONCE, _LARGE_OF_A_MEMBER = 8, 2
_BODY_SECONDS = 180.0
"""A body that takes longer costs its connection."""


@stream_request_body
class Execution(Base):
    """Takes its body piece by piece, so that one that is too large can be answered.

    A refusal waits until the body has come: an answer before that would cost the connection,
    which the proxy may be about to use again.
    """

    large_ones: ClassVar[Counter[str]] = Counter()
    """How many bodies of each member are read now, larger than requests without a notebook."""

    def initialize(self, service: Service, needs: Needs = NOTHING) -> None:
        super().initialize(service, needs)
        if self.request.method not in self.SUPPORTED_METHODS:
            # tornado would refuse it before its body has come.
            self.request.method = "PATCH"

    async def prepare(self) -> None:
        self._received = bytearray()
        self._refusal: FairihubError | None = None
        self._large = False
        self.request.connection.set_max_body_size(_DROPPED)  # type: ignore[union-attr]
        self.request.connection.set_body_timeout(_BODY_SECONDS)  # type: ignore[union-attr]
        try:
            await super().prepare()
        except FairihubError as refusal:
            if not self._has_body:
                raise
            self._refusal = refusal

    @property
    def _has_body(self) -> bool:
        told = self.request.headers
        return "Transfer-Encoding" in told or told.get("Content-Length", "0") != "0"

    def data_received(self, chunk: bytes) -> None:
        size = len(self._received) + len(chunk)
        if self._refusal is None and size > MAX_UPLOAD:
            self._refusal = TooLarge(
                "too-large", f"The body is too large: {MAX_UPLOAD // 2**20} MiB at most."
            )
        if self._refusal is None and size > MAX_BODY and not self._large:
            self._refusal = self._beginning_a_large_one()
        if self._refusal is None:
            self._received += chunk
        else:
            self._received.clear()

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
        if getattr(self, "_large", False):
            self._large = False
            Execution.large_ones -= Counter([self.caller.login])

    async def post(self, processID: str) -> None:
        if self._refusal is not None:
            raise self._refusal
        keep_pace(self)
        process = named(processID, offered(self.caller, self.runs.settings, today()))
        require_json(self.request.headers.get("Content-Type", ""))
        run, mode = await self._accepted(process)
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
            self.add_header("Link", f"<{self.base}jobs/{run.id}>; rel=monitor")
            await deliver(self, run)
        else:
            await self._tell(run, process)

    async def _accepted(self, process: Process) -> tuple[Run, Mode]:
        """The run that the body asks for; nothing of the body is held any more after that."""
        try:
            body, notebook = await received(bytes(self._received))
        finally:
            self._received.clear()
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
