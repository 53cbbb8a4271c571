"""Addresses of JupyterHub's own that are answered otherwise here.

Of a member's name and powers decide the team files and the settings, and JupyterHub's page for
operators offers to change both; its page of errors takes any number for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyterhub.apihandlers.users import UserAPIHandler
from jupyterhub.handlers.pages import ProxyErrorHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from fairihub_auth.answering import JsonHandler
from fairihub_auth.pending_starts import SERVERS
from fairihub_auth.token_makers import TOKENS
from fairihub_core.errors import BadInput, Refused


def changes(asked: Mapping[str, Any], name: str, operates: bool) -> bool:
    """Whether what is asked for of a user would change anything."""
    as_it_is = {"name": name, "admin": operates}
    return any(key not in as_it_is or value != as_it_is[key] for key, value in asked.items())


class UserHandler(JsonHandler, UserAPIHandler):
    """JupyterHub's own, except that nobody is renamed or promoted by it.

    Of a name that stays as it is, which its page sends along, JupyterHub 6.1.1 makes none at all.
    """

    @needs_scope("admin:users")
    async def patch(self, user_name: str) -> None:
        await self.answer(self._as_it_is(user_name))

    async def _as_it_is(self, user_name: str) -> dict[str, Any]:
        user, asked = self.find_user(user_name), self.body()
        if user is None:
            raise web.HTTPError(404)
        if not isinstance(asked, dict):
            raise BadInput("bad-request", "The body is no JSON object.")
        if changes(asked, user.name, bool(user.admin)):
            raise Refused(
                "decided-elsewhere",
                "Nothing of a user is changed here: who comes in, and to which teams, say the team "
                "files; who operates the hub says “operators” in its settings; and a rename at "
                "the provider is followed by itself.",
            )
        model: dict[str, Any] = self.user_model(user)
        return model


class ErrorHandler(ProxyErrorHandler):
    """The page to which the proxy leads for a status, and which takes nothing else for one."""

    async def get(self, status_code_s: str) -> None:
        if len(status_code_s) != 3:
            raise web.HTTPError(404)
        await super().get(status_code_s)


INSTEAD: list[tuple[str, type[web.RequestHandler]]] = [
    TOKENS,
    *SERVERS,
    ("/api/users/([^/]+)", UserHandler),
    (r"/error/(\d+)", ErrorHandler),
]
"""For `get_handlers` of an authenticator, whose addresses come before the hub's own."""
