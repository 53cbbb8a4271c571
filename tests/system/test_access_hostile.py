"""Hostile callers at a real hub: names, redirects, forged requests, and reaching for more power."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from fairihub_auth.link_store import LinkStore
from fairihub_core import clock
from tests.support.access.cast import SERVER, Cast, team_file
from tests.support.access.matrix import ALLOWED, Ask, Group, Row, asks_of, read_matrix
from tests.support.running_hub import RunningHub, until

EXEMPT = {
    "/hub/security/csp-report",  # a browser's own report, which is only logged
    "/user/NAME/api/security/csp-report",
    "/hub/api/oauth2/token",  # asks a client for its secret, and no cookie
    "/user/NAME/{*}/",  # lead to where they are asked again
    "/hub/user/{user_name}{user_path*}",  # says that no server runs
}
"""Routes that take unsafe requests without a page's token, and why that harms nobody."""
UNSAFE = [
    (group, row, ask)
    for group, row, ask in asks_of(read_matrix(), "hub", "catalog", "headless", "server")
    if ask.method != "GET" and row.route not in EXEMPT and ALLOWED in ask.cells.values()
]


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    hub = RunningHub(tmp_path_factory.mktemp("hostile"))
    try:
        cast = Cast(hub)
        cast.come_in(things=False)
        hub.start_server("vera", "small")
        assert cast.browsers["viewer"].get(f"{SERVER}/lab", follow_redirects=True).is_success
        yield cast
    finally:
        hub.close()


@pytest.fixture
def hub(cast: Cast) -> RunningHub:
    return cast.hub


def link_for(hub: RunningHub, login: str) -> str:
    """A link for any name at all: whoever has one has proved to be that."""
    token = LinkStore(hub.data / "links").issue(login, timedelta(minutes=5), clock.now())
    return f"{hub.address}/hub/login#link={token}"


def users_of(hub: RunningHub) -> set[str]:
    path = hub.data / "hub" / "jupyterhub.sqlite"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return {name for (name,) in database.execute("select name from users")}


@contextmanager
def valleys(hub: RunningHub, text: str) -> Iterator[None]:
    """The file of another team, from when the hub has read it until it has forgotten it."""

    def is_known() -> bool:
        return "valleys.yaml" in cli.get("/hub/api/fairihub/snapshot").text

    token = (hub.data / "tokens" / "cli").read_text().strip()
    cli = hub.client(headers={"Authorization": f"token {token}"})
    with hub.edited("valleys", text):
        until(is_known, "the hub has read the file", 10)
        yield
    until(lambda: not is_known(), "the hub has forgotten the file", 10)


# --- who comes in ---


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("  allowedLogins:\n  - {userName: eve}", "  allowedLogins: []"),
        ("  allowedLogins:\n  - {userName: eve}", "  allowedLogins:"),
        ("  allowedLogins:\n  - {userName: eve}", ""),
        ("allowedLogins", "allowedLogin"),
        ("allowedLogins", "allowed_logins"),
        ("userName: eve", "userName:"),
        ("userName: eve", "username: eve"),
        ("userName: eve", "email: eve"),
        ("userName: eve", "userName: other, email: eve"),
        ("userName: eve", "userName: '*'"),
    ],
)
def test_a_list_that_names_nobody_admits_nobody(
    hub: RunningHub, written: str, becomes: str
) -> None:
    """A setting that is silently ignored must never mean that everybody comes in."""
    text = team_file("valleys", "eve").replace(written, becomes)
    assert text != team_file("valleys", "eve")
    with valleys(hub, text):
        for login in ("eve", "eve@example.org", "*", "anybody", ""):
            answer = hub.open_link(hub.client(), link_for(hub, login))
            assert answer.status_code == 403, f"“{login}” came in: {answer.text[:300]}"
    assert not users_of(hub) & {"eve", "eve@example.org", "*", "anybody", ""}


@pytest.mark.parametrize(
    ("name", "is_curt"),
    [
        ("CURT", True),
        (" curt\t", True),
        ("\N{FULLWIDTH LATIN SMALL LETTER C}urt", False),
        ("cur\N{MATHEMATICAL BOLD SMALL T}", False),
        ("cu\N{ZERO WIDTH SPACE}rt", False),
        ("curt\0", False),
        ("curt\r\nSet-Cookie: a=b", False),
        ("curt/../ada", False),
        ("curt@example.org", False),
        ("c" * 100_000, False),
    ],
)
def test_variants_of_a_login_are_one_identity_or_none(
    hub: RunningHub, name: str, is_curt: bool
) -> None:
    before = users_of(hub)
    client = hub.client()
    answer = hub.open_link(client, link_for(hub, name))
    if is_curt:
        assert answer.status_code == 200
        assert client.get("/services/catalog/").is_success
        assert client.get("/services/catalog/api/me").json()["login"] == "curt"
    else:
        assert answer.status_code in (400, 403), answer.text[:300]
        assert client.get("/hub/home", follow_redirects=False).status_code == 302
    assert users_of(hub) == before


