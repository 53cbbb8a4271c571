"""What an OpenID Connect provider says of itself, and how much of it is believed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode, urlsplit

from fairihub_core.errors import shortened

MAX_ADDRESS = 2000

T = TypeVar("T")


class BadProvider(ValueError):
    """The provider says something that cannot be believed. The text holds no secret."""


@dataclass(frozen=True)
class Endpoints:
    """Where a provider answers, as its own document says (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorize: str
    token: str
    userinfo: str
    keys: str
    end_session: str | None = None
    secret_in_form: bool = True
    """Whether it takes the client's secret as a field of the form; else in a header only."""

    def sign_out_address(self, client_id: str, back_to: str) -> str | None:
        """Where a browser ends the session with the provider itself, if it offers that."""
        if self.end_session is None:
            return None
        query = urlencode({"client_id": client_id, "post_logout_redirect_uri": back_to})
        return f"{self.end_session}{'&' if '?' in self.end_session else '?'}{query}"


def document_address(issuer: str) -> str:
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def endpoints_of(document: Mapping[str, Any], issuer: str) -> Endpoints:
    """Where the provider answers that `document` describes, which must be the configured one.

    Raises:
        BadProvider: it is another, or an address is missing or not safe to send a secret to.
    """
    named = document.get("issuer")
    # A slash at the end is all that they may differ in; tokens have it as the document does.
    if not isinstance(named, str) or named.rstrip("/") != issuer.rstrip("/"):
        said = shortened(str(named))
        raise BadProvider(f"its document names the issuer “{said}”, the settings another")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    end_session = document.get("end_session_endpoint")
    return Endpoints(
        issuer=named,
        authorize=_address(document, "authorization_endpoint", issuer),
        token=_address(document, "token_endpoint", issuer),
        userinfo=_address(document, "userinfo_endpoint", issuer),
        keys=_address(document, "jwks_uri", issuer),
        end_session=end_session if _is_safe(end_session, issuer) else None,
        secret_in_form=isinstance(methods, list) and "client_secret_post" in methods,
    )


def is_safe_issuer(address: object) -> bool:
    """https; or http on this machine, where nobody listens in between."""
    if not isinstance(address, str) or not 0 < len(address) <= MAX_ADDRESS:
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username is not None or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _address(document: Mapping[str, Any], key: str, issuer: str) -> str:
    found = document.get(key)
    if not isinstance(found, str) or not _is_safe(found, issuer):
        raise BadProvider(f"its document names no safe {key}")
    return found


def _is_safe(address: object, issuer: str) -> bool:
    """As safe as the issuer: a provider on https never sends anybody to plain http."""
    if not isinstance(address, str) or not address.isprintable():
        return False
    bare = address.partition("?")[0]
    return is_safe_issuer(bare) and (bare.startswith("https:") or issuer.startswith("http:"))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Remembered(Generic[T]):
    """A value that is fetched when it is wanted and then good for a while; a failure is not kept.

    Whoever wants it while it is being fetched waits for the same answer.
    """

    def __init__(self, fetch: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._fetching: asyncio.Task[T] | None = None
        self._value: T | None = None
        self._since = 0.0

    @property
    def last(self) -> T | None:
        """What was fetched last, however old it is."""
        return self._value

    async def get(self, seconds: float | None = None) -> T:
        """The value, not older than `seconds` if they are given."""
        good_for = self._seconds if seconds is None else seconds
        if self._value is not None and time.monotonic() - self._since < good_for:
            return self._value
        if self._fetching is None:
            self._fetching = asyncio.ensure_future(self._fetched())
            self._fetching.add_done_callback(self._ended)
        # Whoever goes away meanwhile takes nothing from the others.
        return await asyncio.shield(self._fetching)

    async def _fetched(self) -> T:
        value = await self._fetch()
        self._value, self._since = value, time.monotonic()
        return value

    def _ended(self, task: asyncio.Task[T]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # nobody may be left who takes it
