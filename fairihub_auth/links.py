"""Sign-in by personal link, for a hub on one machine.

The form contract with the login page: `login.html` is rendered with

- `link_login`: True;
- `login_error`: what went wrong, in plain words, or None; `denial` beside it if the browser's
  present login is no longer let in;
- `continue_url`: where to go on if somebody is signed in already, else None. The page goes
  there unless its fragment holds a link: then the link wins;
- `authenticator_login_url` (keeps `next`), `xsrf`: a form posts to this address the fields
  `_xsrf` and `link`, the token that the page's script takes from the fragment `#link=TOKEN`.

Success redirects to `next` if that is on this hub, else to the hub's own choice. Failure answers
403 with the same page, or with `403.html` if the link is good and its login is not let in.
"""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.login import LoginHandler
from tornado import web
from traitlets import Unicode

from fairihub_auth.gate import Denied, Gate
from fairihub_auth.instead import INSTEAD
from fairihub_auth.link_store import LinkStore
from fairihub_auth.login_page import OneSession
from fairihub_auth.logout import RecordedLogout
from fairihub_core import clock

MAX_FORM_BYTES = 16 * 1024
NO_SUCH_LINK = (
    "This sign-in link does not work: it has been used already, has expired, or was not copied "
    "whole. Ask for a new one; on the hub's machine the command “fairihub link LOGIN” makes it."
)
STALE_PAGE = "This page was open for too long. Open your sign-in link again."
TOO_LARGE = "This is no sign-in link: it is far too long."


class LinkLoginHandler(OneSession, LoginHandler):
    """The page `/hub/login`, and the form it posts."""

    async def prepare(self) -> None:
        if len(self.request.body) > MAX_FORM_BYTES:
            # Neither the page nor the log repeats any of it.
            self.request.arguments.clear()
            self.request.body_arguments.clear()
            raise web.HTTPError(413, TOO_LARGE)
        await super().prepare()

    async def get(self) -> None:
        user = self.current_user
        if user is None:
            if self.denied_cookie() is not None:
                self.set_status(403)
            await super().get()
            return
        # Whether there is a link for another login only the page's script can see.
        self.finish(await self._render(continue_url=self.get_next_url(user)))

    async def post(self) -> None:
        user = await self.login_user({"link": self.get_body_argument("link", "")})
        if user is None:
            self.set_status(403)
            self.finish(await self._render(login_error=NO_SUCH_LINK))
            return
        self._jupyterhub_user = user  # as JupyterHub's own handler does, for the log
        self.redirect(self.get_next_url(user))

    def check_xsrf_cookie(self) -> None:
        try:
            super().check_xsrf_cookie()
        except web.HTTPError as error:
            raise web.HTTPError(error.status_code, STALE_PAGE) from error

    def render_template(self, name: str, sync: bool = False, **ns: Any) -> Any:
        """A form that cannot be accepted answers with the form; only a denial has its own page."""
        failed = name == f"{ns.get('status_code')}.html" and ns["status_code"] < 500
        if failed and self.request.method == "POST" and not isinstance(ns["exception"], Denied):
            return self._render(login_error=ns["message"], sync=sync)
        return super().render_template(name, sync=sync, **ns)

    def _render(
        self, login_error: str | None = None, username: str | None = None, **ns: Any
    ) -> Any:
        denial = None if self.current_user else self.denied_cookie()
        if denial is not None and login_error is None:
            login_error = denial.message()
        context = {"link_login": True, "denial": denial, "continue_url": None, **ns}
        return super()._render(login_error=login_error, username=None, **context)


class LinkAuthenticator(Gate, Authenticator):
    """Whoever opens a link is who the link was made for; the gate says whether they come in."""

    links_folder = Unicode(
        config=True, help="The folder of the LinkStore, shared with the command line."
    )

    async def authenticate(self, handler: Any, data: Any) -> str | None:
        """Asked by the login page, and by the hub's API where a link may open a token request."""
        link = data.get("link") if isinstance(data, dict) else None
        if not isinstance(link, str):
            return None
        return await asyncio.to_thread(LinkStore(self.links_folder).use, link, clock.now())

    def get_handlers(self, app: Any) -> list[tuple[str, type[web.RequestHandler]]]:
        return [("/login", LinkLoginHandler), ("/logout", RecordedLogout), *INSTEAD]
