"""How a request is answered: in JSON or with a page, errors as well, and what is logged of it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from tornado.web import HTTPError, RequestHandler

from fairihub_core.callers import CHALLENGE
from fairihub_core.errors import BadInput, FairihubError
from fairihub_core.follow import SnapshotFollower
from fairihub_core.service_page import Brand
from fairihub_headless.errors import Defect
from fairihub_headless.running import Runs
from fairihub_headless.web import pages
from fairihub_headless.web.exceptions import exception_of, no_such_method
from fairihub_headless.web.negotiating import prefers_page
from fairihub_headless.web.pace import Pace
from fairihub_headless.web.routing import Needs
from fairihub_headless.web.seats import Seats

log = logging.getLogger("fairihub.headless")

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")
NOTHING: Needs = MappingProxyType({})
Content = Callable[[], str]
"""Makes the inside of a page: HTML that is safe."""


@dataclass(frozen=True)
class Service:
    """What the handlers work with."""

    runs: Runs
    follower: SnapshotFollower
    brand: Brand
    prefix: str
    seats: Seats = field(default_factory=Seats)
    """How many streams each member has open."""

    pace: Pace = field(default_factory=Pace)
    """How fast members ask for runs."""

    @property
    def name(self) -> str:
        """What people call the hub."""
        return self.brand.name


def allowed(needs: Needs) -> str:
    """The methods of an address, for the header `Allow`."""
    return ", ".join([*needs, *(["HEAD"] if "GET" in needs else []), "OPTIONS"])


def log_request(handler: RequestHandler) -> None:
    """One line for each request, without its query: that may hold a token."""
    request, status = handler.request, handler.get_status()
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    spent = 1000 * request.request_time()
    log.log(level, "%d %s %s %.0f ms", status, request.method, request.path[:300], spent)


class Answering(RequestHandler):
    """Answers in JSON or with a page, errors as well; logs nothing of what a request holds."""

    def initialize(self, service: Service, needs: Needs = NOTHING) -> None:
        self.service = service
        self.runs = service.runs
        self.needs = needs
        self.login: str | None = None

    @property
    def base(self) -> str:
        """The address of the landing page, as the caller reaches it."""
        return f"{self.request.protocol}://{self.request.host}{self.service.prefix}"

    @property
    def wants_page(self) -> bool:
        asked = self.get_query_argument("f", None)
        if asked is not None:
            return asked == "html"
        return prefers_page(self.request.headers.get("Accept", ""))

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """A word of the address, of the query or of a form.

        What is no text names nothing that there is. tornado would refuse it before the body has
        come, and read a control character as a blank: a filter of these would be none at all.
        """
        return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", value.decode("utf-8", "replace"))

    def set_default_headers(self) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    def send(self, plain: Any, title: str, kind: str, content: Content | None) -> Awaitable[None]:
        """Finishes with `plain` as JSON of that kind, or as a page around `content`.

        What is returned is done when all of it has been taken.
        """
        if not self.wants_page:
            self.set_header("Content-Type", kind)
            return self.finish(json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace"))
        brand = self.service.brand
        inside = content() if content else pages.anything(title, plain, self.base)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", pages.policy(brand))
        self.set_header("Referrer-Policy", "same-origin")
        whole = pages.page(brand, title, inside, self.service.prefix, self.login)
        return self.finish(whole.encode("utf-8", "replace"))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every error as an exception of the OGC; what is not meant for users is not said."""
        error = self.explained(kwargs.get("exc_info", (None, None, None))[1], status_code)
        self.set_status(error.status)
        if error.status == HTTPStatus.UNAUTHORIZED:
            for name, value in CHALLENGE.items():
                self.set_header(name, value)
        if error.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", allowed(self.needs))
        if error.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and "size" in error.details:
            self.set_header("Content-Range", f"bytes */{error.details['size']}")
        if "retry_after" in error.details:
            self.set_header("Retry-After", str(error.details["retry_after"]))
        wanted = self.request.headers.get("Accept", "")
        # The official test suite insists on the plain type unless asked otherwise.
        kind = "application/problem+json" if "problem+json" in wanted else "application/json"
        told, title = exception_of(error), HTTPStatus(error.status).phrase
        self.send(told, title, kind, lambda: pages.problem(title, told, self.base))

    def explained(self, problem: BaseException | None, status: int) -> FairihubError:
        """What is said of a problem that ended a request."""
        if isinstance(problem, FairihubError):
            return problem
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            return no_such_method()
        if isinstance(problem, HTTPError) and status < 500:
            return BadInput("bad-request", "The request cannot be read.")
        return Defect("internal", "Something went wrong in the service; its log says what.")

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Defects only, and without the request: its query may hold a token, its headers do."""
        if not isinstance(value, FairihubError | HTTPError):
            what = f"{self.request.method} {self.request.path}"
            log.error("defect in %s", what, exc_info=(typ, value, tb))
