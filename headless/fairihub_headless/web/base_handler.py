"""Who asks, and whether they may: asked of the hub and of its snapshot on every request."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError
from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from pydantic import BaseModel
from tornado.web import Finish, HTTPError

from fairihub_core.access import require_access
from fairihub_core.callers import Visitor, come_back, identified, sign_in_incomplete
from fairihub_core.clock import today
from fairihub_core.errors import BadInput, FairihubError, Missing, SignedOut
from fairihub_core.scopes import Scope
from fairihub_headless.callers import Caller
from fairihub_headless.models import Run
from fairihub_headless.web import views
from fairihub_headless.web.answering import Answering, Content, allowed
from fairihub_headless.web.answers import StatusInfo
from fairihub_headless.web.asked import whole_number
from fairihub_headless.web.exceptions import no_such_method
from fairihub_headless.web.negotiating import require_acceptable

SERVICE = "headless"
"""What the hub calls it."""
REPLAYED = "Idempotent-Replayed"
"""The header of an answer that tells of a job which an earlier request with its key began."""
FAILURES = (HTTPError, ClientError)
"""What is raised where the hub refuses, or does not answer."""
_FORMS = ("json", "html")


class Callback(Answering, HubOAuthCallbackHandler):
    """Where the hub sends a browser back to after it signed in."""

    async def prepare(self) -> None:
        self.current_user = await come_back(self, FAILURES)

    def explained(self, problem: BaseException | None, status: int) -> FairihubError:
        known = status == HTTPStatus.METHOD_NOT_ALLOWED or not isinstance(problem, HTTPError)
        return super().explained(problem, status) if known else sign_in_incomplete()


class Base(HubOAuthenticated, Answering):
    """Identity from the hub, access from its snapshot, on every request."""

    async def prepare(self) -> None:
        self.visitor = await self._identified()
        self.current_user = self.login = login = self.visitor.login
        directory = self.service.follower.current().directory
        require_access(login, directory, today())
        self.caller = Caller(login, self.hub_auth.get_token(self) or "", directory)
        self.visitor.require(self.needed())

    def needed(self) -> Scope | None:
        """What the caller's token must hold for this method.

        Raises:
            NotAllowed: the route table knows no such method of this address.
        """
        method = "GET" if self.request.method == "HEAD" else self.request.method
        if method == "OPTIONS":
            return None
        if method not in self.needs:
            raise no_such_method()
        return self.needs[method]

    async def head(self, *args: str, **names: str) -> None:
        """As GET; tornado leaves the body out."""
        answer = self.get(*args, **names)
        if inspect.isawaitable(answer):
            await answer

    def options(self, *_args: str, **_names: str) -> None:
        """What can be asked here, for who may ask; pages of other sites are let in nowhere."""
        self.set_header("Allow", allowed(self.needs))
        self.set_status(204)
        self.finish()

    async def status_of(self, run: Run) -> StatusInfo:
        """How a run stands, as the caller may see it; its parameters may be large."""
        own, rules = self.caller.owns(run), self.runs.settings.rules
        return await asyncio.to_thread(views.status_info, run, self.base, own=own, rules=rules)

    def answer(
        self,
        document: Any,
        title: str,
        status: int = 200,
        content: Content | None = None,
        kind: str = "application/json",
    ) -> Awaitable[None]:
        """`document` as JSON or as a page, as the caller prefers; done when it has been taken.

        Args:
            content: makes what is on the page; without it the document is shown as text.
            kind: the media type of the document.

        Raises:
            BadInput: `bad-format`, a form was asked for that is not known.
            NotAcceptable: `not-acceptable`.
        """
        asked = self.get_query_argument("f", None)
        if asked is not None and asked not in _FORMS:
            raise BadInput("bad-format", "`f` can be “json” or “html”.")
        if asked is None and self.request.method == "GET":
            require_acceptable(self.request.headers.get("Accept", ""))
        plain = document
        if isinstance(document, BaseModel):  # what is not known is left out: the OGC has no null
            plain = document.model_dump(mode="json", exclude_none=True)
        self.set_status(status)
        return self.send(plain, title, kind, content)

    @property
    def range(self) -> str | None:
        """The part that is asked for; HEAD tells of the whole (RFC 9110, 14.2)."""
        return None if self.request.method == "HEAD" else self.request.headers.get("Range")

    def whole_number(self, name: str, default: int, most: int, least: int = 0) -> int:
        """A number of the query.

        Raises:
            BadInput: `bad-query`.
        """
        text = self.get_query_argument(name, str(default))
        return min(whole_number(text, name, least), most)

    def check_xsrf_cookie(self) -> None:
        # Called by the identity check below for each unsafe request that comes with a cookie.
        self.hub_auth.check_xsrf_cookie(self)

    async def _identified(self) -> Visitor:
        """The person who asks; a browser that asks for a page is sent to sign in first.

        Raises:
            SignedOut, Refused, Unavailable: as `identified`.
        """
        try:
            return await identified(self, SERVICE, FAILURES)
        except SignedOut:
            if self._may_sign_in():
                self.redirect(self.get_login_url())
                raise Finish from None
            raise

    def _may_sign_in(self) -> bool:
        """Whether a browser asks for a page of ours, to which it may come back afterwards."""
        ours = (self.request.uri or "").startswith(self.service.prefix)
        return self.request.method == "GET" and self.wants_page and ours


class NotFound(Base):
    """Every address that the table does not know; the caller must be a member even so."""

    def needed(self) -> Scope | None:
        raise Missing("no-such-address", "There is nothing here; see the landing page.")
