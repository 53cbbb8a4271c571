"""Signing out, which stands in the audit log, whatever proved who somebody is."""

from __future__ import annotations

from jupyterhub.handlers.login import LogoutHandler
from jupyterhub.utils import new_token
from oauthenticator.oauth2 import OAuthLogoutHandler

from fairihub_core import clock
from fairihub_core.audit import Entry

_OURS = ("same-origin", "none")


class RecordedLogout(LogoutHandler):
    """The page `/hub/logout`. A browser that is let in no more forgets who it was, too."""

    async def get(self) -> None:
        """Signs out; whoever was sent here by another site is asked first.

        Of the browsers in use, each says where a request comes from. An old one that does not is
        believed, as JupyterHub does.
        """
        asked_from = self.request.headers.get("Sec-Fetch-Site", "none")
        if self.current_user is not None and asked_from not in _OURS:
            self.set_status(403)
            self.finish(await self.render_template("sign_out.html"))
        else:
            await super().get()

    async def default_handle_logout(self) -> None:
        user = self.current_user
        await super().default_handle_logout()
        if user is None:
            self.clear_login_cookie()
        else:
            name = user.name
            # A copy of the cookie, wherever it is, opens nothing from now on.
            user.orm_user.cookie_id = new_token()
            self.db.commit()
            self.authenticator.record(
                Entry(at=clock.now(), action="signed-out", login=name, by=name)
            )

    async def render_logout_page(self) -> None:
        """Says what has ended and what goes on, rather than asking to sign in at once."""
        self.finish(await self.render_template("logout.html"))


class ProviderLogout(RecordedLogout, OAuthLogoutHandler):
    """The same where a provider signs people in."""
