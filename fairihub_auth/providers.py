"""Sign-in through a provider: it says who somebody is, the gate decides, and its failures are ours.

`class GitHubGate(ProviderGate, GitHubOAuthenticator)`: the second class does the OAuth flow.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from datetime import datetime
from io import BytesIO
from typing import Any

from jupyterhub.handlers.login import LoginHandler
from oauthenticator.oauth2 import (
    OAuthCallbackHandler,
    OAuthLoginHandler,
    _deserialize_state,
    _serialize_state,
)
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from traitlets import Callable, Float, default

from fairihub_auth.denied_again import DeniedAgain
from fairihub_auth.gate import LOGIN_THERE, Denied, Gate
from fairihub_auth.instead import INSTEAD
from fairihub_auth.login_page import OneSession
from fairihub_auth.logout import ProviderLogout
from fairihub_core import clock
from fairihub_core.access import Denial
from fairihub_core.errors import FairihubError
from fairihub_core.logins import printable
from fairihub_core.people import Identity, Person

MAX_ANSWER = 1024 * 1024
MAX_NEXT = 2000
MAX_ID = 255
MAX_CLIENTS = 32
USED_CODES = {"bad_verification_code", "invalid_grant"}
"""What providers say of a code that was used before or is too old."""


class SignInFailed(web.HTTPError):
    """A sign-in that came to nothing without anybody being refused."""

    def __init__(self, message: str, code: str, status: int = 400) -> None:
        super().__init__(status, message)
        self.code = code
        self.jupyterhub_message = message


class ProviderUnreachable(SignInFailed):
    """The provider is away, slow, or says what cannot be understood; `503.html` shows it."""

    def __init__(self, provider_name: str, since: datetime | None = None) -> None:
        message = (
            f"{provider_name} cannot be reached at present, so nobody can sign in. Whoever is "
            "signed in keeps working. Try again in a few minutes."
        )
        super().__init__(message, code="provider-unreachable", status=503)
        self.provider_name = provider_name
        self.since = since
        """Since when nobody could be identified, as far as anybody has tried."""


def _stale() -> SignInFailed:
    return SignInFailed(
        "This sign-in was begun in another window or too long ago. Sign in once more.",
        code="sign-in-stale",
    )


def _nobody(identity: Identity) -> Person | Denial:
    return Denial(identity.login, "no-team")


class SignInHandler(OneSession, OAuthLoginHandler):
    """Sends the browser to the provider."""

    def _get_next_url(self) -> str | None:
        asked = self.get_argument("next", "")
        # It travels in a cookie, for which browsers have little room.
        if len(asked) > MAX_NEXT or not asked.isprintable():
            return None
        try:
            next_url: str | None = super()._get_next_url()
        except ValueError:  # such as “//[”, which is no address at all
            return None
        return next_url


class CallbackHandler(OneSession, DeniedAgain, OAuthCallbackHandler):
    """Where the browser comes back. Whatever the address says is repeated to nobody."""

    async def get(self) -> None:
        try:
            await super().get()
        except Denied as denied:
            self.keep_denial(denied.denial, self.get_argument("state", ""))
            raise

    def get_next_url(self, user: Any = None) -> str:
        # As the hub's own page does: where somebody is led may depend on who they are.
        self._jupyterhub_user = user
        next_url: str = super().get_next_url(user)
        return next_url

    def check_error(self) -> None:
        error = self.get_argument("error", "")
        if error == "access_denied":
            raise SignInFailed(
                f"You did not let {self.authenticator.login_service} tell this hub who you are. "
                "Sign in again if that was not your intention.",
                code="sign-in-cancelled",
            )
        if error:
            self.log.warning("A sign-in came back with an error: %s", printable(error))
            raise SignInFailed(
                f"{self.authenticator.login_service} did not complete the sign-in. Try again; if "
                "it stays so, tell an operator of this hub, who finds more in the log.",
                code="sign-in-failed",
            )

    def check_code(self) -> None:
        if not self.get_argument("code", ""):
            raise _stale()

    def check_state(self) -> None:
        """Compares what came back with what was sent, without reading a stranger's text."""
        cookie = self.get_state_cookie()
        state = _deserialize_state(cookie).get("state_id") if cookie else None
        expected = _serialize_state({"state_id": state}) if state else ""
        given = self.get_argument("state", "")
        if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
            self.deny_again(given)
            raise _stale()

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Without the query of the address, which holds the provider's code."""
        if isinstance(value, web.HTTPError):
            said = printable(value.get_message() or "", 300)
            self.log.warning("%d %s: %s", value.status_code, self.request.path, said)
        else:
            self.log.error("Uncaught at %s", self.request.path, exc_info=(typ, value, tb))


class ProviderLoginHandler(OneSession, LoginHandler):
    """The page `/hub/login`: a button that leads to the provider, and no form."""

    async def get(self) -> None:
        if self.current_user is None and self.denied_cookie() is not None:
            self.set_status(403)
        await super().get()

    async def post(self) -> None:
        raise web.HTTPError(405)

    def _render(self, login_error: str | None = None, **ns: Any) -> Any:
        denial = None if self.current_user else self.denied_cookie()
        if denial is not None and login_error is None:
            login_error = denial.message()
        return super()._render(login_error=login_error, **{"denial": denial, **ns})


