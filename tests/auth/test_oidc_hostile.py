"""A hub and a provider that lies, stammers, or is not there: nobody comes in by that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from traitlets.config import Config

from fairihub_auth import oidc
from fairihub_auth.oidc import OidcGate
from fairihub_auth.providers import ProviderUnreachable
from tests.support.fake_oidc import FakeOidc, new_key
from tests.support.oidc_hub import Browser, OidcHub
from tests.support.waiting import eventually

SECRET = "client-secret-canary"
SECONDS = 2.0
Change = Callable[[FakeOidc], None]


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeOidc]:
    fake = FakeOidc("hub-client", SECRET)
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def hub(provider: FakeOidc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcHub]:
    made = OidcHub(
        tmp_path_factory.mktemp("hub") / "data", provider.issuer, provider.client,
        provider_seconds=SECONDS, refresh_minutes=1 / 200,
    )  # fmt: skip
    made.start()
    yield made
    made.close()
    assert "Traceback" not in made.log()


@pytest.fixture
def fake(provider: FakeOidc) -> FakeOidc:
    """The provider, which tells the truth until the test says otherwise."""
    provider.tell_the_truth()
    return provider


def sign_in(browser: Browser) -> Any:
    return browser.get("/hub/oauth_login?next=/hub/home")


def test_a_sign_in_with_pkce_and_nonce(fake: FakeOidc, hub: OidcHub) -> None:
    browser = hub.browser()
    first = browser.get("/hub/oauth_login", follow_redirects=False)
    sent = parse_qs(urlsplit(first.headers["location"]).query)
    assert sent["code_challenge_method"] == ["S256"]
    assert sent["scope"] == ["openid profile"]
    assert {"state", "nonce", "code_challenge"} <= sent.keys()
    assert SECRET not in first.headers["location"]
    assert sign_in(browser).status_code == 200
    assert browser.is_in()
    assert hub.user("bob")["groups"] == ["uc4"]
    assert set(hub.user("bob")["auth_state"]) == {"subject", "refresh_token", "claims_at"}


LIES: dict[str, Change] = {
    "another audience": lambda f: f.id_claims.update(aud="files"),
    "made out to another": lambda f: f.id_claims.update(aud=["hub-client", "x"], azp="x"),
    "another issuer": lambda f: f.id_claims.update(iss="https://accounts.example.com"),
    "expired": lambda f: f.id_claims.update(exp=int(time.time()) - 3600),
    "of tomorrow": lambda f: f.id_claims.update(iat=int(time.time()) + 86400),
    "another sign-in": lambda f: f.id_claims.update(nonce="of-another-sign-in"),
    "no nonce": lambda f: f.id_claims.update(nonce=None),
    "no subject": lambda f: f.id_claims.update(sub=None),
    "another subject": lambda f: f.id_claims.update(sub="sub-of-ada"),
    "userinfo of another": lambda f: f.userinfo.update(sub="sub-of-ada"),
    "userinfo of nobody": lambda f: f.userinfo.update(sub=None),
    "no login": lambda f: f.userinfo.update(preferred_username=None),
    "only an address": lambda f: f.userinfo.update(preferred_username=None, email="ada@x.example"),
    "login is a list": lambda f: f.userinfo.update(preferred_username=["ada"]),
    "login is empty": lambda f: f.userinfo.update(preferred_username=""),
    "login of 10 kB": lambda f: f.userinfo.update(preferred_username="a" * 10_000),
    "no id token": lambda f: f.token_answer.update(id_token=None),
    "id token is a number": lambda f: f.token_answer.update(id_token=7),
    "id token is garbage": lambda f: f.token_answer.update(id_token="canary.canary.canary"),
    "id token of 100 kB": lambda f: f.token_answer.update(id_token="a" * 100_000),
    "no access token": lambda f: f.token_answer.update(access_token=None),
    "no token type": lambda f: f.token_answer.update(token_type=None),
    "not signed": lambda f: setattr(f, "sign", lambda c: f.signed(c, "none", "")),
    "signed with the secret": lambda f: setattr(
        f, "sign", lambda c: f.signed(c, "HS256", SECRET * 2)
    ),
    "signed by another": lambda f: setattr(f, "key", (f.key[0], new_key()[1])),
    "signed by an unknown": lambda f: setattr(f, "key", ("unknown", f.key[1])),
    "token 500": lambda f: f.answers.update({"/token": (500, b"canary")}),
    "token 502": lambda f: f.answers.update({"/token": (502, b"<h1>canary</h1>")}),
    "token 401": lambda f: f.answers.update({"/token": (401, b'{"error": "invalid_client"}')}),
    "token in HTML": lambda f: f.answers.update({"/token": (200, b"<h1>canary</h1>")}),
    "token a list": lambda f: f.answers.update({"/token": (200, b"[]")}),
    "token nothing": lambda f: f.answers.update({"/token": (200, b"")}),
    "token no text": lambda f: f.answers.update({"/token": (200, b"\xff\xfe" * 50)}),
    "token deep": lambda f: f.answers.update({"/token": (200, b"[" * 200_000)}),
    "token of 3 MB": lambda f: f.answers.update({"/token": (200, b" " * 3_000_000)}),
    "token slow": lambda f: f.waits.update({"/token": SECONDS + 1}),
    "userinfo 500": lambda f: f.answers.update({"/userinfo": (500, b"canary")}),
    "userinfo 403": lambda f: f.answers.update({"/userinfo": (403, b"{}")}),
    "userinfo in HTML": lambda f: f.answers.update({"/userinfo": (200, b"<h1>canary</h1>")}),
    "userinfo slow": lambda f: f.waits.update({"/userinfo": SECONDS + 1}),
}


@pytest.mark.parametrize("lie", LIES)
def test_who_comes_with_a_lie_stays_out_and_learns_what_to_do(
    lie: str, fake: FakeOidc, hub: OidcHub
) -> None:
    LIES[lie](fake)
    browser, before = hub.browser(), len(hub.log())
    answer = sign_in(browser)
    assert answer.status_code == 503, answer.text
    assert "cannot be reached at present" in answer.text
    assert not browser.is_in()
    said = hub.log()[before:]
    assert "the Lab’s accounts does not say who somebody is" in said
    for secret in ("canary", SECRET, "eyJ"):
        assert secret not in said + answer.text
    assert max(map(len, said.splitlines())) < 1000


def test_another_account_with_a_known_login_stays_out(fake: FakeOidc, hub: OidcHub) -> None:
    assert sign_in(hub.browser()).status_code == 200
    fake.id_claims["sub"] = fake.userinfo["sub"] = "sub-of-mallory"
    browser = hub.browser()
    answer = sign_in(browser)
    assert answer.status_code == 403
    assert "another person" in answer.text
    assert not browser.is_in()


@pytest.mark.parametrize("login", ["BOB", " bob ", "ｂｏｂ", "bob@example.org", "b o b", "bob\n"])
def test_variants_of_a_login_are_one_identity_or_none(
    login: str, fake: FakeOidc, hub: OidcHub
) -> None:
    fake.userinfo["preferred_username"] = login
    fake.id_claims["sub"] = fake.userinfo["sub"] = "sub-of-a-stranger"
    fake.groups = []
    browser = hub.browser()
    assert sign_in(browser).status_code == 403
    assert not browser.is_in()


@pytest.mark.parametrize(
    "query",
    [
        "code=x&state=x",
        "code=x",
        "state=x",
        "",
        "error=server_error&error_description=canary-from-the-address&state=x",
        "error=access_denied&error_description=canary-from-the-address",
    ],
)
def test_a_way_back_that_nobody_went_leads_nowhere(
    query: str, fake: FakeOidc, hub: OidcHub
) -> None:
    begun = hub.browser()
    begun.get("/hub/oauth_login", follow_redirects=False)
    for browser in (hub.browser(), begun):
        answer = browser.get(f"/hub/oauth_callback?{query}")
        assert answer.status_code == 400
        assert "canary" not in answer.text
        assert not browser.is_in()
    assert "/token" not in fake.asked


def test_a_code_of_one_browser_is_of_no_use_to_another(fake: FakeOidc, hub: OidcHub) -> None:
    """Neither with the other's own state nor with a state that was not theirs (login CSRF)."""
    victim, thief = hub.browser(), hub.browser()
    away = victim.get("/hub/oauth_login", follow_redirects=False).headers["location"]
    back = thief.get(away, follow_redirects=False).headers["location"]
    assert thief.get(back).status_code == 400
    thief.get("/hub/oauth_login", follow_redirects=False)
    assert thief.get(back).status_code == 400
    assert not thief.is_in()
    assert victim.get(back).status_code == 200
    assert victim.get(back).status_code == 400


