"""What is left behind: sessions after signing out, and secrets or line breaks in logs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.support.access.cast import EXECUTE, SERVER, Cast, team_file
from tests.support.running_hub import RunningHub, until, xsrf_of

CANARY = "canary-4f1d0c2b"
REMEMBERED = 35.0
"""Seconds after which a service has forgotten what the hub once said of a session."""
LINE = 1024
"""How long a line of a log may be that repeats what a stranger sent."""


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    hub = RunningHub(tmp_path_factory.mktemp("traces"))
    try:
        cast = Cast(hub)
        cast.come_in(things=False)
        yield cast
    finally:
        hub.close()


@pytest.fixture
def hub(cast: Cast) -> RunningHub:
    return cast.hub


def lengths(hub: RunningHub) -> dict[Path, int]:
    """How much stands in each log; the links in the terminal are meant to be read."""
    files = [*(hub.data / "hub").glob("*.log*"), *(hub.data / "hub").glob("*.jsonl*")]
    return {path: path.stat().st_size for path in files}


def written(hub: RunningHub, since: dict[Path, int] | None = None) -> str:
    """What the logs say of requests, in all or since they had those lengths."""
    before = since or {}
    parts = (path.read_bytes()[before.get(path, 0) :] for path in lengths(hub))
    return "\n".join(part.decode("utf-8", "replace") for part in parts)


# --- sessions ---


def test_a_session_that_was_signed_out_opens_nothing_any_more(cast: Cast) -> None:
    """Somebody who kept its cookies has nothing in hand, at the hub, services or server."""
    hub = cast.hub
    hub.start_server("vera", "small")
    browser = hub.sign_in("vera")
    pages = ("/hub/home", "/services/catalog/", "/services/headless/", f"{SERVER}/lab")
    for path in pages:
        assert browser.get(path, headers={"Accept": "text/html"}).status_code == 200
    thief = hub.client(follow_redirects=False, cookies=httpx.Cookies(browser.cookies))
    assert thief.get("/services/catalog/").status_code == 200, "the cookies are good"
    browser.get("/hub/logout")
    for path in pages:
        refused = lambda path=path: thief.get(path).status_code in (302, 401, 403)  # noqa: E731
        until(refused, f"{path} is closed to the old cookies", REMEMBERED)
    form = {"_xsrf": xsrf_of(thief, "/hub/"), "profile": "small"}
    assert thief.post("/hub/spawn", data=form).status_code in (302, 403)


def test_a_token_that_was_deleted_opens_nothing_any_more(cast: Cast) -> None:
    api = cast.scripts["curator"]
    made = api.post("/hub/api/users/curt/tokens", json={"note": "short", "expires_in": 600}).json()
    script = cast.hub.client(headers={"Authorization": f"Bearer {made['token']}"})
    doors = ("/hub/api/user", "/services/catalog/api/me", "/services/headless/jobs")
    assert [script.get(path).status_code for path in doors] == [200, 200, 200]
    assert api.delete(f"/hub/api/users/curt/tokens/{made['id']}").status_code == 204
    assert script.get("/hub/api/user").status_code == 403
    for path in doors[1:]:
        until(lambda p=path: script.get(p).status_code == 401, f"{path} is closed", REMEMBERED)


# --- what stands in logs ---


def test_huge_fields_are_refused_and_fill_no_log(hub: RunningHub) -> None:
    """Ten megabytes where a link, a login or a name would be."""
    huge, before = "x" * 10_000_000, lengths(hub)
    client, api = hub.client(), hub.api("ada")
    client.get("/hub/login")
    form = {"link": huge, "_xsrf": xsrf_of(client, "/hub/")}
    statuses = {"/hub/login": client.post("/hub/login", data=form).status_code}
    for path, body in (
        ("/hub/api/users/ada/server", {"user_options": {"profile": huge}}),
        ("/hub/api/users/ada/tokens", {"note": huge}),
        ("/hub/api/fairihub/audit", {"entries": [huge]}),
        (EXECUTE, {"inputs": {"notebook": huge}}),
        ("/services/catalog/api/contributions", {"team": huge, "filename": huge}),
    ):
        statuses[path] = api.post(path, json=body).status_code
    assert set(statuses.values()) <= {400, 413}, statuses
    assert {status for path, status in statuses.items() if path.startswith("/hub/")} == {413}
    said = written(hub, before)
    assert len(said) < 200_000
    assert max(len(line) for line in said.splitlines()) <= LINE, "a line is cut"
    assert hub.api("ada").get("/hub/api/user").status_code == 200, "and the hub goes on"


@pytest.mark.parametrize("path", ["/user/ada/", "/services/headless/", "/hub/"])
@pytest.mark.parametrize("letters", [14_000, 5_000])
def test_no_long_address_fills_a_log(hub: RunningHub, path: str, letters: int) -> None:
    before, client = lengths(hub), hub.client()
    status = client.get(path + "x" * letters, headers={"Accept": "text/html"}).status_code
    if not path.startswith("/services/"):
        assert status == 414
    assert client.get("/hub/login").status_code == 200
    said = written(hub, before)
    assert max(len(line.encode()) for line in said.splitlines()) <= LINE, "a line is cut"


def test_a_refusal_is_one_line_of_the_log_and_no_traceback(hub: RunningHub) -> None:
    client = hub.sign_in("otto")
    client.get("/hub/spawn")
    before, form = lengths(hub), {"_xsrf": xsrf_of(client, "/hub/"), "profile": "nobodys"}
    there = {"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
    for _ in range(3):
        assert "from another site" in client.get("/hub/spawn?profile=small", headers=there).text
    assert client.post("/hub/spawn", data=form).status_code in (400, 403)
    said = written(hub, before)
    assert said.count("from another site") == 3, said
    assert "Traceback" not in said


def test_the_open_page_of_whoever_is_out_fills_no_log(hub: RunningHub) -> None:
    """Whether the session is already revoked when the page asks, or only about to be."""
    client = hub.sign_in("otto")
    with hub.edited("hills", team_file("hills", "nina")):
        standing = lambda: client.get("/hub/api/fairihub/standing").json()  # noqa: E731
        until(lambda: not standing()["admitted"], "he is out")
        until(lambda: "otto is out" in written(hub), "his sessions are revoked")
        before = lengths(hub)
        for _ in range(30):
            assert standing()["code"] == "no-team"
        assert len(written(hub, before).splitlines()) < 5
        assert written(hub).count("otto has stale auth info") <= 1


@pytest.mark.parametrize("named", ["a\r\nINJECTED 1", "a\x1b[2J", "a\u2028INJECTED 2", "\x00b"])
def test_no_name_breaks_a_line_of_a_log(hub: RunningHub, named: str) -> None:
    api, client, before = hub.api("ada"), hub.client(), lengths(hub)
    client.get("/hub/login")
    form = {"link": named, "username": named, "_xsrf": xsrf_of(client, "/hub/")}
    client.post("/hub/login", data=form)
    api.post("/hub/api/users/ada/server", json={"user_options": {"profile": named}})
    api.post(EXECUTE, json={"inputs": {"notebook": named}})
    api.get("/hub/api/fairihub/why", params={"login": named})
    api.get("/services/catalog/api/notebooks", params={"q": named, "team": named})
    said = written(hub, before)
    assert not re.search(r"^\s*INJECTED", said, re.M)
    assert "\x1b[2J" not in said
    assert "\u2028" not in said


HEADERS = {
    "Cookie": f"jupyterhub-hub-login={CANARY}; _xsrf={CANARY}; other={CANARY}",
    "X-Api-Key": CANARY,
    "X-XSRFToken": CANARY,
    "Proxy-Authorization": f"Basic {CANARY}",
    "Referer": f"http://x/?token={CANARY}",
    "User-Agent": CANARY,
}
"""What may be secret in a request."""


def failing(hub: RunningHub) -> list[tuple[str, str]]:
    """Requests that fail for no fault of who asks: the stores behind them are garbage."""
    for name in ("catalog/index.sqlite", "catalog/contributions.sqlite", "headless/runs.sqlite"):
        spoil(hub.data / name)
    return [
        ("GET", "/services/catalog/api/notebooks"),
        ("GET", "/services/catalog/api/contributions?mine=1"),
        ("GET", "/services/headless/jobs"),
        ("GET", "/hub/api/authorizations/token"),
    ]


def spoil(path: Path) -> None:
    """Makes a database unreadable for whoever has it open."""
    assert path.is_file(), path
    with closing(sqlite3.connect(path, timeout=10)) as database:
        for (table,) in database.execute("select name from sqlite_master where type = 'table'"):
            if not table.startswith("sqlite_") and "_" not in table:
                database.execute(f'alter table "{table}" rename to "gone_{table}"')
        database.commit()


def test_no_secret_of_a_request_stands_in_a_log(cast: Cast) -> None:
    """Not even when the request fails: an error is told without its headers."""
    hub = cast.hub
    failed = {}
    for method, path in failing(hub):
        asked = f"{path}{'&' if '?' in path else '?'}q={CANARY}"
        answer = cast.scripts["viewer"].request(method, asked, headers=HEADERS)
        failed[path] = answer.status_code
        assert CANARY not in answer.text
        hub.client().request(method, asked, headers={**HEADERS, "Authorization": f"token {CANARY}"})
    assert set(failed.values()) <= {500, 503}, "each of them has failed"
    for path in ("/hub/none-such", "/hub/login", "/hub/home", "/hub/api/users", "/hub/oauth_login"):
        asked = f"{path}?code={CANARY}&state={CANARY}&next=%2Fhub%2Fhome%3Fnote%3D{CANARY}"
        hub.client(follow_redirects=False).get(asked, headers=HEADERS)
        cast.scripts["viewer"].get(asked, headers=HEADERS)
    assert re.search(r"500 GET /hub/api/authorizations/token \(", written(hub))
    assert [line for line in written(hub).splitlines() if CANARY in line] == []


def test_no_secret_of_the_hub_stands_in_a_log(cast: Cast) -> None:
    """Links, tokens, cookies, and what the hub's own parts know each other by."""
    hub = cast.hub
    secrets = {link.partition("#link=")[2] for link in hub.links.values()}
    secrets |= {str(token) for token in hub._tokens.values()}
    secrets |= {path.read_text().strip() for path in (hub.data / "tokens").iterdir()}
    for client in (*cast.browsers.values(), *cast.scripts.values()):
        # The hub's log names sessions; the name of one opens nothing.
        told = ("_xsrf", "jupyterhub-session-id")
        secrets |= {str(c.value) for c in client.cookies.jar if c.name not in told}
        secrets |= {client.headers.get("Authorization", "").rpartition(" ")[2]}
    secrets = {secret for secret in secrets if len(secret) >= 16}
    assert len(secrets) > 20
    said = written(hub)
    assert [secret[:6] for secret in secrets if secret in said] == []