class ProviderGate(Gate):
    """Put before an oauthenticator's class, with `identity_of` for what its answers mean."""

    login_handler = SignInHandler
    callback_handler = CallbackHandler
    logout_handler = ProviderLogout

    admit = Callable(
        _nobody,
        config=True,
        help="Takes an Identity and answers with the Person who may come in, or with a Denial. "
        "Called in a thread; by default nobody comes in.",
    )
    provider_seconds = Float(10.0, config=True, help="How long each answer of the provider takes.")

    _away_since: datetime | None = None

    def identity_of(self, auth_model: dict[str, Any]) -> Identity:
        """Who that is. Whatever it raises counts as an answer that cannot be understood."""
        raise NotImplementedError

    def kept_of(self, person: Person, auth_model: dict[str, Any]) -> dict[str, Any] | None:
        """The auth state to keep of a sign-in: nothing, so that nothing can leak."""
        return None

    @property
    def provider_name(self) -> str:
        """What people call the provider."""
        return str(self.login_service)

    async def authenticate(self, handler: Any, data: Any = None, **_: Any) -> Any:
        """The person who came back from the provider, by hub name.

        Raises:
            Denied: the gate does not let them in.
            ProviderUnreachable: the provider did not say who they are.
        """
        if not isinstance(handler, CallbackHandler):  # as the hub's API would have it
            return None
        auth_model, identity = await self._identified(handler, data)
        try:
            answer = await asyncio.to_thread(self.admit, identity)
        except FairihubError as error:
            raise SignInFailed(error.message, code=error.code, status=error.status) from error
        if isinstance(answer, Denial):
            raise self.refused(answer)
        return {
            "name": answer.name,
            "auth_state": self.kept_of(answer, auth_model),
            LOGIN_THERE: identity.login,
        }

    async def _identified(self, handler: Any, data: Any) -> tuple[dict[str, Any], Identity]:
        try:
            auth_model = await super().authenticate(handler, data)
            identity = self.identity_of(auth_model)
            for text in (identity.id, identity.login):
                if not text.isprintable() or not 0 < len(text) <= MAX_ID:
                    raise ValueError("no login or id that can be used")
        except SignInFailed:
            raise
        except Exception as problem:
            # Neither the text of the provider nor that of an exception about it is ours to show:
            # either may hold a token.
            raise self.unreachable(f"{type(problem).__name__} in its answer") from problem
        self._away_since = None
        return auth_model, identity

    def unreachable(self, what: str) -> ProviderUnreachable:
        """The error to raise, once the log says what was wrong."""
        self.log.warning("%s does not say who somebody is: %s", self.provider_name, printable(what))
        self._away_since = self._away_since or clock.now()
        return ProviderUnreachable(self.provider_name, self._away_since)

    @default("http_client")
    def _own_http_client(self) -> AsyncHTTPClient:
        return AsyncHTTPClient(force_instance=True, max_clients=MAX_CLIENTS)

    async def fetch(
        self, req: HTTPRequest, label: str = "fetching", parse_json: bool = True, **_: Any
    ) -> Any:
        """Every request of oauthenticator: bounded in time and size, and never redirected.

        Raises:
            ProviderUnreachable: no answer, an error, or no JSON object where one is wanted.
            SignInFailed: the provider knows the code no more.
        """
        response = await self._answer(req, label)
        said = _json_object(response.body) if parse_json or response.code >= 400 else {}
        error = said.get("error") if said is not None else None
        if error in USED_CODES and req.method == "POST":
            raise _stale()
        if response.code >= 300 or error is not None or said is None:
            named = f", error {error}" if isinstance(error, str) else ""
            raise self.unreachable(f"{label}: status {response.code}{named}")
        return said if parse_json else response

    async def _answer(self, req: HTTPRequest, label: str) -> HTTPResponse:
        """The response, whatever its status, of at most `MAX_ANSWER` bytes."""
        body = bytearray()

        def take(chunk: bytes) -> None:
            body.extend(chunk[: MAX_ANSWER + 1 - len(body)])

        req.connect_timeout = req.request_timeout = self.provider_seconds
        # A redirect would carry code, secret or token to wherever it points.
        req.follow_redirects = False
        req.streaming_callback = take
        try:
            response: HTTPResponse = await self.http_client.fetch(req, raise_error=False)
        except (OSError, ValueError, HTTPClientError) as problem:
            raise self.unreachable(f"{label}: {type(problem).__name__}") from problem
        if len(body) > MAX_ANSWER:
            raise self.unreachable(f"{label}: more than {MAX_ANSWER:,} bytes")
        response.buffer = BytesIO(bytes(body))
        return response

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """The hub's groups are its teams, whatever the provider calls a group."""
        return set()

    def get_handlers(self, app: Any) -> list[tuple[str, type[web.RequestHandler]]]:
        handlers: list[tuple[str, type[web.RequestHandler]]] = super().get_handlers(app)
        return [*handlers, ("/login", ProviderLoginHandler), *INSTEAD]


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
