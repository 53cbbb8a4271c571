"""Which provider says who somebody is, and the client's id and secret it knows this hub by."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field

from fairihub.settings import Settings
from fairihub_core.errors import BadInput
from fairihub_core.people import Provider
from fairihub_headless.settings import PASSWORD as RUNS_PASSWORD

_PREFIX: Mapping[Provider, str] = {"github": "GITHUB", "oidc": "OIDC"}
WEBHOOK_SECRET = "FAIRIHUB_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


def chosen_sign_in(settings: Settings, environment: Mapping[str, str]) -> Provider:
    """How people sign in.

    Raises:
        BadInput: `bad-sign-in`, two providers are set up, or what one needs is missing.
    """
    github = bool(environment.get("GITHUB_CLIENT_ID"))
    if settings.sign_in is None and github and settings.oidc is not None:
        raise BadInput(
            "bad-sign-in",
            "Both GitHub (GITHUB_CLIENT_ID) and OpenID Connect (`oidc`) are set up. A hub has one "
            "provider: choose it with the setting `sign_in`.",
        )
    by_default: Provider = "github" if github else "oidc" if settings.oidc else "links"
    chosen = settings.sign_in or by_default
    if chosen == "oidc" and settings.oidc is None:
        raise BadInput("bad-sign-in", "`sign_in: oidc` needs the setting `oidc` with its issuer.")
    missing = [name for name in _variables(chosen) if not environment.get(name)]
    if missing:
        raise BadInput(
            "bad-sign-in",
            f"`sign_in: {chosen}` needs {' and '.join(missing)} in the environment, as the "
            "provider gave them for this hub.",
        )
    numbered = [operator.userName for operator in settings.operators if operator.githubId]
    if numbered and chosen != "github":
        # To leave the number out of account would let others than this account be the operator.
        raise BadInput(
            "bad-sign-in",
            f"`operators` names the githubId of “{numbered[0]}”, and people do not sign in with "
            "GitHub here. Name the login alone.",
        )
    return chosen


@dataclass(frozen=True)
class Secrets:
    """What the environment held; never printed, and gone from the environment."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)
    runs_database: str = field(default="", repr=False)


def taken_secrets(sign_in: Provider, environment: MutableMapping[str, str] = os.environ) -> Secrets:
    """The secrets of the hub's environment, which loses them: no child of the hub inherits any."""
    hidden = ("GITHUB_CLIENT_SECRET", "OIDC_CLIENT_SECRET", WEBHOOK_SECRET, RUNS_PASSWORD)
    values = {name: environment.get(name, "") for name in (*_variables(sign_in), *hidden)}
    for name in hidden:
        environment.pop(name, None)
    client = [values[name] for name in _variables(sign_in)] or ["", ""]
    return Secrets(client[0], client[1], values[WEBHOOK_SECRET], values[RUNS_PASSWORD])


def _variables(sign_in: Provider) -> tuple[str, ...]:
    prefix = _PREFIX.get(sign_in)
    return (f"{prefix}_CLIENT_ID", f"{prefix}_CLIENT_SECRET") if prefix else ()
