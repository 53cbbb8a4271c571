"""What a browser meets at the hub where people sign in by OpenID Connect."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from fairihub_auth.logout import ProviderLogout
from fairihub_auth.providers import ProviderLoginHandler, SignInHandler
from fairihub_core.access import Denial

SIGN_IN_SECONDS = 5.0
"""How long ago a provider must have answered for a browser to be sent there."""


class OidcSignInHandler(SignInHandler):
    """Sends the browser to the provider, once it is known to be there."""

    async def get(self) -> None:
        await self.authenticator.met(SIGN_IN_SECONDS)
        super().get()

    def _generate_pkce_params(self) -> tuple[str, str]:
        verifier, challenge = super()._generate_pkce_params()
        self._nonce = nonce_of(verifier)
        return verifier, challenge

    def authorize_redirect(self, *, extra_params: dict[str, Any], **more: Any) -> None:
        super().authorize_redirect(extra_params={**extra_params, "nonce": self._nonce}, **more)


class OidcLoginPage(ProviderLoginHandler):
    """The page with the button. Whoever was in by a session that has ended is no stranger."""

    def denied_cookie(self) -> Denial | None:
        return None if self._session_ended() else super().denied_cookie()

    def _render(self, login_error: str | None = None, **ns: Any) -> Any:
        if login_error is None and self.current_user is None and self._session_ended():
            name = self.authenticator.provider_name
            login_error = f"{name} has ended your session there. Sign in again to go on."
        return super()._render(login_error=login_error, **ns)

    def _session_ended(self) -> bool:
        user = self.get_current_user_cookie()
        return user is not None and self.authenticator.session_ended(user)


class OidcLogoutHandler(ProviderLogout):
    """Ends the hub's session; the page offers the way to end the provider's."""

    async def render_logout_page(self) -> None:
        way_out = self.authenticator.sign_out_address(self)
        self.finish(await self.render_template("logout.html", provider_sign_out=way_out))


def nonce_of(verifier: str) -> str:
    """What binds an id token to the sign-in whose PKCE verifier that is, and does not tell it."""
    digest = hashlib.sha256(b"nonce of " + verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
