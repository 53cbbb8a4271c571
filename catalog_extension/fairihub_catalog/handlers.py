"""What both hosts of the API share: from a tornado request to an operation, and to an answer.

The hub service asks the hub who calls, the Jupyter server knows its own user; the rest is here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from tornado import web

from fairihub_catalog.callers import Caller
from fairihub_catalog.catalogue import Catalogue
from fairihub_catalog.operations import Answer, Call, Operation, Work, find_route
from fairihub_catalog.turns import Lines
from fairihub_core.callers import CHALLENGE, forged
from fairihub_core.errors import FairihubError, TooLarge

log = logging.getLogger("fairihub.catalog")

# Threads of their own for what waits: neither previews nor submissions hold up anything else.
QUICK: Executor = ThreadPoolExecutor(8, thread_name_prefix="catalog")
_WORKING: Mapping[Work, Executor] = {
    "preview": ThreadPoolExecutor(4, thread_name_prefix="catalog-preview"),
    "reading": ThreadPoolExecutor(4, thread_name_prefix="catalog-reading"),
}
_PREVIEWS = Lines()


def error_answer(error: BaseException) -> Answer:
    """The one translator of errors: what a user may read, and a reference for all else."""
    if isinstance(error, FairihubError):
        return _told(error.status, error.to_dict())
    if isinstance(error, web.HTTPError) and error.status_code < 500:
        return _told(error.status_code, _of_http(error))
    reference = uuid.uuid4().hex[:8]
    log.error("unexpected error %s", reference, exc_info=error)
    message = f"Something went wrong here. The log has it under {reference}."
    return _told(500, {"code": "internal", "message": message})


_HTTP_CODES = {
    403: ("forbidden", "You may not do this."),
    404: ("no-such-address", "There is nothing at this address."),
    405: ("no-such-method", "This address does not know that method."),
}


def _of_http(error: web.HTTPError) -> dict[str, str]:
    # How a Jupyter server says that the request is forged.
    if error.status_code == 403 and "xsrf" in (error.log_message or "").lower():
        return forged().to_dict()
    code, message = _HTTP_CODES.get(error.status_code, ("bad-request", "The request is wrong."))
    return {"code": code, "message": message}


def _told(status: int, body: Mapping[str, Any]) -> Answer:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    headers = {**kind, **CHALLENGE} if status == 401 else kind
    return Answer(json.dumps(body, ensure_ascii=False).encode(), status, headers)


class AnswerMixin:
    """Sends answers, and errors as answers. Mixed into a host's handler class."""

    request: Any
    set_status: Callable[..., None]
    set_header: Callable[..., None]
    clear: Callable[[], None]
    finish: Callable[..., Any]
    get_query_arguments: Callable[..., list[str]]

    def request_to(self, path: str, body: bytes = b"") -> Request:
        """The request as the API understands it, wherever its root is."""
        return Request(
            method=self.request.method,
            path=path,
            query={n: self.get_query_arguments(n) for n in self.request.query_arguments},
            body=body,
            known=self.request.headers.get("If-None-Match", ""),
        )

    def send(self, answer: Answer) -> None:
        self.set_status(answer.status)
        self.set_header("X-Content-Type-Options", "nosniff")
        if "Content-Security-Policy" not in answer.headers:
            self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        if "Cache-Control" not in answer.headers:
            self.set_header("Cache-Control", "private, no-store")
        for name, value in answer.headers.items():
            self.set_header(name, value)
        self.finish(answer.body or None)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        raised = kwargs.get("exc_info")
        error = raised[1] if raised else web.HTTPError(status_code)
        self.send(error_answer(error))

    def log_exception(self, kind: Any, value: Any, traceback: Any) -> None:
        """Nothing here: the translator logs what is unexpected, without headers or cookies."""


@dataclass(frozen=True)
class Request:
    """A request to the API, below its root, of whoever it may be."""

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    body: bytes = b""
    known: str = ""

    @property
    def operation(self) -> Operation:
        return self._found[0]

    @property
    def names(self) -> tuple[str, ...]:
        return self._found[1]

    @property
    def _found(self) -> tuple[Operation, tuple[str, ...]]:
        found = find_route(self.path)
        if found is None:
            raise web.HTTPError(404)
        route, names = found
        if self.method not in route.operations:
            raise web.HTTPError(405)
        return route.operations[self.method], names


async def answered(catalogue: Catalogue, caller: Caller, request: Request) -> Answer:
    """The answer of a catalogue on this machine; worked out in a thread."""
    operation = request.operation
    body = within(request.body, operation.body)
    call = Call(caller, request.names, request.query, body, request.known)
    loop = asyncio.get_running_loop()
    if operation.kept is not None:
        kept = await loop.run_in_executor(QUICK, operation.kept, catalogue, call)
        if kept is not None:
            return kept
    executor = QUICK if operation.work is None else _WORKING[operation.work]
    async with _PREVIEWS.turn(caller.login) if operation.work == "preview" else nullcontext():
        return await loop.run_in_executor(executor, operation.does, catalogue, call)


def within(body: bytes, most: int) -> bytes:
    """`body`, if it has at most `most` bytes.

    Raises:
        TooLarge: `too-large`.
    """
    if len(body) > most:
        raise too_large(most)
    return body


def too_large(most: int) -> TooLarge:
    size = f"{most // 2**20} MiB" if most >= 2**20 else f"{most // 1024} KiB"
    return TooLarge("too-large", f"The request is too large: {size} at most.")
