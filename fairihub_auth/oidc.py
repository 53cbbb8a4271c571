"""Sign-in through OpenID Connect: Keycloak, or any provider that publishes its document.

The flow is oauthenticator's, with PKCE; what the browser meets on it is in `oidc_pages`. Beside it
the id token is checked (`oidc_token`), and the claim that settings map to teams is followed as long
as somebody is signed in (`oidc_following`).
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import _deserialize_state
from tornado.web import RequestHandler
from traitlets import Callable, Float, List, TraitError, Unicode, default, validate

from fairihub_auth.oidc_claims import values_at
from fairihub_auth.oidc_following import Following, Session, SessionEnded
from fairihub_auth.oidc_pages import (
    OidcLoginPage,
    OidcLogoutHandler,
    OidcSignInHandler,
    nonce_of,
)
from fairihub_auth.oidc_provider import (
    BadProvider,
    Endpoints,
    Remembered,
    document_address,
    endpoints_of,
    is_safe_issuer,
)
from fairihub_auth.oidc_token import BadToken, UnknownKey, checked
from fairihub_auth.providers import (
    CallbackHandler,
    ProviderGate,
    ProviderUnreachable,
    SignInFailed,
)
from fairihub_core import clock
from fairihub_core.audit import Entry
from fairihub_core.logins import login_of
from fairihub_core.people import Identity, Person

HOUR = 3600.0
NEW_KEY_SECONDS = 30.0
"""How often, at most, keys are fetched since a token names one that is not among them."""


class OidcGate(ProviderGate, GenericOAuthenticator):
    """Whoever the provider knows by a subject; the gate says whether they come in."""

    login_handler = OidcSignInHandler
    logout_handler = OidcLogoutHandler

    issuer = Unicode(config=True, help="The provider, exactly as its tokens name it (`iss`).")
    login_claim = Unicode(
        "preferred_username",
        config=True,
        help="The claim that holds the login. What counts is the subject; an e-mail never does.",
    )
    claim = Unicode(
        "groups",
        config=True,
        help="The claim whose values are mapped to teams; a dot leads into an object.",
    )
    scope = List(
        Unicode(), default_value=["openid", "profile"], config=True, help="What is asked for."
    )
    refresh_minutes = Float(5.0, config=True, help="How often claims are asked for anew.")
    claims_are = Callable(
        None,
        allow_none=True,
        config=True,
        help="Takes a hub name and the claims of today, in a thread; None: claims do not matter.",
    )

    @default("login_service")
    def _login_service_default(self) -> str:
        return "OpenID Connect"

    @default("enable_auth_state")
    def _only_for_claims(self) -> bool:
        return self.claims_are is not None

    @validate("issuer")
    def _safe_issuer(self, proposal: dict[str, Any]) -> str:
        if not is_safe_issuer(proposal["value"]):
            raise TraitError("issuer must be an https address (http only on this machine).")
        return str(proposal["value"])

    @validate("login_claim")
    def _no_mail(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] == "email":
            raise TraitError("login_claim cannot be “email”: an address may change hands.")
        return str(proposal["value"])

    @validate("enable_pkce")
    def _always(self, proposal: dict[str, Any]) -> bool:
        if not proposal["value"]:
            raise TraitError("enable_pkce cannot be switched off: the nonce hangs on it.")
        return True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._endpoints: Remembered[Endpoints] = Remembered(self._read_document, HOUR)
        self._keys: Remembered[dict[str, Any]] = Remembered(self._read_keys, HOUR)
        self._following = Following(self, self._tell, self._record_end, self.refresh_minutes * 60)

    # --- the provider and its keys ---

    async def met(self, seconds: float | None = None) -> Endpoints:
        """Where the provider answers, as it said within the last `seconds`; told to oauthenticator.

        Raises:
            ProviderUnreachable: it does not answer, or not with what can be believed.
        """
        endpoints = await self._endpoints.get(seconds)
        self.authorize_url, self.token_url = endpoints.authorize, endpoints.token
        self.userdata_url = endpoints.userinfo
        self.basic_auth = not endpoints.secret_in_form
        return endpoints

    async def _read_document(self) -> Endpoints:
        document = await self._read(document_address(self.issuer), "reading its document")
        try:
            return endpoints_of(document, self.issuer)
        except BadProvider as problem:
            raise self.unreachable(str(problem)) from problem

    async def _read_keys(self) -> dict[str, Any]:
        return await self._read((await self._endpoints.get()).keys, "reading its keys")

    async def _read(self, address: str, label: str) -> dict[str, Any]:
        read: dict[str, Any] = await self.httpfetch(
            address, label, headers={"Accept": "application/json"},
            validate_cert=self.validate_server_cert,
        )  # fmt: skip
        return read

    def sign_out_address(self, handler: Any) -> str | None:
        """Where somebody signs out of the provider too; from memory."""
        if (endpoints := self._endpoints.last) is None:
            return None
        back = self.get_callback_url(handler).removesuffix("oauth_callback") + "login"
        return endpoints.sign_out_address(self.client_id, back)

    # --- a sign-in ---

    async def authenticate(self, handler: Any, data: Any = None, **more: Any) -> Any:
        if isinstance(handler, CallbackHandler):
            await self.met()
        return await super().authenticate(handler, data, **more)

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """With the claims of the id token beside the tokens."""
        token_info: dict[str, Any] = await super().get_token_info(handler, params)
        state = _deserialize_state(handler.get_state_cookie())
        nonce = nonce_of(state["code_verifier"])
        claims = await self._id_claims(token_info.get("id_token"), nonce)
        return {**token_info, "id_claims": claims}

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """What userinfo says of the person of the id token, and of nobody else (Core, 5.3.2)."""
        said: dict[str, Any] = await super().token_to_user(token_info)
        if said.get("sub") != token_info["id_claims"]["sub"]:
            raise self.unreachable("its userinfo is about somebody else")
        return said

    async def _id_claims(self, token: object, nonce: str | None) -> dict[str, Any]:
        issuer = (await self._endpoints.get()).issuer
        known = {"issuer": issuer, "client_id": self.client_id, "nonce": nonce}
        try:
            keys = await self._keys.get()
            try:
                return await asyncio.to_thread(checked, token, keys, **known)
            except UnknownKey:
                keys = await self._keys.get(NEW_KEY_SECONDS)
                return await asyncio.to_thread(checked, token, keys, **known)
        except BadToken as problem:
            raise self.unreachable(f"its id token is {problem}") from problem

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """Who that is `identity_of` says, with the id token at hand."""
        return str(user_info["sub"])

    def identity_of(self, auth_model: dict[str, Any]) -> Identity:
        state = auth_model["auth_state"]
        answers = state[self.user_auth_state_key], state["token_response"]["id_claims"]
        login = next((a[self.login_claim] for a in answers if self.login_claim in a), None)
        if not isinstance(login, str):
            raise self.unreachable(f"it says no {self.login_claim}")
        return Identity(answers[0]["sub"], login_of(login), values_at(self.claim, *answers))

    def kept_of(self, person: Person, auth_model: dict[str, Any]) -> dict[str, Any] | None:
        """What claims are asked for with, later; no other token is kept."""
        if self.claims_are is None:
            return None
        token = auth_model["auth_state"].get("refresh_token")
        if not isinstance(token, str):
            token = None
            self.log.warning(
                "%s gave no refresh token: claims of %s count for %g minutes. Let it give one "
                "(some want the scope offline_access).",
                self.provider_name, person.name, self.refresh_minutes,
            )  # fmt: skip
        session = Session(person.id, token)
        return self._following.signed_in(person.name, session, person.claims)

    # --- claims, as long as somebody is signed in ---

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:
        """From memory; claims that are due are asked for beside it."""
        if self.claims_are is not None:
            self._following.look_after(user)
        return await super().refresh_user(user, handler)

    def session_ended(self, user: Any) -> bool:
        """Whether the provider has ended the session by which `user`, of this hub, was in."""
        return self.claims_are is not None and user.encrypted_auth_state is None

    def get_handlers(self, app: Any) -> list[tuple[str, type[RequestHandler]]]:
        handlers = dict(super().get_handlers(app))
        return list({**handlers, "/login": OidcLoginPage}.items())

    def delete_user(self, user: Any) -> None:
        self._following.forget(user.name)
        super().delete_user(user)

    async def renew(self, session: Session) -> tuple[Session, dict[str, Any]]:
        if session.refresh_token is None:
            raise SessionEnded
        tokens = await self._refreshed(await self.met(), session.refresh_token)
        token = tokens.get("refresh_token") or session.refresh_token
        return Session(session.subject, str(token)), tokens

    async def claims(self, session: Session, tokens: dict[str, Any]) -> frozenset[str]:
        claims: dict[str, Any] = {"sub": session.subject}
        if tokens.get("id_token") is not None:
            claims |= await self._id_claims(tokens["id_token"], None)
        if claims["sub"] != session.subject:
            raise self.unreachable("its new id token is about somebody else")
        said = await self.token_to_user({**tokens, "id_claims": claims})
        return values_at(self.claim, said, claims)

    async def _refreshed(self, endpoints: Endpoints, token: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await self.httpfetch(
                endpoints.token, "refreshing a token", method="POST",
                headers=self.build_token_info_request_headers(),
                body=urlencode(self.build_refresh_token_request_params(token)),
                validate_cert=self.validate_server_cert,
            )  # fmt: skip
        except ProviderUnreachable:
            raise
        except SignInFailed as refused:  # it knows the token no more
            raise SessionEnded from refused
        return answer

    def _tell(self, name: str, claims: frozenset[str]) -> None:
        self.claims_are(name, claims)

    def _record_end(self, name: str) -> None:
        detail = f"{self.provider_name} confirms the session no more; its claims count for nothing."
        self.log.info("%s: %s", name, detail)
        entry = Entry(
            at=clock.now(), action="rights-changed", login=name, by=self.provider_name,
            detail=detail,
        )  # fmt: skip
        self.record(entry)
