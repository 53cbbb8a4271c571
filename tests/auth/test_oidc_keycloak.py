"""A hub and a real Keycloak: sign-in by form, claims that are followed, and what ends them."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.keycloak import CLIENT_ID, CLIENT_SECRET, Keycloak, fill_in
from tests.support.oidc_hub import Browser, OidcHub
from tests.support.waiting import eventually

SECONDS = 30


@pytest.fixture(scope="module")
def hub(keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcHub]:
    """Asks for claims once a second."""
    folder = tmp_path_factory.mktemp("hub") / "data"
    made = OidcHub(folder, keycloak.issuer, (CLIENT_ID, CLIENT_SECRET))
    made.start()
    yield made
    made.close()
    log = made.log()
    assert "Traceback" not in log
    for secret in (CLIENT_SECRET, "-pw", "eyJ"):
        assert secret not in log


def sign_in(hub: OidcHub, user: str, password: str | None = None) -> tuple[Browser, httpx.Response]:
    """A new browser, and the page that the sign-in ended with."""
    browser = hub.browser()
    form = browser.get("/hub/oauth_login?next=/hub/home")
    return browser, fill_in(browser, form, user, password)


def rights(hub: OidcHub, login: str) -> list[str] | None:
    """The rights of `login` in team uc4 as the hub publishes them; None if it is no member."""
    return hub.members().get(login)


def test_a_claim_makes_a_member(hub: OidcHub) -> None:
    assert rights(hub, "bob") is None
    browser, page = sign_in(hub, "bob")
    assert (page.status_code, page.url.path) == (200, "/hub/home")
    assert browser.is_in()
    assert hub.user("bob")["groups"] == ["uc4"]
    assert rights(hub, "bob") == []


def test_a_claim_makes_a_curator(hub: OidcHub) -> None:
    browser, _ = sign_in(hub, "cleo")
    assert browser.is_in()
    assert rights(hub, "cleo") == ["notebooks"]


def test_the_team_file_needs_no_claim(hub: OidcHub) -> None:
    browser, _ = sign_in(hub, "ada")
    assert browser.is_in()
    assert not hub.user("ada")["admin"]


def test_a_group_that_no_setting_names_opens_nothing(hub: OidcHub) -> None:
    """Her address begins as the login of the team's admin does, which is nothing to this hub."""
    browser, page = sign_in(hub, "mallory")
    assert page.status_code == 403
    assert "mallory" in page.text
    assert not browser.is_in()
    assert browser.get("/hub/login").status_code == 200  # not the page of who was in before
    assert [e["code"] for e in hub.audit("mallory")] == ["no-team"]


def test_a_wrong_password_stays_with_the_provider(hub: OidcHub) -> None:
    browser = hub.browser()
    form = browser.get("/hub/oauth_login")
    answer = fill_in(browser, form, "bob", password="canary-of-a-password")
    assert "Invalid username or password" in answer.text
    assert not browser.is_in()


def test_only_the_refresh_token_is_kept_and_no_mail(hub: OidcHub, keycloak: Keycloak) -> None:
    sign_in(hub, "bob")
    kept = hub.user("bob")["auth_state"]
    assert set(kept) == {"subject", "refresh_token", "claims_at"}
    assert kept["subject"] == keycloak.id_of("bob")
    everything = b"".join(p.read_bytes() for p in hub.data.rglob("*") if p.is_file())
    assert kept["refresh_token"].encode() not in everything
    assert b"bob@example.org" not in everything


def test_who_moves_between_groups_is_followed(hub: OidcHub, keycloak: Keycloak) -> None:
    browser, _ = sign_in(hub, "bob")
    assert rights(hub, "bob") == []
    keycloak.join("bob", "uc4-curators")
    try:
        assert eventually(lambda: browser.is_in() and rights(hub, "bob") == ["notebooks"], SECONDS)
    finally:
        keycloak.leave("bob", "uc4-curators")
    assert eventually(lambda: browser.is_in() and rights(hub, "bob") == [], SECONDS)


def test_who_leaves_the_group_is_out_and_its_curator_too(hub: OidcHub, keycloak: Keycloak) -> None:
    browser, _ = sign_in(hub, "cleo")
    assert browser.is_in()
    keycloak.leave("cleo", "uc4-curators")
    try:
        assert eventually(lambda: not browser.is_in(), SECONDS)
        assert rights(hub, "cleo") is None
        again, page = sign_in(hub, "cleo")
        assert page.status_code == 403
        assert not again.is_in()
    finally:
        keycloak.join("cleo", "uc4-curators")
    assert sign_in(hub, "cleo")[0].is_in()