def test_the_kelvin_sign_is_no_k(hub: RunningHub) -> None:
    """Its lower case is the letter, so a careless comparison opens another's account."""
    with valleys(hub, team_file("valleys", "kate")):
        assert hub.open_link(hub.client(), link_for(hub, "kate")).status_code == 200
        answer = hub.open_link(hub.client(), link_for(hub, "\N{KELVIN SIGN}ate"))
        assert answer.status_code == 403


# --- where a sign-in leads ---

FOREIGN = "evil.example"
LEADS_AWAY = [
    f"//{FOREIGN}",
    f"///{FOREIGN}",
    f"/\\{FOREIGN}",
    f"\\\\{FOREIGN}",
    f"https://{FOREIGN}/x",
    f"https:///{FOREIGN}/x",
    f"https:///a%40{FOREIGN}/x",
    f"http:{FOREIGN}",
    f"/%0d%0aLocation:%20https://{FOREIGN}",
    f"/\t/{FOREIGN}",
    f"/hub/../..//{FOREIGN}/",
    f"javascript:alert('{FOREIGN}')",
]
NO_ADDRESS = [
    "/%0d%0aSet-Cookie:x=y",
    "/%0ax",
    "/a%0bb%0c",
    "/%7f",
    "/%c2%85x",
    "/%e2%80%a8x",
    "//[",
]
"""What no header can hold, and what is no address at all."""
TAKES_NEXT = [
    "/hub/login?next={}",
    "/hub/logout?next={}",
    "/hub/spawn?next={}",
    "/hub/spawn-pending/vera?next={}",
    "/hub/user-redirect/lab?next={}",
    "/hub/user-redirect/{}",
    "/hub/accept-share?code=abc&next={}",
    "/hub/oauth_callback?next={}",
    "/services/catalog/oauth_callback?next={}",
    "/services/headless/oauth_callback?next={}",
    "/services/catalog?next={}",
    "/user/vera/oauth_callback?next={}",
    "/user/vera/login?next={}",
    "/user/vera{}/",
    "/hub{}",
    "{}",
]


def leads_to(answer: httpx.Response) -> str | None:
    """The host that a browser would go to next; it takes a backslash for a slash, and no tabs."""
    location = answer.headers.get("Location")
    if location is None:
        return None
    plain = re.sub(r"[\t\r\n]", "", location).replace("\\", "/")
    plain = re.sub(r"^(https?):/*(?=[^/])", r"\1://", re.sub(r"^//+", "//", plain))
    return urlsplit(urljoin(str(answer.request.url), plain)).hostname


@pytest.mark.parametrize("place", TAKES_NEXT)
@pytest.mark.parametrize("who", ["viewer", "nobody"])
def test_no_address_leads_to_another_site(cast: Cast, place: str, who: str) -> None:
    browser = cast.hub.client(follow_redirects=False)
    browser.cookies = httpx.Cookies(cast.browsers[who].cookies)
    away, failed = [], []
    for wanted in (*LEADS_AWAY, *NO_ADDRESS):
        if place == "{}" and not wanted.startswith("/"):
            continue
        # As a raw target, which a client would tidy up otherwise.
        target = place.format(wanted.replace(" ", "%20").replace("\t", "%09"))
        url = httpx.URL(cast.hub.address).copy_with(raw_path=target.encode())
        answer = browser.get(url, headers={"Accept": "text/html"})
        if leads_to(answer) not in (None, "127.0.0.1") or _points_away(answer.text):
            away.append(f"{target}: {answer.status_code} {answer.headers.get('Location')}")
        # An address that begins like that fails in the proxy, before anybody can take it.
        if answer.status_code >= 500 and target != "//[":
            failed.append(f"{target}: {answer.status_code}")
        assert FOREIGN not in str(answer.headers.get("Set-Cookie"))
    assert not away, "\n".join(away)
    assert not failed, "\n".join(failed)


def _points_away(page: str) -> bool:
    """Whether a link, a form or a refresh of the page leads to the other site."""
    found = re.findall(r"""(?:href|action|src|url)\s*=\s*["']?([^"'\s>]+)""", page)
    return any(re.match(rf"(?:https?:)?[/\\]*{re.escape(FOREIGN)}", link) for link in found)


@pytest.mark.parametrize("wanted", LEADS_AWAY)
def test_a_sign_in_leads_nowhere_else(hub: RunningHub, wanted: str) -> None:
    client = hub.client(follow_redirects=False)
    client.get("/hub/login")
    token = link_for(hub, "curt").partition("#link=")[2]
    (xsrf,) = {c.value for c in client.cookies.jar if c.name == "_xsrf"}
    form = {"link": token, "_xsrf": xsrf}
    answer = client.post("/hub/login", params={"next": wanted}, data=form)
    assert answer.status_code == 302
    assert leads_to(answer) == "127.0.0.1"


# --- requests that other sites make in somebody's name ---

