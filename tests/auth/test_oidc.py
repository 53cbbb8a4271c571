"""OpenID Connect without a provider: which tokens, documents and claims are believed, and when."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from traitlets import TraitError
from traitlets.config import Config

from fairihub_auth.oidc import OidcGate
from fairihub_auth.oidc_claims import values_at
from fairihub_auth.oidc_pages import nonce_of
from fairihub_auth.oidc_provider import (
    BadProvider,
    Remembered,
    document_address,
    endpoints_of,
    is_safe_issuer,
)
from fairihub_auth.oidc_token import BadToken, UnknownKey, checked

ISSUER = "https://accounts.example.org/realms/lab"
Json = dict[str, Any]

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
CURVE = ec.generate_private_key(ec.SECP256R1())


def public(kid: str | None, key: Any, **more: Any) -> Json:
    kinds = jwt.algorithms
    kind = kinds.ECAlgorithm if key is CURVE else kinds.RSAAlgorithm
    made = {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}
    return {name: value for name, value in made.items() if value is not None}


KEYS = {
    "keys": [
        public("present", KEY), public("curve", CURVE), public("weak", WEAK),
        public("sealing", KEY, use="enc"), public("twin", KEY), public("twin", OTHER),
        {"kid": "shared", "kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
        {"kid": "broken", "kty": "RSA", "n": "", "e": "!"}, "no key",
    ]
}  # fmt: skip


def claims(**changes: Any) -> Json:
    now = int(time.time())
    truth = {"iss": ISSUER, "sub": "42", "aud": "hub", "iat": now, "exp": now + 60, "nonce": "once"}
    return {name: value for name, value in {**truth, **changes}.items() if value is not None}


def token(
    kid: str | None = "present", algorithm: str = "RS256", key: Any = KEY, **more: Any
) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**more), key, algorithm, headers=headers)


def check(said: object, keys: Json = KEYS, nonce: str | None = "once") -> Json:
    return checked(said, keys, issuer=ISSUER, client_id="hub", nonce=nonce)


# Fixed, as they are in the names of tests: workers that run side by side have to agree on those.
EARLIER, LATER = 1_000_000_000, 4_000_000_000


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"aud": ["hub"]},
        {"aud": ["hub", "files"], "azp": "hub"},
        {"azp": "hub"},
        {"kid": "curve", "algorithm": "ES256", "key": CURVE},
    ],
    ids=["plain", "list", "several", "azp", "curve"],
)
def test_a_token_for_this_hub_is_believed(more: Json) -> None:
    assert check(token(**more))["sub"] == "42"


def test_clocks_may_differ_by_less_than_a_minute() -> None:
    now = int(time.time())
    for times in ({"exp": now - 30}, {"iat": now + 30}):
        assert check(token(**times))["sub"] == "42"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"iss": "https://accounts.example.com/realms/lab"}, "InvalidIssuerError"),
        ({"iss": ISSUER + "/"}, "InvalidIssuerError"),
        ({"iss": None}, "MissingRequiredClaimError"),
        ({"aud": "files"}, "InvalidAudienceError"),
        ({"aud": []}, "MissingRequiredClaimError"),
        ({"aud": {"hub": 1}}, "InvalidAudienceError"),
        ({"aud": None}, "MissingRequiredClaimError"),
        ({"aud": ["hub", "files"]}, "another client"),
        ({"aud": ["hub", "files"], "azp": "files"}, "another client"),
        ({"azp": "files"}, "another client"),
        ({"azp": 7}, "another client"),
        ({"exp": EARLIER}, "ExpiredSignatureError"),
        ({"exp": None}, "MissingRequiredClaimError"),
        ({"exp": "soon"}, "DecodeError"),
        ({"iat": LATER}, "ImmatureSignatureError"),
        ({"iat": None}, "MissingRequiredClaimError"),
        ({"nbf": LATER}, "ImmatureSignatureError"),
        ({"nonce": "twice"}, "another sign-in"),
        ({"nonce": None}, "another sign-in"),
        ({"sub": None}, "MissingRequiredClaimError"),
        ({"sub": ""}, "usable subject"),
        ({"sub": "a" * 256}, "usable subject"),
        ({"sub": "a\nb"}, "usable subject"),
        ({"sub": "ä"}, "usable subject"),
    ],
    ids=str,
)
def test_a_token_that_says_something_else_is_not(more: Json, why: str) -> None:
    with pytest.raises(BadToken, match=why):
        check(token(**more))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (jwt.encode(claims(), "", "none"), "proves nothing"),
        (token(algorithm="HS256", key="s" * 40), "proves nothing"),
        (token("shared", "HS256", "secret-secret-secret-secret-secret"), "proves nothing"),
        (token(key=OTHER), "InvalidSignatureError"),
        (token()[:-6] + "AAAAAA", "InvalidSignatureError"),
        (token("gone"), "unknown key"),
        (token(None), "unknown key"),
        (token("sealing"), "unknown key"),
        (token("twin"), "unknown key"),
        (token("broken"), "refused as"),
        (token("weak", key=KEY), "InvalidKeyError"),
        (token("curve"), "refused as"),
        ("", "missing"),
        (None, "missing"),
        (7, "missing"),
        (["a", "b"], "missing"),
        ("a.b.c", "DecodeError"),
        ("ä.ö.ü", "refused as"),
        ("." * 2000, "DecodeError"),
        ("a" * 70_000, "too long"),
        (".".join(["W10"] * 3), "DecodeError"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_token_that_anybody_could_have_made_is_not(said: object, why: str) -> None:
    with pytest.raises(BadToken, match=why) as error:
        check(said)
    assert not isinstance(said, str) or len(said) < 3 or said[-20:] not in str(error.value)


def test_a_token_without_a_key_name_is_of_the_only_key() -> None:
    only = {"keys": [public(None, KEY)]}
    assert check(token(None), only)["sub"] == "42"
    for keys in ({}, {"keys": {}}, {"keys": []}, {"keys": [None, 7]}):
        with pytest.raises(UnknownKey):
            check(token(None), keys)


def test_a_refreshed_token_needs_no_nonce() -> None:
    assert check(token(nonce=None), nonce=None)["sub"] == "42"


def test_the_nonce_is_of_one_sign_in_and_does_not_tell_its_verifier() -> None:
    assert nonce_of("a-verifier") == nonce_of("a-verifier") != nonce_of("another")
    assert "verifier" not in nonce_of("a-verifier")


# --- the document ---


def document(**changes: Any) -> Json:
    at = f"{ISSUER}/protocol"
    truth = {
        "issuer": ISSUER, "authorization_endpoint": f"{at}/auth", "token_endpoint": f"{at}/token",
        "userinfo_endpoint": f"{at}/userinfo", "jwks_uri": f"{at}/certs",
        "end_session_endpoint": f"{at}/logout",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }  # fmt: skip
    return {name: value for name, value in {**truth, **changes}.items() if value is not None}


def test_a_document_says_where_a_provider_answers() -> None:
    assert document_address("https://a.example/") == (
        "https://a.example/.well-known/openid-configuration"
    )
    with_slash = endpoints_of(document(issuer=ISSUER + "/"), ISSUER)
    found = endpoints_of(document(), ISSUER)
    assert (found.issuer, with_slash.issuer) == (ISSUER, ISSUER + "/")
    assert found.token == f"{ISSUER}/protocol/token"
    assert found.secret_in_form
    assert not endpoints_of(
        document(token_endpoint_auth_methods_supported=None), ISSUER
    ).secret_in_form


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://accounts.example.com/realms/lab"},
        {"issuer": None},
        {"issuer": ISSUER + "/other"},
        {"issuer": [ISSUER]},
        {"token_endpoint": None},
        {"token_endpoint": "http://accounts.example.org/token"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "//accounts.example.org/auth"},
        {"userinfo_endpoint": "https://user:secret@accounts.example.org/"},
        {"userinfo_endpoint": "https://accounts.example.org/\r\nHost: other"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": ["https://accounts.example.org/keys"]},
        {"jwks_uri": "https://" + "a" * 3000},
    ],
    ids=str,
)
def test_a_document_that_leads_elsewhere_is_not_believed(changes: Json) -> None:
    with pytest.raises(BadProvider):
        endpoints_of(document(**changes), ISSUER)


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        (ISSUER, True),
        ("https://accounts.example.org/", True),
        ("http://127.0.0.1:8080/realms/lab", True),
        ("http://[::1]:8080", True),
        ("http://localhost:8080", True),
        ("http://accounts.example.org", False),
        ("http://localhost.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("https://a.example?x=1", False),
        ("https://a.example#x", False),
        ("https://u@a.example", False),
        ("https://", False),
        ("https://[", False),
        ("a.example", False),
        ("", False),
        (None, False),
    ],
)
def test_only_an_issuer_nobody_can_listen_in_on(address: object, safe: bool) -> None:
    assert is_safe_issuer(address) is safe


def test_the_way_out_at_the_provider_leads_back_to_the_hub() -> None:
    out = endpoints_of(document(), ISSUER).sign_out_address("hub", "https://hub.example/hub/login")
    assert out == (
        f"{ISSUER}/protocol/logout?client_id=hub"
        "&post_logout_redirect_uri=https%3A%2F%2Fhub.example%2Fhub%2Flogin"
    )
    for unsafe in (None, "javascript:alert(1)", "http://accounts.example.org/logout"):
        found = endpoints_of(document(end_session_endpoint=unsafe), ISSUER)
        assert found.sign_out_address("hub", "https://hub.example/hub/login") is None


async def test_who_wants_a_value_while_it_is_fetched_waits_for_the_same() -> None:
    asked, arrived = 0, asyncio.Event()

    async def fetch() -> int:
        nonlocal asked
        asked += 1
        await arrived.wait()
        if asked == 1:
            raise OSError("away")
        return asked

    remembered = Remembered(fetch, 60)
    waiting = [asyncio.ensure_future(remembered.get()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    arrived.set()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError, OSError, OSError]
    assert asked == 1
    assert [await remembered.get(), await remembered.get(), remembered.last] == [2, 2, 2]
    assert await remembered.get(0) == 3


# --- claims ---


@pytest.mark.parametrize(
    ("path", "said", "values"),
    [
        ("groups", {"groups": ["a", "B", "a"]}, {"a", "B"}),
        ("groups", {"groups": "a b"}, {"a b"}),
        ("groups", {"groups": []}, set()),
        ("groups", {}, set()),
        ("groups", {"groups": None}, set()),
        ("groups", {"groups": {"a": 1}}, set()),
        ("groups", {"groups": ["a", 7, None, ["b"], "", "x" * 300]}, {"a"}),
        ("access.roles", {"access": {"roles": ["a"]}}, {"a"}),
        ("access.roles", {"access.roles": ["b"], "access": {"roles": ["a"]}}, {"b"}),
        ("access.roles", {"access": ["roles"]}, set()),
        ("https://x.example/groups", {"https://x.example/groups": ["a"]}, {"a"}),
    ],
)
def test_values_at(path: str, said: Json, values: set[str]) -> None:
    assert values_at(path, said) == values


def test_values_come_from_the_first_answer_that_has_any() -> None:
    assert values_at("groups", {"groups": ["a"]}, {"groups": ["b"]}) == {"a"}
    assert values_at("groups", {}, {"groups": ["b"]}) == {"b"}
    assert values_at("groups", {"groups": []}, {"groups": ["b"]}) == frozenset()


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": "http://accounts.example.org"},
        {"login_claim": "email"},
        {"enable_pkce": False},
        {"allow_all": True},
    ],
    ids=str,
)
def test_what_would_open_the_gate_cannot_be_set(settings: Json) -> None:
    with pytest.raises(TraitError):
        OidcGate(config=Config(OidcGate=settings))


def test_tokens_are_kept_only_where_claims_matter() -> None:
    assert not OidcGate().enable_auth_state
    assert OidcGate(config=Config(OidcGate={"claims_are": print})).enable_auth_state
