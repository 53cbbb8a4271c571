"""What the pages talk to and this room does not make: the hub's routes, and a provider.

The answers are those of the real ones; a test says what happens by files in the hub's folder.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from jupyterhub.apihandlers import APIHandler
from jupyterhub.handlers import BaseHandler
from oauthenticator.generic import GenericOAuthenticator

from fairihub_auth.providers import ProviderGate
from fairihub_core.access import Denial, denial_of
from fairihub_core.clock import today
from fairihub_core.people import Identity, Person


class Standing(APIHandler):
    """`GET /hub/api/fairihub/standing`: refused is who has a file of that name in `refused/`."""

    _xsrf_safe_methods = frozenset({"GET", "HEAD", "OPTIONS"})

    def initialize(self, folder: str) -> None:
        self.refused = Path(folder) / "refused"

    def get(self) -> None:
        user = self.current_user
        if user is None:
            self.set_status(401)
            self.finish({"code": "signed-out", "message": "Nobody is signed in."})
            return
        file = self.refused / user.name
        said = json.loads(file.read_text()) if file.exists() else {"admitted": True}
        self.finish({"login": user.name, "code": None, "message": "", "server_ends": None, **said})


class Servers(APIHandler):
    """`/hub/api/fairihub/teams/TEAM/servers`: two servers, of which one can be stopped."""

    running: ClassVar[dict[str, str]] = {"bob": "urban-climate.small", "ada": "urban-climate.large"}

    def get(self, team: str, login: str | None = None) -> None:
        started = datetime.now(timezone.utc) - timedelta(minutes=5)
        self.finish(
            {
                "servers": [
                    {
                        "login": login,
                        "profile": profile,
                        "state": "running",
                        "started": started.isoformat(),
                    }
                    for login, profile in self.running.items()
                    if profile.startswith(f"{team}.")
                ]
            }
        )

    def delete(self, team: str, login: str) -> None:
        if login == "ada":
            self.set_status(503)
            self.finish({"code": "hub-away", "message": "The server does not stop at present."})
            return
        self.running.pop(login)
        self.set_status(204)


class Accounts(BaseHandler):
    """The provider's page: whoever the cookie `account` names signs in, or calls it off."""

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


def admitted_by(directory: Any) -> Any:
    """Who comes in: by the directory, and nobody with an account number below 10."""

    def admit(identity: Identity) -> Any:
        denial = denial_of(identity.login, directory, today())
        if denial is None and int(identity.id) < 10:
            return Denial(identity.login, "another-person", number=identity.id)
        if denial is not None:
            return replace(denial, number=identity.id)
        return Person(name=identity.login, id=identity.id, logins=(identity.login,))

    return admit


def provider_for(c: Any, hub: str, local: str, directory: Any, service: str) -> None:
    """Signs in through the stand-in: `hub` as browsers reach it, `local` as the hub does."""
    c.JupyterHub.authenticator_class = Provider
    c.Provider.directory = lambda: directory
    c.Provider.admit = admitted_by(directory)
    c.Provider.login_service = service
    c.Provider.client_id = "cube-lab"
    c.Provider.client_secret = "not-a-secret"
    c.Provider.username_claim = "login"
    c.Provider.authorize_url = f"{hub}stand-in/accounts"
    c.Provider.token_url = f"{local}stand-in/tokens"
    c.Provider.userdata_url = f"{local}stand-in/tokens"
    c.Provider.oauth_callback_url = f"{hub}oauth_callback"


def handlers(folder: str) -> list[tuple[Any, ...]]:
    return [
        (r"/api/fairihub/standing", Standing, {"folder": folder}),
        (r"/api/fairihub/teams/([^/]+)/servers(?:/([^/]+))?", Servers),
        (r"/stand-in/accounts", Accounts),
        (r"/stand-in/tokens", Tokens),
    ]
