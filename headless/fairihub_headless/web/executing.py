"""Execution: a request becomes a run."""

from __future__ import annotations

import asyncio

from tornado.web import stream_request_body

from fairihub_core.errors import FairihubError, TooLarge
from fairihub_headless.payload import MAX_BODY, json_object
from fairihub_headless.web import views
from fairihub_headless.web.about import require_process
from fairihub_headless.web.base_handler import Base

_DROPPED = 64 * 2**20
"""A body that is too large is read so far and dropped, to be answered."""


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
        require_process(processID)
        body = await asyncio.to_thread(json_object, bytes(self._received))
        run = await self.runs.submit(body, self.caller)
        status = await asyncio.to_thread(views.status_info, run, self.base, own=True)
        self.set_header("Location", f"{self.base}jobs/{run.id}")
        if "respond-async" in self.request.headers.get("Prefer", ""):
            self.set_header("Preference-Applied", "respond-async")
        self.answer(status, "Accepted", status=201)