def test_claims_follow_the_provider_while_somebody_is_in(fake: FakeOidc, hub: OidcHub) -> None:
    browser = hub.browser()
    sign_in(browser)
    fake.answers["/userinfo"] = (500, b"")
    asked = len(fake.asked)
    assert eventually(lambda: browser.is_in() and len(fake.asked) > asked + 2)
    fake.answers.clear()
    fake.userinfo["sub"] = "sub-of-ada"
    fake.groups = ["uc4-members", "uc4-curators"]
    asked = len(fake.asked)
    assert eventually(lambda: browser.is_in() and len(fake.asked) > asked + 2)
    assert ["uc4-curators", "uc4-members"] not in hub.told_claims("bob")
    fake.userinfo.clear()
    both = ["uc4-curators", "uc4-members"]
    assert eventually(lambda: browser.is_in() and both in hub.told_claims("bob"))
    fake.end_sessions()
    assert eventually(lambda: not browser.is_in())
    assert hub.told_claims("bob")[-1] == []
    assert eventually(lambda: hub.user("bob")["auth_state"] is None)
    last = hub.audit("bob")[-1]
    assert (last["action"], last["by"]) == ("rights-changed", "the Lab’s accounts")


def test_whoever_is_asked_about_waits_for_nobody(fake: FakeOidc, hub: OidcHub) -> None:
    browser = hub.browser()
    sign_in(browser)
    fake.waits["/token"] = SECONDS + 1
    asked = fake.asked.count("/token")
    assert eventually(lambda: browser.is_in() and fake.asked.count("/token") > asked)
    began = time.monotonic()
    assert browser.is_in()
    assert time.monotonic() - began < SECONDS / 2


