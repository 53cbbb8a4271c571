"""Who makes an API token: known where it is asked for, told where the audit log hears of it."""

from __future__ import annotations

from contextvars import ContextVar

from jupyterhub.apihandlers.users import UserTokenListAPIHandler

_maker: ContextVar[str] = ContextVar("maker", default="")


def maker() -> str:
    """Whoever asks for a token in this request; nobody where the hub itself makes one."""
    return _maker.get()


class TokensHandler(UserTokenListAPIHandler):
    """JupyterHub's own, which remembers who asks; each request has a context of its own."""

    def _resolve_roles_and_scopes(self) -> None:
        # Called whenever JupyterHub has found out who asks, be it by what the body says.
        super()._resolve_roles_and_scopes()
        _maker.set(self.current_user.name if self.current_user else "")


TOKENS = ("/api/users/([^/]+)/tokens", TokensHandler)
"""For `get_handlers` of an authenticator, whose addresses come before the hub's own."""
