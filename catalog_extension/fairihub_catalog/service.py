"""The catalogue as a service of the hub: who calls is asked of the hub, on every request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from aiohttp import ClientError
from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import web
from tornado.httputil import HTTPServerRequest
from tornado.log import access_log

from fairihub_catalog import pages
from fairihub_catalog.callers import Caller, caller_of
from fairihub_catalog.catalogue import Catalogue
from fairihub_catalog.handlers import QUICK, AnswerMixin, answered, error_answer, too_large
from fairihub_catalog.operations import Call
from fairihub_catalog.turns import Readings
from fairihub_core.callers import come_back, identified, sign_in_incomplete, signed_out
from fairihub_core.clock import today
from fairihub_core.errors import FairihubError, SignedOut
from fairihub_core.scopes import Scope
from fairihub_core.service_page import Brand
from fairihub_core.teams import TeamDirectory

SERVICE = "catalog"
"""What the hub calls it."""
_FAILURES = (web.HTTPError, ClientError)
MAX_BODY = 256 * 2**20
"""What is read at all; what is over a route's limit is read and dropped, to be answered."""

Directory = Callable[[], TeamDirectory]
"""The teams at this moment; raises Unavailable when the hub was silent for too long."""


@web.stream_request_body
class Dropping(web.RequestHandler):
    """Drops a body as it comes: nobody fills the memory with what no page of ours wants.

    An answer waits until the body has come: one before that would cost the connection, which the
    proxy may be about to use again. So nothing is refused in `prepare`.
    """

    def data_received(self, chunk: bytes) -> None:
        """Nothing is kept."""


class HubHandler(AnswerMixin, HubOAuthenticated, Dropping):
    """A request to the service. Nobody gets further than `identified` without being a member."""

    caller: Caller | None = None

    def set_default_headers(self) -> None:
        self.clear_header("Server")

    def needs(self) -> Scope | None:
        """What the caller's token must hold, beyond access to the catalogue."""
        return None

    async def identified(self) -> Caller:
        """Who calls, as the hub and the team files have it now.

        Raises:
            SignedOut: nobody.
            Refused: not a person, lacking a scope, in no open team, or a forged request.
            Unavailable: the hub cannot be asked.
        """
        visitor = await identified(self, SERVICE, _FAILURES)
        self.current_user = visitor.login
        directory = cast("Directory", self.settings["directory"])
        self.caller = caller_of(visitor.login, directory(), today())
        visitor.require(self.needs())
        return self.caller


class ApiHandler(HubHandler):
    """The API. The body is taken piece by piece, so that going over a limit can be answered."""

    def initialize(self, catalogue: Catalogue, readings: Readings) -> None:
        self.catalogue = catalogue
        self._readings = readings
        self._reads = self._answering = False

    def needs(self) -> Scope | None:
        return self.request_to(self.path_args[0]).operation.needs

    async def prepare(self) -> None:
        self._received = bytearray()
        self._over = False
        self._most = 0
        self._refusal: Exception | None = None
        try:
            caller = await self.identified()
            operation = self.request_to(self.path_args[0]).operation
            if operation.work == "reading":
                # Before the body comes: it is what fills the memory.
                self._readings.begin(caller.login)
                self._reads = True
            self._most = operation.body
        except (FairihubError, web.HTTPError) as refusal:
            self._refusal = refusal

    def data_received(self, chunk: bytes) -> None:
        if self.caller is None:
            return
        self._over = self._over or len(self._received) + len(chunk) > self._most
        if self._over:
            self._received.clear()
        else:
            self._received += chunk

    async def get(self, path: str) -> None:
        await self._answer(path)

    async def post(self, path: str) -> None:
        await self._answer(path)

    def on_connection_close(self) -> None:
        # Who hangs up while the notebook is being read has not had the last of it.
        if not self._answering:
            self._end_reading()
        super().on_connection_close()

    def _end_reading(self) -> None:
        if self._reads and self.caller is not None:
            self._reads = False
            self._readings.end(self.caller.login)

    async def _answer(self, path: str) -> None:
        self._answering = True
        try:
            await self._answer_in_turn(path)
        finally:
            self._end_reading()

    async def _answer_in_turn(self, path: str) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self.caller is None:  # pragma: no cover - then there is a refusal
            raise signed_out()
        if self._over:
            raise too_large(self._most)
        request = self.request_to(path, bytes(self._received))
        self.send(await answered(self.catalogue, self.caller, request))


class PageHandler(HubHandler):
    """The catalogue as a web page: a list with a search."""

    def initialize(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    async def get(self) -> None:
        try:
            caller = await self.identified()
        except SignedOut:
            self.redirect(self.get_login_url())
            return
        query = {name: self.get_query_arguments(name) for name in self.request.query_arguments}
        call = Call(caller, query=query)
        brand = self.settings["brand"]
        places = pages.Links(self.request.path, brand.hub_url)
        loop = asyncio.get_running_loop()
        self.send(
            await loop.run_in_executor(QUICK, pages.listing, self.catalogue, call, places, brand)
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        raised = kwargs.get("exc_info")
        answer = error_answer(raised[1] if raised else web.HTTPError(status_code))
        login = self.caller.login if self.caller else None
        self.send(pages.problem(answer, self.settings["brand"], login))


class NotFoundHandler(HubHandler):
    """Any other address: nobody learns from it what is there."""

    async def _refuse(self) -> None:
        await self.identified()
        raise web.HTTPError(404)

    get = head = post = put = patch = delete = options = _refuse


class CallbackHandler(AnswerMixin, HubOAuthCallbackHandler, Dropping):
    """Where the hub sends a browser back to after it signed in."""

    async def prepare(self) -> None:
        self.current_user = await come_back(self, _FAILURES)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        answer = error_answer(web.HTTPError(405) if status_code == 405 else sign_in_incomplete())
        self.send(pages.problem(answer, self.settings["brand"], None))


class ToPageHandler(web.RedirectHandler, Dropping):
    """The page's address without its last slash."""


class Service(web.Application):
    """The handlers, for methods of any name.

    Tornado refuses a method that it does not know before the body has come, which costs the
    connection. As one that it knows, and no handler has, it is refused in good time.
    """

    def find_handler(self, request: HTTPServerRequest, **more: Any) -> Any:
        if request.method not in web.RequestHandler.SUPPORTED_METHODS:
            request.method = "OPTIONS"
        return super().find_handler(request, **more)


def application(
    catalogue: Catalogue, directory: Directory, prefix: str, brand: Brand, cookie_secret: bytes
) -> web.Application:
    """The service below `prefix`, with pages in the look of the hub."""
    # A token that was revoked is good for so long, at most.
    HubOAuth.instance(cache_max_age=30)
    return Service(
        [
            (f"{prefix}oauth_callback", CallbackHandler),
            (prefix, PageHandler, {"catalogue": catalogue}),
            (prefix.rstrip("/"), ToPageHandler, {"url": prefix, "permanent": False}),
            (f"{prefix}api/(.*)", ApiHandler, {"catalogue": catalogue, "readings": Readings()}),
        ],
        default_handler_class=NotFoundHandler,
        cookie_secret=cookie_secret,
        directory=directory,
        brand=brand,
        log_function=_log_request,
    )


def _log_request(handler: web.RequestHandler) -> None:
    """One line for what failed; the path without its query, which may hold what a person typed."""
    status = handler.get_status()
    if status >= 500:
        access_log.warning("%d %s %s", status, handler.request.method, handler.request.path[:300])
