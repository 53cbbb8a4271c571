"""The way in: which authenticator the hub has, and what it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairihub import datafolder
from fairihub.entrance import Entrance
from fairihub.hub_settings import HubSettings
from fairihub.sign_in import Secrets
from fairihub_auth.github import GitHubGate
from fairihub_auth.intake import bound_requests
from fairihub_auth.links import LinkAuthenticator
from fairihub_auth.oidc import OidcGate
from fairihub_auth.operator_powers import limit_operators
from fairihub_core.people import Provider


def configure_sign_in(c: Any, hub: HubSettings, entrance: Entrance, secrets: Secrets) -> None:
    """Sets up the authenticator: links, GitHub or OpenID Connect, all behind the same gate."""
    set_up: dict[Provider, Callable[..., None]] = {
        "links": _links,
        "github": _github,
        "oidc": _oidc,
    }
    set_up[hub.sign_in](c, hub, entrance)
    # Functions, since the configuration is copied deeply and of each of these there is one only.
    c.Gate.directory = lambda: entrance.directory()
    c.Gate.record = lambda entry: entrance.recorder.record(entry)
    c.Gate.begun = lambda app: _begun(app, entrance)
    c.Gate.stays_out = lambda name: entrance.removal.stays_out(name)
    c.Gate.signs_in = lambda name, app: entrance.removal.signs_in(name, app)
    if hub.sign_in != "links":
        c.OAuthenticator.client_id = secrets.client_id
        c.OAuthenticator.client_secret = secrets.client_secret
        c.OAuthenticator.oauth_callback_url = f"{hub.public_address}/hub/oauth_callback"
        c.Gate.number_of = lambda name: entrance.register.number_of(name)
        c.ProviderGate.admit = lambda identity: entrance.register.admit(identity)
    limit_operators()


def _begun(app: Any, entrance: Entrance) -> None:
    bound_requests(app)
    entrance.removal.begin(app)


def _links(c: Any, hub: HubSettings, entrance: Entrance) -> None:
    c.JupyterHub.authenticator_class = LinkAuthenticator
    c.LinkAuthenticator.links_folder = str(hub.places.links)


def _github(c: Any, hub: HubSettings, entrance: Entrance) -> None:
    c.JupyterHub.authenticator_class = GitHubGate


def _oidc(c: Any, hub: HubSettings, entrance: Entrance) -> None:
    oidc = hub.settings.oidc
    assert oidc is not None, "chosen_sign_in has seen to that"  # noqa: S101
    c.JupyterHub.authenticator_class = OidcGate
    c.OidcGate.issuer = oidc.issuer
    c.OidcGate.login_service = oidc.name
    c.OidcGate.scope = list(oidc.scopes)
    c.OidcGate.login_claim = oidc.login_claim
    c.OidcGate.claim = oidc.claim
    c.OidcGate.refresh_minutes = oidc.refresh_minutes
    if oidc.grants:
        c.OidcGate.claims_are = lambda name, claims: entrance.register.claims_are(name, claims)
        # What claims are asked for with is kept encrypted; the key is this folder's own.
        c.CryptKeeper.keys = [bytes.fromhex(datafolder.token(hub.places, "crypt"))]
