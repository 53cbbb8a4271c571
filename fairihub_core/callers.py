"""Who calls a service, by the hub's word, and what they may ask for.

The handlers are those of tornado with JupyterHub's `HubOAuthenticated`, which this room does not
know: each service says which exceptions are theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

from fairihub_core.errors import Refused, SignedOut, Unavailable
from fairihub_core.scopes import Scope

ADDRESS = "fairihub_address"
"""Of tornado's settings: the address under which people reach the hub."""
CHALLENGE = {"WWW-Authenticate": "Bearer"}
"""Goes with every 401. Browsers ask for no password when they see it."""
_HUB_SECONDS = 10.0
_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)
_USUAL_PORTS = (80, 443)
_MAX_NAME = 255
"""As long as the hub's database takes."""


@dataclass(frozen=True)
class Visitor:
    """A person at the door of a service, and what the token in their hand may do there."""

    login: str
    service: str
    scopes: frozenset[str]

    def holds(self, scope: str) -> bool:
        """Whether the token may do this: everywhere, in this service, or in their own name."""
        return not self.scopes.isdisjoint(
            (scope, f"{scope}!service={self.service}", f"{scope}!user={self.login}")
        )

    def require(self, scope: Scope | None) -> None:
        """Lets pass who holds `scope`; None is held by whoever may use the service at all.

        Raises:
            Refused: `no-scope`, naming it.
        """
        if scope is not None and not self.holds(scope):
            raise _lacking(scope)


Failures = tuple[type[Exception], ...]
"""What the framework raises for a request that it refuses, and for a hub that does not answer."""


async def identified(handler: Any, service: str, failures: Failures) -> Visitor:
    """The person who asks a service.

    Raises:
        SignedOut: nobody.
        Refused: not a person, no access to the service, or a forged request.
        Unavailable: the hub does not answer.
    """
    model = await asked_of_hub(handler, failures)
    if model is not None or handler.get_secure_cookie(handler.hub_auth.cookie_name):
        # With a cookie the hub's class asks for the page's token, and knows nobody without it.
        try:
            handler.check_xsrf_cookie()
        except failures:
            raise forged() from None
    return visitor_of(model, service)


async def come_back(handler: Any, failures: Failures) -> Any:
    """Who that is whom the hub sends back from its sign-in page, if it knows and can be asked.

    Asked before its own class does, which would wait for the hub in the event loop.
    """
    try:
        return await asked_of_hub(handler, failures)
    except Unavailable:
        return None


async def asked_of_hub(handler: Any, failures: Failures) -> Any:
    """What the hub says of the caller; None if it knows nobody.

    Raises:
        Unavailable: `hub-away`, no answer in time, or none that can be read.
    """
    away: Failures = (*failures, asyncio.TimeoutError, OSError, ValueError)
    try:
        return await asyncio.wait_for(handler.hub_auth.get_user(handler, sync=False), _HUB_SECONDS)
    except away:
        raise hub_away() from None


def forget_tokens(hub_auth: Any) -> None:
    """Lets a service's `HubAuth` ask the hub anew who each token is.

    With the teams, tokens may have been revoked.
    """
    hub_auth.cache = type(hub_auth.cache)(hub_auth.cache_max_age)


def visitor_of(model: Any, service: str) -> Visitor:
    """The visitor that the hub describes in `model`, its answer to `GET /hub/api/user`.

    Args:
        model: None if the hub knows nobody by this token or session.
        service: the name of the service that asks.

    Raises:
        SignedOut: `signed-out`.
        Refused: `no-scope`, the token may not use this service; `not-a-person`.
        Unavailable: `hub-away`, this is no answer of a hub.
    """
    if model is None:
        raise signed_out()
    if not isinstance(model, Mapping):
        raise hub_away()
    name, scopes = model.get("name"), model.get("scopes")
    if not (isinstance(name, str) and 0 < len(name) <= _MAX_NAME and isinstance(scopes, list)):
        raise hub_away()
    visitor = Visitor(name, service, frozenset(map(str, scopes)))
    door = f"access:services!service={service}"
    if visitor.scopes.isdisjoint(("access:services", door)):
        raise _lacking(door)
    if model.get("kind") != "user":
        raise not_a_person()
    return visitor


def signed_out() -> SignedOut:
    return SignedOut(
        "signed-out", "Sign in, or send an API token of yours: “Authorization: Bearer …”."
    )


def not_a_person() -> Refused:
    return Refused("not-a-person", "This answers to people; the token is that of a service.")


def hub_away() -> Unavailable:
    return Unavailable("hub-away", "The hub cannot be asked who you are. Try again in a minute.")


def forged() -> Refused:
    """For a request that a browser made with its session, though no page of ours asked for it."""
    return Refused("xsrf", "The page is out of date. Reload it and try again.")


def sign_in_incomplete() -> Refused:
    """For a browser that comes back from the hub without what it was sent for."""
    return Refused("sign-in-incomplete", "The sign-in was not completed. Open the page again.")


def limited() -> Refused:
    """For a person's token that cannot do all that they may, where they must be there in full."""
    return Refused(
        "no-scope",
        "This token is limited to certain things. Use the hub's pages, or a token that may do "
        "everything you may: its scope is “inherit”.",
        scope="inherit",
    )


def asks_from_elsewhere(handler: Any) -> bool:
    """Whether another site's page asks the hub, in the name of whoever uses the browser.

    A script says by a token of its own who it is, and no browser sends that along.
    """
    if getattr(handler, "_token_authenticated", False):
        return False
    public = handler.settings.get("public_url")
    known = urlsplit(handler.settings.get(ADDRESS, "")).netloc
    own = (handler.request.host, *([public.netloc] if public else []), *([known] if known else []))
    return is_foreign(handler.request.headers.get("Origin"), own)


def is_foreign(origin: str | None, hosts: Iterable[str]) -> bool:
    """Whether a page of another site asks, by what the browser says of it.

    Args:
        origin: the header `Origin`; None if there is none.
        hosts: the hosts, with their ports, under which people reach this hub.
    """
    if origin is None:
        return False
    asking = _site(origin)
    if asking is None:
        return True
    own = [_site(f"{asking.scheme}://{host}") for host in hosts]
    return not any(site and site.host == asking.host and _fits(site, asking) for site in own)


def _fits(own: AnyHttpUrl, asking: AnyHttpUrl) -> bool:
    """Whether the ports are one; a proxy may tell the port of its own scheme, which is not ours."""
    return own.port in (asking.port, *_USUAL_PORTS) if _usual(asking) else own.port == asking.port


def _usual(site: AnyHttpUrl) -> bool:
    return site.port == (443 if site.scheme == "https" else 80)


def _site(address: str) -> AnyHttpUrl | None:
    """As browsers read it: the host in small letters and in ASCII, the port that goes unsaid."""
    try:
        return _URL.validate_python(address)
    except ValidationError:  # such as “null” or “http://[”, which is no site at all
        return None


def _lacking(scope: str) -> Refused:
    return Refused(
        "no-scope",
        f"This token lacks the scope “{scope}”. Make one that has it on the hub's Tokens page.",
        scope=scope,
    )
