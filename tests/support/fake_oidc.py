"""An OpenID Connect provider that says what a test makes it say, to see what a hub believes."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

Json = dict[str, Any]
Answer = tuple[int, bytes]


class FakeOidc:
    """Signs in `login` without asking; everything it says may be changed.

    `document`, `id_claims` and `userinfo` are merged into what it says truthfully; a value of
    None leaves the key out. `answers` replace whole answers, by path. `waits` come before them.
    """

    def __init__(self, client_id: str, client_secret: str) -> None:
        self.client = client_id, client_secret
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.fake = self  # type: ignore[attr-defined]
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.change_keys()
        self.tell_the_truth()
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def tell_the_truth(self) -> None:
        self.login, self.groups = "bob", ["uc4-members"]
        self.document: Json = {}
        self.id_claims: Json = {}
        self.userinfo: Json = {}
        self.token_answer: Json = {}
        self.answers: dict[str, Answer] = {}
        self.waits: dict[str, float] = {}
        self.key = self.published
        self.sign: Callable[[Json], str] = self.signed
        self.asked: list[str] = []
        self._codes: dict[str, Json] = {}
        self._refresh: set[str] = set()
        self._access: set[str] = set()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def change_keys(self) -> None:
        self.key = self.published = new_key()

    def end_sessions(self) -> None:
        self._refresh.clear()

    def signed(self, claims: Json, algorithm: str = "RS256", key: Any = None) -> str:
        return jwt.encode(claims, key or self.key[1], algorithm, headers={"kid": self.key[0]})

    # --- the answers ---

    def answer(self, path: str, asked: Json, bearer: str) -> Answer | str:
        """Status and body, or the address of a redirect."""
        self.asked.append(path)
        time.sleep(self.waits.get(path, 0))
        if path in self.answers:
            return self.answers[path]
        if path == "/authorize":
            return self._authorized(asked)
        said = {
            "/.well-known/openid-configuration": self._document,
            "/token": lambda: self._tokens(asked) if self._is_client(bearer) else None,
            "/userinfo": lambda: self._person(bearer),
            "/keys": lambda: {"keys": [_public(*self.published)]},
        }.get(path, lambda: None)()
        if said is None:
            return 400, b'{"error": "invalid_grant", "error_description": "canary-of-the-provider"}'
        return 200, json.dumps(said).encode()

    def _document(self) -> Json:
        at = {
            name: f"{self.issuer}/{path}"
            for name, path in (
                ("authorization_endpoint", "authorize"), ("token_endpoint", "token"),
                ("userinfo_endpoint", "userinfo"), ("jwks_uri", "keys"),
            )
        }  # fmt: skip
        return _merged({"issuer": self.issuer, **at}, self.document)

    def _authorized(self, asked: Json) -> str:
        code = secrets.token_hex(8)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def _is_client(self, header: str) -> bool:
        """As the document names no other way, the secret comes in a header."""
        return header == f"Basic {base64.b64encode(':'.join(self.client).encode()).decode()}"

    def _tokens(self, asked: Json) -> Json | None:
        if asked["grant_type"] == "refresh_token":
            if asked["refresh_token"] not in self._refresh:
                return None
            self._refresh.remove(asked["refresh_token"])
            return self._issued({})
        begun = self._codes.pop(asked["code"], None)
        if begun is None or _challenge(asked["code_verifier"]) != begun["code_challenge"]:
            return None
        return self._issued({"nonce": begun["nonce"]})

    def _issued(self, more: Json) -> Json:
        now = int(time.time())
        times = {"iat": now, "exp": now + 300}
        claims = {"iss": self.issuer, "sub": f"sub-of-{self.login}", "aud": self.client[0]}
        access, refresh = secrets.token_hex(16), secrets.token_hex(16)
        self._access.add(access)
        self._refresh.add(refresh)
        tokens = {"access_token": access, "token_type": "Bearer", "refresh_token": refresh}
        id_token = self.sign(_merged({**claims, **times, **more}, self.id_claims))
        return _merged({**tokens, "id_token": id_token}, self.token_answer)

    def _person(self, bearer: str) -> Json | None:
        if bearer.removeprefix("Bearer ") not in self._access:
            return None
        said = {"sub": f"sub-of-{self.login}", "preferred_username": self.login}
        return _merged({**said, "groups": self.groups}, self.userinfo)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._say({k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._say({k: v[0] for k, v in parse_qs(body.decode()).items()})

    def _say(self, asked: Json) -> None:
        fake: FakeOidc = self.server.fake  # type: ignore[attr-defined]
        bearer = self.headers.get("Authorization", "")
        said = fake.answer(urlsplit(self.path).path, asked, bearer)
        try:
            if isinstance(said, str):
                self.send_response(302)
                self.send_header("Location", said)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(said[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said[1])))
            self.end_headers()
            self.wfile.write(said[1])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the hub has gone, as it does when an answer is too long or too late

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _merged(truth: Json, changes: Json) -> Json:
    return {key: value for key, value in {**truth, **changes}.items() if value is not None}


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def new_key() -> tuple[str, rsa.RSAPrivateKey]:
    return secrets.token_hex(4), rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _public(kid: str, key: rsa.RSAPrivateKey) -> Json:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid, "use": "sig", "alg": "RS256"}