# --- the gate itself ---


def gate_of(provider: FakeOidc, **settings: Any) -> OidcGate:
    told = {"issuer": provider.issuer, "client_id": "hub-client", "client_secret": SECRET}
    return OidcGate(config=Config(OidcGate={**told, "provider_seconds": SECONDS, **settings}))


DOCUMENTS: dict[str, Change] = {
    "another issuer": lambda f: f.document.update(issuer="https://accounts.example.com"),
    "no keys": lambda f: f.document.update(jwks_uri=None),
    "unsafe": lambda f: f.document.update(token_endpoint="http://accounts.example.org/token"),
    "garbage": lambda f: f.answers.update({"/.well-known/openid-configuration": (200, b"<h1>")}),
    "missing": lambda f: f.answers.update({"/.well-known/openid-configuration": (404, b"{}")}),
    "slow": lambda f: f.waits.update({"/.well-known/openid-configuration": SECONDS + 1}),
}


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_a_document_that_cannot_be_believed_is_asked_for_again(
    document: str, fake: FakeOidc
) -> None:
    gate = gate_of(fake)
    DOCUMENTS[document](fake)
    with pytest.raises(ProviderUnreachable):
        await gate.met()
    fake.tell_the_truth()
    assert (await gate.met()).token == gate.token_url == f"{fake.issuer}/token"
    assert gate.basic_auth
    await gate.met()
    assert fake.asked == ["/.well-known/openid-configuration"]


async def test_a_provider_that_is_not_there_is_unreachable() -> None:
    fake = FakeOidc("hub-client", SECRET)
    fake.close()
    with pytest.raises(ProviderUnreachable):
        await gate_of(fake).met()


async def test_new_keys_are_fetched_when_a_token_names_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeOidc("hub-client", SECRET)
    gate = gate_of(fake)
    claims = {"iss": fake.issuer, "sub": "1", "aud": "hub-client"}
    claims = {**claims, "iat": int(time.time()), "exp": int(time.time()) + 60}
    assert await gate._id_claims(fake.signed(claims), None) == claims
    fake.asked.clear()
    fake.change_keys()
    with pytest.raises(ProviderUnreachable):
        await gate._id_claims(fake.signed(claims), None)
    assert fake.asked == []
    monkeypatch.setattr(oidc, "NEW_KEY_SECONDS", 0)
    assert await gate._id_claims(fake.signed(claims), None) == claims
    assert fake.asked == ["/keys"]
    fake.close()


def test_a_subject_of_another_issuer_is_another_person(fake: FakeOidc, tmp_path: Path) -> None:
    hub, other = OidcHub(tmp_path / "data", fake.issuer, fake.client), FakeOidc(*fake.client)
    hub.start()
    try:
        assert sign_in(hub.browser()).status_code == 200
        assert hub.user("bob")["groups"] == ["uc4"]
        other.login, other.groups = "eve", ["uc4-members"]
        other.id_claims = other.userinfo = {"sub": "sub-of-bob"}
        hub.moves_to(other.issuer)
        assert hub.members().keys() == {"ada"}, "bob's claims were said by another"
        eve = hub.browser()
        assert sign_in(eve).status_code == 200
        assert eve.is_in()
        assert [e["login"] for e in hub.audit("eve")] == ["eve"]
        hub.moves_to(fake.issuer)
        assert sign_in(hub.browser()).status_code == 200
        assert len([e for e in hub.audit("bob") if e["action"] == "signed-in"]) == 2
    finally:
        hub.close()
        other.close()
