"""Which provider a hub has: one, wholly set up, and its secret inherited by nobody."""

from __future__ import annotations

import pytest

from fairihub.entrance import origin_of
from fairihub.settings import Settings
from fairihub.sign_in import Secrets, chosen_sign_in, taken_secrets
from fairihub_core.errors import BadInput

GITHUB = {"GITHUB_CLIENT_ID": "id", "GITHUB_CLIENT_SECRET": "canary"}
OIDC = {"OIDC_CLIENT_ID": "id", "OIDC_CLIENT_SECRET": "canary"}
KEYCLOAK = {"issuer": "https://sso.example.org/realms/cube"}
OPAL = {"userName": "opal", "githubId": 5}


def settings(**given):
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "environment", "chosen"),
    [
        ({}, {}, "links"),
        ({}, GITHUB, "github"),
        ({"operators": [OPAL]}, GITHUB, "github"),
        ({"operators": ["opal"], "oidc": KEYCLOAK}, OIDC, "oidc"),
        ({"sign_in": "links"}, GITHUB, "links"),
        ({"oidc": KEYCLOAK}, OIDC, "oidc"),
        ({"oidc": KEYCLOAK, "sign_in": "github"}, GITHUB, "github"),
        ({"oidc": KEYCLOAK, "sign_in": "links"}, {}, "links"),
    ],
)
def test_the_provider_follows_from_what_is_set_up(given, environment, chosen):
    assert chosen_sign_in(settings(**given), environment) == chosen


@pytest.mark.parametrize(
    ("given", "environment", "words"),
    [
        ({"oidc": KEYCLOAK}, {**GITHUB, **OIDC}, "A hub has one provider"),
        ({"oidc": KEYCLOAK}, {}, "OIDC_CLIENT_ID and OIDC_CLIENT_SECRET"),
        ({"oidc": KEYCLOAK}, {"OIDC_CLIENT_ID": "id"}, "OIDC_CLIENT_SECRET"),
        ({"sign_in": "oidc"}, OIDC, "needs the setting `oidc`"),
        ({"sign_in": "github"}, {}, "GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET"),
        ({}, {"GITHUB_CLIENT_ID": "id"}, "GITHUB_CLIENT_SECRET"),
        ({"operators": [OPAL]}, {}, "names the githubId of “opal”"),
        ({"operators": [OPAL], "oidc": KEYCLOAK}, OIDC, "Name the login alone"),
    ],
)
def test_half_a_provider_is_refused(given, environment, words):
    with pytest.raises(BadInput) as refusal:
        chosen_sign_in(settings(**given), environment)
    assert refusal.value.code == "bad-sign-in"
    assert words in refusal.value.message
    assert "canary" not in refusal.value.message


def test_secrets_leave_the_environment_and_are_not_printed():
    ours = {"FAIRIHUB_WEBHOOK_SECRET": "canary", "FAIRIHUB_RUNS_DATABASE_PASSWORD": "canary"}
    environment = {**GITHUB, **ours, "HOME": "/home/ada"}
    secrets = taken_secrets("github", environment)
    assert secrets == Secrets("id", "canary", "canary", "canary")
    assert "canary" not in repr(secrets)
    assert environment == {"GITHUB_CLIENT_ID": "id", "HOME": "/home/ada"}


def test_a_secret_of_another_provider_leaves_too():
    environment = {**GITHUB, **OIDC}
    assert taken_secrets("links", environment) == Secrets()
    assert "canary" not in environment.values()


@pytest.mark.parametrize(
    ("provider", "address", "origin"),
    [
        ("links", None, "links"),
        ("github", None, "github"),
        ("github", "https://github.com/", "github"),
        ("github", "https://git.example.org/", "github https://git.example.org"),
        ("oidc", None, "oidc https://sso.example.org/realms/cube"),
    ],
)
def test_accounts_are_kept_apart_by_provider_and_address(provider, address, origin, monkeypatch):
    monkeypatch.delenv("GITHUB_URL", raising=False)
    if address is not None:
        monkeypatch.setenv("GITHUB_URL", address)
    assert origin_of(provider, settings(oidc=KEYCLOAK)) == origin
