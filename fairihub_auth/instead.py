"""Addresses of JupyterHub's own that are answered otherwise here.

Of a member's name and powers decide the team files and the settings, and JupyterHub's page for
operators offers to change both; its page of errors takes any number for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyterhub.apihandlers.users import UserAPIHandler, UserListAPIHandler
from jupyterhub.handlers.pages import ProxyErrorHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from fairihub_auth.answering import JsonHandler
from fairihub_auth.server_requests import SERVERS
from fairihub_auth.token_makers import TOKENS
from fairihub_core.errors import BadInput, Refused
from fairihub_core.logins import LOGIN, login_of, printable

DECIDED_ELSEWHERE = "decided-elsewhere"
"""The code for what would have decided who comes in, or who operates the hub."""


def changes(asked: Mapping[str, Any], name: str, operates: bool) -> bool:
    """Whether what is asked for of a user would change anything."""
    as_it_is = {"name": name, "admin": operates}
    return any(key not in as_it_is or value != as_it_is[key] for key, value in asked.items())


def require_plain(asked: Any, names: Sequence[Any]) -> None:
    """Lets pass who adds users by names that sign in could bring, and makes no admin of them.

    Raises:
        Refused: `decided-elsewhere`.
        BadInput: `bad-request`, naming the name.
    """
    if isinstance(asked, Mapping) and asked.get("admin"):
        raise _decided_elsewhere()
    for name in names:
        if not isinstance(name, str) or not LOGIN.fullmatch(login_of(name)):
            raise BadInput("bad-request", f"“{printable(str(name))}” is no login.")


class UsersHandler(JsonHandler, UserListAPIHandler):
    """JupyterHub's own, except that it adds no admins, and nobody who could not sign in."""

    @needs_scope("admin:users")
    async def post(self) -> None:
        await self.answer(self._added())

    async def _added(self) -> None:
        asked = self.body()
        names = asked.get("usernames") if isinstance(asked, Mapping) else None
        if not isinstance(names, list):
            raise BadInput("bad-request", "“usernames” is a list of logins.")
        require_plain(asked, names)
        await super().post()


class UserHandler(JsonHandler, UserAPIHandler):
    """JupyterHub's own, except that nobody is renamed or promoted by it.

    Of a name that stays as it is, which its page sends along, JupyterHub 6.1.1 makes none at all.
    """

    @needs_scope("admin:users")
    async def post(self, user_name: str) -> None:
        await self.answer(self._added(user_name))

    async def _added(self, user_name: str) -> None:
        require_plain(self.body() if self.request.body else {}, [user_name])
        await super().post(user_name)

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
            raise _decided_elsewhere()
        model: dict[str, Any] = self.user_model(user)
        return model


def _decided_elsewhere() -> Refused:
    return Refused(
        DECIDED_ELSEWHERE,
        "Nothing of a user is decided here: who comes in, and to which teams, say the team files; "
        "who operates the hub says “operators” in its settings; and a rename at the provider is "
        "followed by itself.",
    )


class ErrorHandler(ProxyErrorHandler):
    """The page to which the proxy leads for a status, and which takes nothing else for one."""

    async def get(self, status_code_s: str) -> None:
        if len(status_code_s) != 3:
            raise web.HTTPError(404)
        await super().get(status_code_s)


INSTEAD: list[tuple[str, type[web.RequestHandler]]] = [
    TOKENS,
    *SERVERS,
    ("/api/users", UsersHandler),
    ("/api/users/([^/]+)", UserHandler),
    (r"/error/(\d+)", ErrorHandler),
]
"""For `get_handlers` of an authenticator, whose addresses come before the hub's own."""
