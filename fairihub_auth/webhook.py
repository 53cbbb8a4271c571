"""`POST /hub/api/fairihub/webhook/NAME`: a git server says that there is news in a source.

Nobody is signed in here; what counts is that the sender knows the secret. What is sent is not
gone by either: it only hastens the next look.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from tornado import web

from fairihub_auth.answering import JsonHandler
from fairihub_core.errors import Missing, SignedOut, TooLarge
from fairihub_core.logins import printable

WEBHOOK_PATH = r"/api/fairihub/webhook/([^/]+)"
MAX_BYTES = 1024 * 1024
BODY_SECONDS = 15.0

_PREFIX = "sha256="
_TOKEN = "X-Gitlab-Token"  # noqa: S105 - the name of a header
_HEADERS = ("X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature", _TOKEN)

Poke = Callable[[str], bool]
"""Says that there is news in the source of that name; False if there is none. Does not block."""


def webhook_handlers(
    secret: str, poke: Poke
) -> list[tuple[str, type[JsonHandler], dict[str, Any]]]:
    """For `c.JupyterHub.extra_handlers`.

    Args:
        secret: what the git servers sign with; if it is empty, there is no such address.
    """

    # Both in plain functions: the configuration is copied deeply, and shown in logs.
    def signed(signatures: Mapping[str, str], body: bytes) -> bool:
        return is_signed(signatures, body, secret)

    def poked(name: str) -> bool:
        return poke(name)

    given = {"signed": signed if secret else None, "poke": poked}
    return [(WEBHOOK_PATH, WebhookHandler, given)]


def is_signed(signatures: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether one of the headers proves that the sender of `body` knows the secret.

    GitHub, Gitea and Forgejo send the body's HMAC; GitLab sends the secret itself.
    """
    if not secret:
        return False
    digest = hmac.digest(secret.encode(), body, "sha256").hex()
    fitting = (_PREFIX + digest, digest, digest, secret)
    return any(
        # The bytes as they were sent, which tornado reads as Latin-1.
        hmac.compare_digest(signatures.get(header, "").encode("latin-1", "replace"), fits.encode())
        for header, fits in zip(_HEADERS, fitting, strict=True)
    )


@web.stream_request_body
class WebhookHandler(JsonHandler):
    """Takes the body in pieces, so that nobody fills the hub's memory by a long one.

    It is answered only when all of the body is there: the proxy would make a 503 of an answer that
    comes before.
    """

    def initialize(
        self, signed: Callable[[Mapping[str, str], bytes], bool] | None, poke: Poke
    ) -> None:
        if self.request.method not in self.SUPPORTED_METHODS:
            self.request.method = "PATCH"  # tornado refuses before its time what it does not know
        self._signed = signed
        self._poke = poke
        self._pieces: list[bytes] = []
        self._size = 0

    async def prepare(self) -> None:
        """Nobody is asked who they are, and no cookie looked at."""
        self._jupyterhub_user = None
        self.expanded_scopes: set[str] = set()
        self.parsed_scopes: dict[str, Any] = {}
        self._signatures = {h: self.request.headers.get(h, "") for h in _HEADERS}
        # A request that fails is logged with its headers, and GitLab's is the secret itself.
        if _TOKEN in self.request.headers:
            del self.request.headers[_TOKEN]
        self.request.connection.set_body_timeout(BODY_SECONDS)

    def check_xsrf_cookie(self) -> None:
        """A page of another site knows no secret to sign with."""

    def data_received(self, chunk: bytes) -> None:
        """Keeps no more than is looked at; how much there is at all, the hub's intake bounds."""
        self._size += len(chunk)
        if self._size <= MAX_BYTES:
            self._pieces.append(chunk)

    async def post(self, name: str) -> None:
        await self.answer(self._told(name), status=202)

    async def _told(self, name: str) -> dict[str, str]:
        if self._signed is None:
            raise Missing("no-such-address", "This hub takes no webhooks.")
        if self._size > MAX_BYTES:
            raise TooLarge("too-large", f"More than {MAX_BYTES // 1024:,} KiB.")
        if not self._signed(self._signatures, b"".join(self._pieces)):
            raise SignedOut("not-signed", "The request is not signed with the hub's secret.")
        if not self._poke(name):
            raise Missing("no-such-source", f"No source is called “{printable(name)}”.")
        return {"source": name}
