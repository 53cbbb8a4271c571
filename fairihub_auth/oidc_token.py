"""Whether an id token is the provider's, for this hub, of this sign-in and of today.

OpenID Connect Core 1.0, section 3.1.3.7, numbers what a client must check: the issuer (2), the
audience and who it was made out to (3 to 5), the signature (6 to 8), the times (9, 10) and the
nonce (11). The signature could be left out where the token came over TLS from the provider itself
(6); it is checked all the same, since what stands between may end TLS early.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt

MAX_TOKEN = 64 * 1024
MAX_SUBJECT = 255
MAX_KEYS = 64
LEEWAY_SECONDS = 60
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures with a private key. With `none` or a shared secret others could sign, too."""


class BadToken(ValueError):
    """The id token is not to be trusted. The text says which check failed, and holds no secret."""


class UnknownKey(BadToken):
    """It is signed with a key that the provider has not published, or not yet."""


def checked(
    token: object,
    keys: Mapping[str, Any],
    *,
    issuer: str,
    client_id: str,
    nonce: str | None = None,
) -> dict[str, Any]:
    """The claims of `token`; takes a while, so it is called in a thread.

    Args:
        keys: the JWK Set that the provider publishes.
        nonce: of the sign-in that the token must belong to; None for a token that was refreshed,
            which need not hold one (Core, 12.2).

    Raises:
        UnknownKey: none of `keys` has signed it.
        BadToken: another check of section 3.1.3.7 failed.
    """
    claims = _signed_claims(token, keys, issuer, client_id)
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise BadToken("made out to another client")
    if nonce is not None and claims.get("nonce") != nonce:
        raise BadToken("of another sign-in")
    _require_subject(claims)
    return claims


def _require_subject(claims: Mapping[str, Any]) -> None:
    """The subject is what the account is known by, and never given to another (Core, 2)."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise BadToken("without a usable subject")
    if not (subject.isascii() and subject.isprintable()):
        raise BadToken("without a usable subject")


def _signed_claims(
    token: object, keys: Mapping[str, Any], issuer: str, client_id: str
) -> dict[str, Any]:
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN:
        raise BadToken("missing or too long")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key=_key(keys, jwt.get_unverified_header(token)),
            algorithms=ALGORITHMS,
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={
                "require": ["iss", "sub", "aud", "exp", "iat"],
                "enforce_minimum_key_length": True,
            },
        )
    except BadToken:
        raise
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        # Without its cause, whose text repeats parts of the token.
        raise BadToken(f"refused as {type(error).__name__}") from None
    return claims


def _key(keys: Mapping[str, Any], header: Mapping[str, Any]) -> jwt.PyJWK:
    """The published key that a token with this header says it is signed with."""
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise BadToken("signed in a way that proves nothing")
    named = header.get("kid")
    fitting = [key for key in _signing(keys) if named is None or key.get("kid") == named]
    if len(fitting) != 1:  # without a name there must be one key only (Core, 10.1)
        raise UnknownKey("signed with an unknown key")
    return jwt.PyJWK(fitting[0], fitting[0].get("alg", algorithm))


def _signing(keys: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = keys.get("keys")
    if not isinstance(listed, list):
        return []
    usable = (key for key in listed[:MAX_KEYS] if isinstance(key, dict))
    return [key for key in usable if key.get("use", "sig") == "sig"]