def test_a_disabled_account_has_no_claims(hub: OidcHub, keycloak: Keycloak) -> None:
    browser, _ = sign_in(hub, "dora")
    admin, _ = sign_in(hub, "ada")
    assert browser.is_in()
    keycloak.enable("dora", enabled=False)
    keycloak.enable("ada", enabled=False)
    try:
        assert eventually(lambda: not browser.is_in(), SECONDS)
        assert hub.told_claims("dora")[-1] == []
        assert eventually(lambda: hub.user("dora")["auth_state"] is None)
        assert hub.audit("dora")[-1]["action"] == "rights-changed"
        # What the team file gives stays: it takes the file to end that.
        assert eventually(lambda: admin.is_in() and hub.user("ada")["auth_state"] is None, SECONDS)
    finally:
        keycloak.enable("dora")
        keycloak.enable("ada")
    assert sign_in(hub, "dora")[0].is_in()


def test_an_ended_session_ends_what_the_claim_gave(hub: OidcHub, keycloak: Keycloak) -> None:
    browser, _ = sign_in(hub, "cleo")
    keycloak.sign_out("cleo")
    assert eventually(lambda: not browser.is_in(), SECONDS)
    assert eventually(lambda: hub.audit("cleo")[-1]["action"] == "rights-changed")
    page = browser.get("/hub/home")
    assert (page.status_code, page.url.path) == (200, "/hub/login")
    assert "the Lab’s accounts has ended your session there" in page.text
    assert sign_in(hub, "cleo")[0].is_in()


def test_a_rename_is_followed_by_subject(hub: OidcHub, keycloak: Keycloak) -> None:
    assert sign_in(hub, "dora")[0].is_in()
    keycloak.rename("dora", "dorothea")
    try:
        browser, _ = sign_in(hub, "dorothea", password="dora-pw")
        assert browser.is_in()
        assert hub.user("dora")["groups"] == ["uc4"]
    finally:
        keycloak.rename("dorothea", "dora")


def test_with_offline_access_claims_outlive_the_session_at_the_provider(
    keycloak: Keycloak, tmp_path: Path
) -> None:
    client, scope = (CLIENT_ID, CLIENT_SECRET), ["openid", "profile", "offline_access"]
    hub = OidcHub(tmp_path / "data", keycloak.issuer, client, scope=scope)
    hub.start()
    try:
        browser, _ = sign_in(hub, "bob")
        keycloak.sign_out("bob")
        told = len(hub.told_claims("bob"))
        assert eventually(
            lambda: browser.is_in() and len(hub.told_claims("bob")) > told + 1, SECONDS
        )
        keycloak.enable("bob", enabled=False)
        assert eventually(lambda: not browser.is_in(), SECONDS)
    finally:
        keycloak.enable("bob")
        hub.close()


def test_signing_out_offers_to_sign_out_of_the_provider(hub: OidcHub) -> None:
    browser, _ = sign_in(hub, "bob")
    page = browser.get("/hub/logout")
    assert page.status_code == 200
    assert not browser.is_in()
    way_out = html.unescape(page.text.removeprefix("<a>").removesuffix("</a>"))
    for cookie in browser.cookies.jar:
        cookie.secure = False
    assert "Do you want to log out" in browser.get(way_out).text


def test_a_hub_that_starts_anew_follows_who_was_in(hub: OidcHub, keycloak: Keycloak) -> None:
    browser, _ = sign_in(hub, "bob")
    hub.stop()
    keycloak.join("bob", "uc4-curators")
    try:
        hub.start()
        assert browser.is_in()
        assert eventually(lambda: browser.is_in() and rights(hub, "bob") == ["notebooks"], SECONDS)
    finally:
        keycloak.leave("bob", "uc4-curators")
    assert eventually(lambda: browser.is_in() and rights(hub, "bob") == [], SECONDS)


def test_without_the_provider_whoever_is_in_keeps_working(hub: OidcHub, keycloak: Keycloak) -> None:
    inside, _ = sign_in(hub, "bob")
    keycloak.stop()
    try:
        late = hub.browser()
        begin = "/hub/oauth_login"
        assert eventually(lambda: late.get(begin, follow_redirects=False).status_code == 503)
        page = late.get(begin)
        assert "the Lab’s accounts cannot be reached at present" in page.text
        assert eventually(lambda: inside.is_in() and "Claims of bob stay" in hub.log(), SECONDS)
        began = time.monotonic()
        assert inside.is_in()
        assert time.monotonic() - began < 5, "not for as long as the provider is given"
        hub.stop()
        hub.start()
        assert inside.is_in()
        assert rights(hub, "bob") == []
        assert late.get("/hub/oauth_login").status_code == 503
    finally:
        keycloak.start()
    assert sign_in(hub, "cleo")[0].is_in()
    told = len(hub.told_claims("bob"))
    assert eventually(lambda: inside.is_in() and len(hub.told_claims("bob")) > told, 60)
    assert hub.told_claims("bob")[-1] == ["uc4-members"]
