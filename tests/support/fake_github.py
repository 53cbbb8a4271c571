"""A local server that signs people in as GitHub does, and fails in the ways that GitHub may."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

AUTHORIZE = "/login/oauth/authorize"
TOKEN = "/login/oauth/access_token"
USER = "/api/v3/user"


@dataclass(frozen=True)
class Account:
    """Somebody on GitHub: the number is theirs for ever, the login as long as they like it."""

    id: int
    login: str
    email: str | None = None


@dataclass(frozen=True)
class Answer:
    """What the server says in place of its right answer; `status` 0 ends the connection."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Code:
    account: int
    redirect_uri: str
    challenge: str


Garble = Callable[[dict[str, Any]], Any]


class FakeGitHub:
    """The server, in threads of this process; its settings may be changed at any time.

    Attributes:
        visitor: the login that answers the authorize page at once; None shows a page to choose on.
        cancels: the visitor presses “Cancel” instead.
        fails: by path, what is said in place of the right answer.
        garbles: by path, what becomes of the right answer before it is said.
        slow: paths that answer only after `release` was called.
        asked: every path that was asked for, in order.
    """

    client_id = "hub-client"

    def __init__(self, *accounts: Account) -> None:
        self.client_secret = secrets.token_hex(20)
        self.accounts = {account.id: account for account in accounts}
        self.callback = ""
        """Where the application is registered to come back to; any address if empty."""
        self.visitor: str | None = None
        self.cancels = False
        self.fails: dict[str, Answer] = {}
        self.garbles: dict[str, Garble] = {}
        self.slow: set[str] = set()
        self.asked: list[str] = []
        self.scopes: list[str] = []
        self.tokens: dict[str, int] = {}
        self._codes: dict[str, _Code] = {}
        self._released = threading.Event()
        self.port = 0
        self.start()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Answers again, at the same address, after it was closed."""
        self._server = _Server(self, self.port)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        """Refuses every connection from now on."""
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def behave(self) -> None:
        """As it should again."""
        self.release()
        self.visitor, self.cancels = None, False
        self.fails, self.garbles, self.slow = {}, {}, set()
        self._released = threading.Event()

    def release(self) -> None:
        self._released.set()

    def rename(self, number: int, login: str) -> None:
        """The account has another login; the old one is free for anybody."""
        others = (a.login.lower() for a in self.accounts.values() if a.id != number)
        assert login.lower() not in others
        self.accounts[number] = replace(self.accounts[number], login=login)

    def joins(self, number: int, login: str, email: str | None = None) -> None:
        """A new account; its login may have been another's before."""
        assert number not in self.accounts
        self.accounts[number] = Account(number, "", email)
        self.rename(number, login)

    # --- what it answers ---

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any) -> Answer:
        self.asked.append(path)
        if path in self.slow:
            self._released.wait(60)
        if path in self.fails:
            return self.fails[path]
        if (method, path) == ("GET", AUTHORIZE):
            return self._authorize(query)
        if (method, path) == ("POST", TOKEN):
            return self._json(TOKEN, self._token(query))
        if (method, path) == ("GET", USER):
            return self._user(headers.get("Authorization", ""))
        return _json({"message": "Not Found"}, 404)

    def _authorize(self, query: dict[str, str]) -> Answer:
        back, state = query.get("redirect_uri", self.callback), query.get("state", "")
        if query.get("client_id") != self.client_id:
            return Answer(404, b"<h1>404</h1>", "text/html; charset=utf-8")
        if not back.startswith(self.callback):
            return _back(self.callback, error="redirect_uri_mismatch", state=state)
        self.scopes.append(query.get("scope", ""))
        chosen = query.get("as", self.visitor)
        if self.cancels or chosen == "":
            return _back(
                back,
                error="access_denied",
                error_description="The user has denied your application access.",
                state=state,
            )
        account = next((a for a in self.accounts.values() if a.login == chosen), None)
        if account is None:
            return self._page(query)
        code = secrets.token_hex(10)
        assert query.get("code_challenge_method", "S256") == "S256"
        self._codes[code] = _Code(account.id, back, query.get("code_challenge", ""))
        return _back(back, code=code, state=state)

    def _page(self, query: dict[str, str]) -> Answer:
        choices = {a.login: a.login for a in self.accounts.values()} | {"": "Cancel"}
        links = "".join(_link({**query, "as": login}, said) for login, said in choices.items())
        page = f"<!doctype html><title>Authorize</title><h1>Authorize</h1>{links}"
        return Answer(200, page.encode(), "text/html; charset=utf-8")

    def _token(self, form: dict[str, str]) -> dict[str, Any]:
        given = (form.get("client_id"), form.get("client_secret"))
        if given != (self.client_id, self.client_secret):
            return _refusal("incorrect_client_credentials")
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.challenge != _challenge(form.get("code_verifier", "")):
            return _refusal("bad_verification_code")
        if form.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            return _refusal("redirect_uri_mismatch")
        token = f"gho_{secrets.token_hex(18)}"
        self.tokens[token] = code.account
        return {"access_token": token, "scope": "", "token_type": "bearer"}

    def _user(self, authorization: str) -> Answer:
        kind, _, token = authorization.partition(" ")
        number = self.tokens.get(token) if kind in ("Bearer", "token") else None
        if number is None:
            return _json({"message": "Bad credentials", "status": "401"}, 401)
        account = self.accounts[number]
        said = {"login": account.login, "id": account.id, "node_id": "U_x", "type": "User",
                "site_admin": False, "name": "Somebody", "email": account.email}  # fmt: skip
        return self._json(USER, said)

    def _json(self, path: str, said: dict[str, Any]) -> Answer:
        garble = self.garbles.get(path)
        return _json(garble(said) if garble else said)


def _link(query: Mapping[str, str], said: str) -> str:
    address = html.escape(f"{AUTHORIZE}?{urlencode(query)}")
    return f'<p><a href="{address}">{html.escape(said)}</a></p>'


def _json(said: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(said).encode())


def _back(address: str, **query: str) -> Answer:
    return Answer(302, headers={"Location": f"{address}?{urlencode(query)}"})


def _refusal(error: str) -> dict[str, Any]:
    # With status 200, as GitHub has it.
    return {"error": error, "error_description": f"It is {error}.", "error_uri": "https://…"}


def _challenge(verifier: str) -> str:
    if not verifier:
        return ""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, github: FakeGitHub, port: int) -> None:
        self.github = github
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(parse_qs(body.decode()))

    def _answer(self, form: dict[str, list[str]]) -> None:
        address = urlsplit(self.path)
        given = {**parse_qs(address.query, keep_blank_values=True), **form}
        query = {name: values[0] for name, values in given.items()}
        answer = self.server.github.answer(self.command, address.path, query, self.headers)
        with suppress(ConnectionError):  # whoever asked has lost patience
            self._send(answer)
        self.close_connection = True

    def _send(self, answer: Answer) -> None:
        if not answer.status:
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: `asked` knows."""
