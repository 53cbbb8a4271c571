"""What every handler of the service shares: who asks, in which form, and how errors are said."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated, UserNotAllowed
from pydantic import BaseModel
from tornado.web import Finish, HTTPError, RequestHandler

from fairihub_core.access import require_access
from fairihub_core.clock import today
from fairihub_core.errors import BadInput, FairihubError, Missing, Refused, Unavailable
from fairihub_core.follow import SnapshotFollower
from fairihub_core.service_page import Brand
from fairihub_headless import pages
from fairihub_headless.exceptions import NotAllowed, exception_of
from fairihub_headless.running import Caller, Runs

log = logging.getLogger("fairihub.headless")

_FORMS = ("json", "html")
Content = Callable[[], str]
"""Makes the inside of a page: HTML that is safe."""


@dataclass(frozen=True)
class Service:
    """What the handlers work with."""

    runs: Runs
    follower: SnapshotFollower
    brand: Brand
    prefix: str

    @property
    def name(self) -> str:
        """What people call the hub."""
        return self.brand.name


class Defect(FairihubError):
    """A mistake of ours; its text stays in the log."""

    status = 500


class Discreet(RequestHandler):
    """Logs defects without the request: its query may hold a token, and its headers do."""

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if not isinstance(value, FairihubError | HTTPError):
            what = f"{self.request.method} {self.request.path}"
            log.error("defect in %s", what, exc_info=(typ, value, tb))


class Callback(Discreet, HubOAuthCallbackHandler):
    """Where the hub sends a browser back to after it signed in."""


def log_request(handler: RequestHandler) -> None:
    """One line for each request, without its query: that may hold a token."""
    request, status = handler.request, handler.get_status()
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    spent = 1000 * request.request_time()
    log.log(level, "%d %s %s %.0f ms", status, request.method, request.path, spent)


class Base(HubOAuthenticated, Discreet):
    """Identity from the hub, access from its snapshot, on every request; JSON or a page."""

    def initialize(self, service: Service) -> None:
        self.service = service
        self.runs = service.runs
        self.login: str | None = None

    async def prepare(self) -> None:
        self.caller = await self._identified()

    @property
    def base(self) -> str:
        """The address of the landing page, as the caller reaches it."""
        return f"{self.request.protocol}://{self.request.host}{self.service.prefix}"

    @property
    def wants_page(self) -> bool:
        asked = self.get_query_argument("f", None)
        if asked is not None:
            return asked == "html"
        return "text/html" in self.request.headers.get("Accept", "")

    def answer(
        self, document: Any, title: str, status: int = 200, content: Content | None = None
    ) -> None:
        """`document` as JSON or as a page, as the caller prefers.

        Args:
            content: makes what is on the page; without it the document is shown as text.

        Raises:
            BadInput: `bad-format`, a form was asked for that is not known.
        """
        asked = self.get_query_argument("f", None)
        if asked is not None and asked not in _FORMS:
            raise BadInput("bad-format", "`f` can be “json” or “html”.")
        plain = document.model_dump(mode="json") if isinstance(document, BaseModel) else document
        self.set_status(status)
        self._send(plain, title, "application/json", content)

    def whole_number(self, name: str, default: int, most: int, least: int = 0) -> int:
        """A number of the query.

        Raises:
            BadInput: `bad-query`.
        """
        text = self.get_query_argument(name, str(default))
        if not (text.isascii() and text.isdecimal() and len(text) < 12):
            raise BadInput("bad-query", f"`{name}` must be a whole number.")
        if not least <= int(text):
            raise BadInput("bad-query", f"`{name}` must be at least {least}.")
        return min(int(text), most)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every error as an exception of the OGC; what is not meant for users is not said."""
        error = _explained(kwargs.get("exc_info", (None, None, None))[1], status_code)
        self.set_status(error.status)
        wanted = self.request.headers.get("Accept", "")
        # The official test suite insists on the plain type unless asked otherwise.
        kind = "application/problem+json" if "problem+json" in wanted else "application/json"
        told, title = exception_of(error), HTTPStatus(error.status).phrase
        self._send(told, title, kind, lambda: pages.problem(title, told, self.base))

    def set_default_headers(self) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    def check_xsrf_cookie(self) -> None:
        # Called by the identity check below for each unsafe request that comes with a cookie.
        self.hub_auth.check_xsrf_cookie(self)

    def _send(self, plain: Any, title: str, kind: str, content: Content | None) -> None:
        if not self.wants_page:
            self.set_header("Content-Type", kind)
            self.finish(json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace"))
            return
        brand = self.service.brand
        inside = content() if content else pages.anything(title, plain, self.base)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", brand.policy)
        self.set_header("Referrer-Policy", "same-origin")
        whole = pages.page(brand, title, inside, self.login)
        self.finish(whole.encode("utf-8", "replace"))

    async def _identified(self) -> Caller:
        """The member who asks.

        Raises:
            Refused: nobody, not a member, or one whose teams are all closed.
            Unavailable: the hub does not answer.
        """
        try:
            model = await self.hub_auth.get_user(self, sync=False)
        except HTTPError:
            raise Unavailable("no-hub", "The hub does not answer. Try again in a minute.") from None
        if not model:
            return self._sign_in()
        try:
            self.check_hub_user(model)
        except UserNotAllowed:
            raise Refused("not-allowed", "This token may not reach the runs service.") from None
        if model.get("kind") != "user":
            raise Refused("not-a-member", "Only members run notebooks, not services.")
        login = str(model["name"])
        self.current_user = self.login = login
        directory = self.service.follower.current().directory
        require_access(login, directory, today())
        return Caller(login, self.hub_auth.get_token(self) or "", directory)

    def _sign_in(self) -> Caller:
        if self.request.method == "GET" and self.wants_page:
            self.redirect(self.get_login_url())
            raise Finish
        raise Refused(
            "signed-out",
            "Sign in, or send an API token of yours: “Authorization: token …”. A page must "
            "also send its XSRF token.",
        )


class NotFound(Base):
    """Every address that the table does not know; the caller must be a member even so."""

    async def prepare(self) -> None:
        await super().prepare()
        raise Missing("no-such-address", "There is nothing here; see the landing page.")


def _explained(problem: BaseException | None, status: int) -> FairihubError:
    if isinstance(problem, FairihubError):
        return problem
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return NotAllowed("no-such-method", "This address does not know that method.")
    if isinstance(problem, HTTPError) and status < 500:
        return BadInput("bad-request", "The request cannot be read.")
    return Defect("internal", "Something went wrong in the service; its log says what.")
