"""A provider that answers as GitHub does, in the hub itself: pages need somebody to come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from jupyterhub.handlers import BaseHandler
from oauthenticator.generic import GenericOAuthenticator

from fairihub_auth.providers import ProviderGate
from fairihub_core.access import Denial, denial_of
from fairihub_core.clock import today
from fairihub_core.people import Identity, Person
from fairihub_core.teams import TeamDirectory


class Accounts(BaseHandler):
    """The provider's page: whoever the cookie `account` names signs in, or cancels it."""

    def get(self) -> None:
        account = self.get_cookie("account") or ""
        answer = {"state": self.get_argument("state", "")}
        answer |= {"code": account} if account else {"error": "access_denied"}
        self.redirect(f"{self.get_argument('redirect_uri')}?{urlencode(answer)}")


class Tokens(BaseHandler):
    """Where the hub asks the provider: for a token, and with it for the account."""

    def check_xsrf_cookie(self) -> None:
        pass

    def post(self) -> None:
        code = self.get_argument("code")
        if code == "nobody":
            self.set_status(502)
        self.finish({"access_token": code, "token_type": "bearer"})

    def get(self) -> None:
        login, _, number = self.request.headers["Authorization"].split(" ")[1].partition(":")
        self.finish({"login": login, "id": int(number)})


class Provider(ProviderGate, GenericOAuthenticator):
    """A provider that answers as GitHub does."""

    def identity_of(self, auth_model: dict[str, Any]) -> Identity:
        user = auth_model["auth_state"][self.user_auth_state_key]
        return Identity(id=str(user["id"]), login=user["login"])


def admitted_by(directory: Callable[[], TeamDirectory]) -> Any:
    """Who comes in: by the directory, and nobody with an account number below 10."""

    def admit(identity: Identity) -> Any:
        denial = denial_of(identity.login, directory(), today())
        if denial is None and int(identity.id) < 10:
            return Denial(identity.login, "another-person", number=identity.id)
        if denial is not None:
            return replace(denial, number=identity.id)
        return Person(name=identity.login, id=identity.id, logins=(identity.login,))

    return admit


def provider_for(c: Any, hub: str, local: str, directory: Callable[[], TeamDirectory]) -> None:
    """Signs in through the stand-in: `hub` as browsers reach it, `local` as the hub does."""
    c.JupyterHub.authenticator_class = Provider
    c.Provider.directory = directory
    c.Provider.admit = admitted_by(directory)
    c.Provider.login_service = "GitHub"
    c.Provider.client_id = "cube-lab"
    c.Provider.client_secret = "not-a-secret"
    c.Provider.username_claim = "login"
    c.Provider.authorize_url = f"{hub}stand-in/accounts"
    c.Provider.token_url = f"{local}stand-in/tokens"
    c.Provider.userdata_url = f"{local}stand-in/tokens"
    c.Provider.oauth_callback_url = f"{hub}oauth_callback"


def handlers() -> list[tuple[str, type[BaseHandler]]]:
    return [(r"/stand-in/accounts", Accounts), (r"/stand-in/tokens", Tokens)]
