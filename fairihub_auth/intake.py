"""How much the hub takes in of a request, and for how long, before it knows who asks."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Awaitable
from html import escape
from http import HTTPStatus
from typing import Any

from tornado import httputil

from fairihub_core.errors import FairihubError, TooLarge, TooLong
from fairihub_core.logins import printable

MAX_BYTES = 2 * 1024 * 1024
"""Twice the largest body that any address of the hub takes: a webhook's."""
DRAINED_BYTES = 64 * 1024 * 1024
"""So much of a body that is too large is read and thrown away. Whoever is cut off while they send,
as the proxy would be, does not hear why."""
BODY_SECONDS = 15.0
MAX_ADDRESS = 4096
"""Letters. A redirect may repeat an address with three for each, and the proxy takes no answer
whose headers are more than 16 KiB."""

log = logging.getLogger("fairihub.intake")


def bound_requests(app: Any) -> None:
    """For `Gate.begun`: JupyterHub makes its server later, and has no setting for its limits."""

    def bound(_started: Any) -> None:
        server = app.http_server
        server.conn_params.max_body_size = DRAINED_BYTES
        server.conn_params.body_timeout = BODY_SECONDS
        server.request_callback = Intake(server.request_callback, app.hub_prefix)

    app._start_future.add_done_callback(bound)


class Intake(httputil.HTTPServerConnectionDelegate):
    """Before the hub's application: nothing of what is too large gets there.

    Args:
        application: the tornado application that takes the other requests.
        prefix: where the hub's own pages are, with a slash at the end.
    """

    def __init__(
        self, application: httputil.HTTPServerConnectionDelegate, prefix: str = "/hub/"
    ) -> None:
        self._application = application
        self._prefix = prefix

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        inner = self._application.start_request(server_conn, request_conn)
        return _Request(inner, request_conn, self._prefix)


class _Request(httputil.HTTPMessageDelegate):
    """One request, on its way to the application until it turns out to be too much."""

    def __init__(self, inner: httputil.HTTPMessageDelegate, connection: Any, prefix: str) -> None:
        self._inner = inner
        self._connection = connection
        self._prefix = prefix
        self._asked = ""
        self._by_browser = False
        self._taken = 0
        self._refusal: FairihubError | None = None

    def headers_received(self, start_line: Any, headers: Any) -> Awaitable[None] | None:
        self._asked = f"{start_line.method} {start_line.path.partition('?')[0]}"
        length = headers.get("Content-Length", "")
        declared = int(length) if length.isdecimal() and len(length) < 20 else 0
        self._by_browser = "text/html" in headers.get("Accept", "")
        if self._is_too_long(start_line.path):
            self._refusal = TooLong("too-long", f"An address of more than {MAX_ADDRESS} letters.")
        elif declared > MAX_BYTES:
            self._refusal = _too_large()
        if self._refusal is None:
            return self._inner.headers_received(start_line, headers)
        if declared > DRAINED_BYTES or "Expect" in headers:
            # Nobody reads all that, or waits for who waits for an answer.
            self._connection.set_max_body_size(sys.maxsize)
            self._refuse(self._refusal)
        return None

    def _is_too_long(self, address: str) -> bool:
        """The proxy asks for the page of an error with the address that it could not serve."""
        path = address.partition("?")[0]
        of_proxy = re.fullmatch(re.escape(self._prefix) + r"error/\d{3}", path)
        return len(address) > MAX_ADDRESS and not of_proxy

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._taken += len(chunk)
        if self._refusal is None and self._taken > MAX_BYTES:
            self._refusal = _too_large()
            self._inner.on_connection_close()
        return None if self._refusal else self._inner.data_received(chunk)

    def finish(self) -> None:
        if self._refusal is not None:
            self._refuse(self._refusal)
        else:
            self._inner.finish()

    def on_connection_close(self) -> None:
        if self._refusal is None:
            self._inner.on_connection_close()

    def _refuse(self, error: FairihubError) -> None:
        log.warning("%d %s: %s", error.status, printable(self._asked, 200), error.message)
        status = HTTPStatus(error.status)
        kind, text = "application/json", json.dumps(error.to_dict())
        if self._by_browser:
            kind, text = "text/html; charset=utf-8", _page(error.message, self._prefix)
        body = text.encode()
        headers = {"Content-Type": kind, "Content-Length": str(len(body))}
        self._connection.write_headers(
            httputil.ResponseStartLine("HTTP/1.1", status, status.phrase),
            httputil.HTTPHeaders(headers),
            body,
        )
        self._connection.finish()


def _page(message: str, prefix: str) -> str:
    """A plain one: none of the application's is at hand here."""
    said, home = escape(message), escape(f"{prefix}home")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
        f'content="light dark"><title>{said}</title><h1>This does not work</h1><p>{said}</p>'
        f'<p><a href="{home}">Home</a></p></html>'
    )


def _too_large() -> TooLarge:
    return TooLarge("too-large", f"More than {MAX_BYTES // 1024**2} MiB.")
