"""Sign-in through GitHub, which knows people by a number and lets them change their login."""

from __future__ import annotations

from typing import Any

from oauthenticator.github import GitHubOAuthenticator
from traitlets import TraitError, validate

from fairihub_auth.providers import ProviderGate
from fairihub_core.logins import login_of
from fairihub_core.people import Identity


class GitHubGate(ProviderGate, GitHubOAuthenticator):
    """Whoever GitHub knows by a number; the gate says whether they come in.

    No scope is asked for: what GitHub tells of anybody is enough, and no e-mail address is
    wanted. Nothing of a sign-in is kept but number and login, by whoever admits.
    """

    @validate("scope")
    def _no_scope(self, proposal: dict[str, Any]) -> list[str]:
        if proposal["value"]:
            raise TraitError("scope cannot be set: fairihub asks GitHub for nothing but who it is.")
        return []

    @validate("enable_pkce")
    def _always(self, proposal: dict[str, Any]) -> bool:
        if not proposal["value"]:
            raise TraitError("enable_pkce cannot be switched off.")
        return True

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Number and login; whatever else GitHub says of a person ends here."""
        said = await super().token_to_user(token_info)
        number, login = said["id"], said["login"]
        # To Python `true` is a whole number, too.
        if type(number) is not int or number <= 0 or not isinstance(login, str) or not login:
            raise self.unreachable("its answer names no account")
        return {"id": number, "login": login}

    async def update_auth_model(self, auth_model: dict[str, Any]) -> dict[str, Any]:
        """Asks for no e-mail address, not even with a token that would be allowed to."""
        return auth_model

    def identity_of(self, auth_model: dict[str, Any]) -> Identity:
        said = auth_model["auth_state"][self.user_auth_state_key]
        return Identity(id=str(said["id"]), login=login_of(said["login"]))
