"""Requests whose body is taken piece by piece, so that one that is refused can be answered."""

from __future__ import annotations

from tornado.web import stream_request_body

from fairihub_core.errors import FairihubError, TooLarge
from fairihub_headless.payload import MAX_BODY
from fairihub_headless.web.answering import NOTHING, Service
from fairihub_headless.web.base_handler import Base
from fairihub_headless.web.exceptions import no_such_method
from fairihub_headless.web.routing import Needs

_DROPPED = 2**30
"""A body that is too large is read so far and dropped, to be answered."""
_BODY_SECONDS = 180.0
"""A body that takes longer costs its connection."""


@stream_request_body
class Streaming(Base):
    """Takes POST alone, and its body as it comes.

    Every refusal waits until the request has been read, also that of a request without a body:
    tornado closes the connection after an answer that comes before, without a word of it, and the
    proxy loses the next request that it sends there, which may be anybody's.
    """

    def initialize(self, service: Service, needs: Needs = NOTHING) -> None:
        super().initialize(service, needs)
        if self.request.method not in self.SUPPORTED_METHODS:
            self.request.method = "PATCH"  # tornado refuses before its time what it does not know
        self.received = bytearray()
        self._refusal: Exception | None = None

    async def prepare(self) -> None:
        self.request.connection.set_max_body_size(_DROPPED)  # type: ignore[union-attr]
        self.request.connection.set_body_timeout(_BODY_SECONDS)  # type: ignore[union-attr]
        try:
            await super().prepare()
        except Exception as refusal:
            self._refusal = refusal

    def data_received(self, chunk: bytes) -> None:
        self._refusal = self._refusal or self.too_much(len(self.received) + len(chunk))
        if self._refusal is None:
            self.received += chunk
        else:
            self.received.clear()

    def too_much(self, size: int) -> FairihubError | None:
        """Why a body is not taken when so much of it has come; None: it is."""
        return too_large(MAX_BODY) if size > MAX_BODY else None

    def require_admitted(self) -> None:
        """Raises what has been in the way of this request since it came."""
        if self._refusal is not None:
            raise self._refusal

    async def refuse(self, *_args: str, **_names: str) -> None:
        self.require_admitted()
        raise no_such_method()

    get = head = put = patch = delete = refuse

    def options(self, *args: str, **names: str) -> None:
        self.require_admitted()
        super().options(*args, **names)

    def _may_sign_in(self) -> bool:
        return False  # there is no page here to come back to


def too_large(most: int) -> TooLarge:
    return TooLarge("too-large", f"The body is too large: {most // 2**20} MiB at most.")