FORGED = {
    "no token": {},
    "from another site": {
        "Origin": f"https://{FOREIGN}",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "cors",
    },
    "a form without cors": {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"},
    "a form of a sibling": {"Sec-Fetch-Mode": "navigate", "Origin": f"https://{FOREIGN}"},
}
NOT_MADE = re.compile(r"\{\w*(run|contribution|kernel|session)\}")
"""Things that need not be there: a forged request is refused before anybody looks."""


def forged_id(case: tuple[Group, Row, Ask]) -> str:
    return f"{case[2].method}-{case[1].title}"


@pytest.mark.parametrize(("group", "row", "ask"), UNSAFE, ids=map(forged_id, UNSAFE))
def test_an_unsafe_request_with_a_cookie_alone_is_refused(
    cast: Cast, group: Group, row: Row, ask: Ask
) -> None:
    """Sent by the browser of somebody who may do it, with every cookie that they have."""
    column = next(c for c in ("viewer", "admin", "operator") if ask.cells.get(c) == ALLOWED)
    browser = cast.browsers[column]
    path = cast.filled(NOT_MADE.sub("a-b-c-d-e", ask.at), column)
    done = []
    for name, headers in FORGED.items():
        for body in ({"json": ask.body}, {"data": {"a": "b"}}):
            answer = browser.request(ask.method, path, headers=headers, **body)
            # The hub's API reads the body of a request for a token before it asks who sends it.
            unread = answer.status_code == 400 and "Invalid JSON" in answer.text
            if answer.status_code not in (401, 403, 404, 405) and not unread:
                done.append(f"{name}: {answer.status_code} {answer.text[:200]}")
    assert not done, "\n".join([f"{ask.method} {path}", *done])


# --- reaching for more ---


def test_an_admin_of_a_team_has_the_scopes_of_any_member(cast: Cast) -> None:
    def scopes(column: str) -> set[str]:
        model = cast.scripts[column].get("/hub/api/user").json()
        return {scope.replace(model["name"], "NAME") for scope in model["scopes"]}

    assert scopes("admin") == scopes("curator") == scopes("viewer")
    assert not [s for s in scopes("admin") if "!" not in s and not s.startswith("custom:")]
    assert "custom:fairihub:snapshot" not in scopes("admin")


@pytest.mark.parametrize(
    "scope",
    ["admin:users", "list:users", "admin-ui", "shares", "shares!user", "access:servers", "tokens",
     "custom:fairihub:snapshot", "custom:fairihub:audit", "access:servers!server=mara/"],
)  # fmt: skip
@pytest.mark.parametrize("column", ["viewer", "admin"])
def test_nobody_makes_a_token_that_may_more(cast: Cast, column: str, scope: str) -> None:
    login = cast.login_of(column)
    answer = cast.scripts[column].post(f"/hub/api/users/{login}/tokens", json={"scopes": [scope]})
    assert answer.status_code in (400, 403), answer.text


@pytest.mark.parametrize("scope", ["run", "read-runs", "contribute", "curate"])
def test_a_limited_token_makes_no_other_and_starts_no_server(cast: Cast, scope: str) -> None:
    script = cast.scripts[scope]
    assert script.post("/hub/api/users/ada/tokens", json={}).status_code in (403, 404)
    assert script.post("/hub/api/users/ada/server", json={}).status_code in (403, 404)
    assert script.get("/hub/api/users/ada/tokens").status_code in (403, 404)


def test_nobody_makes_themselves_an_admin(cast: Cast) -> None:
    for column in ("viewer", "admin"):
        login, script = cast.login_of(column), cast.scripts[column]
        assert script.patch(f"/hub/api/users/{login}", json={"admin": True}).status_code == 403
        assert script.get("/hub/api/user").json()["admin"] is False


def test_sharing_is_off(cast: Cast) -> None:
    """Nobody can let another into a server, operators included."""
    for column in ("viewer", "admin", "operator"):
        login = cast.login_of(column)
        for path in (f"/hub/api/shares/{login}/", f"/hub/api/share-codes/{login}/"):
            answer = cast.scripts[column].post(path, json={"user": "otto"})
            assert answer.status_code in (403, 404), f"{column}: {answer.text[:200]}"


def test_what_is_asked_of_a_server_from_outside_stays_outside(cast: Cast) -> None:
    """An image, a command, a size: by POST, by PUT, by PATCH, and in what is saved."""
    script = cast.scripts["curator"]
    server = "/hub/api/users/curt/server"
    for method in ("PUT", "PATCH", "POST"):
        for extra in ({"image": "evil"}, {"cmd": ["sh"]}, {"mem_limit": 1}, {"profile": "x.y"}):
            body = {"user_options": {"profile": "small", **extra}}
            answer = script.request(method, server, json=body)
            assert answer.status_code < 500, answer.text
            saved = script.post(server, json={})
            assert saved.status_code >= 400 or saved.status_code in (201, 202)
            if saved.is_success:
                options = script.get(server).json().get("user_options")
                assert options == {"profile": "rivers.small"}, f"{method} {extra}"
                cast.hub.stop_server("curt")
