"""The hub's own API: who is answered what, by cookie and by token, on a real hub."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from fairihub_auth.accounts import Accounts, Who, who_is
from fairihub_auth.audit_access import wanted
from fairihub_auth.standing import standing_of
from fairihub_auth.store import AuthStore
from fairihub_core import clock
from fairihub_core.audit import Entry
from fairihub_core.audit_report import AuditReporter
from fairihub_core.errors import FairihubError
from fairihub_core.hub_callers import Caller
from fairihub_core.people import People, Person
from fairihub_core.teams import Member, Team, TeamDirectory
from tests.auth.conftest import Browser, Hub, customer_text
from tests.auth.test_removal import server_of, server_token, start_server, tokens_of
from tests.support import duty_hub

NOW = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
TODAY = NOW.date()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """uc4 of ada (admin) and bob, uc5 of eve (admin) and fay; olga operates the hub.

    Fay has an account that is pinned, and everybody has signed in once.
    """
    hub = Hub(tmp_path_factory.mktemp("hub"), "github", duty_hub.CONFIG)
    hub.tokens |= {"cli": "0123456789abcdef", "reporter": "fedcba9876543210"}
    hub.operators = "olga"
    hub.teams.mkdir()
    (hub.teams / "uc4.yaml").write_text(customer_text("uc4", "ada", "bob"))
    (hub.teams / "uc5.yaml").write_text(customer_text("uc5", "eve", "fay"))
    store = AuthStore.in_folder(hub.data)
    store.put("github", Person(name="fay", id="7", logins=("fay", "fay-renamed")))
    store.close()
    try:
        hub.start()
        for login in ("ada", "bob", "eve", "fay", "olga"):
            hub.signed_in(login)
        yield hub
    finally:
        hub.stop()


def ask(
    hub: Hub, path: str, by: str | None, method: str = "GET", **more: Any
) -> tuple[int, dict[str, Any]]:
    """By a person's token without limits, or a service's."""
    token = hub.tokens.get(by) or hub.user_token(by) if by else None
    answer = hub.api(f"/fairihub/{path}", token, method, **more)
    return answer.status_code, answer.json() if answer.content else {}


def limited_token(hub: Hub, login: str, *scopes: str) -> str:
    path, body = f"/users/{login}/tokens", {"scopes": list(scopes)}
    return str(hub.api(path, hub.user_token(login), "POST", json=body).json()["token"])


# --- standing ---


def test_nobody_is_told_to_sign_in(hub: Hub) -> None:
    answer = hub.api("/fairihub/standing", None)
    assert (answer.status_code, answer.json()["code"]) == (401, "signed-out")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("scheme", ["token", "Bearer", "Token"])
def test_who_is_in_stands_well(scheme: str, hub: Hub) -> None:
    told = {"login": "bob", "admitted": True, "code": None, "message": None, "server_ends": None}
    headers = {"Authorization": f"{scheme} {limited_token(hub, 'bob', 'custom:fairihub:run')}"}
    answer = httpx.get(f"{hub.url}/hub/api/fairihub/standing", headers=headers)
    assert (answer.status_code, answer.json()) == (200, told)


def test_a_page_of_a_members_server_may_ask(hub: Hub) -> None:
    bob = hub.signed_in("bob")
    headers = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    assert bob.get("/hub/api/fairihub/standing", headers=headers).json()["login"] == "bob"
    headers["Origin"] = "https://evil.example"
    answer = bob.get("/hub/api/fairihub/standing", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "xsrf")


def test_a_service_is_nobody_who_stands(hub: Hub) -> None:
    status, told = ask(hub, "standing", "cli")
    assert (status, told["code"]) == (403, "not-a-person")


DIRECTORY = TeamDirectory(
    teams=(Team(name="uc4", namespace="uc4", members=(Member(login="ada"),)),),
    operators=frozenset({"olga"}),
)


@pytest.mark.parametrize(
    ("login", "more", "admitted", "code"),
    [
        ("ada", {}, True, None),
        ("olga", {}, True, None),
        ("eve", {}, False, "no-team"),
        ("eve", {"stays_out": True}, False, "no-team"),
        ("ada", {"stays_out": True}, False, "signed-out"),
        ("ada", {"server_ends": NOW}, True, None),
    ],
)
def test_standing(login: str, more: dict[str, Any], admitted: bool, code: str | None) -> None:
    told = standing_of(login, DIRECTORY, TODAY, **more)
    assert (told.admitted, told.code) == (admitted, code)
    assert told.server_ends == more.get("server_ends")
    assert bool(told.message) == (code is not None or "server_ends" in more)


# --- why ---

CASES = [
    # by, login, team, status, what is said, whether there is a place
    ("olga", "bob", None, 200, "comes in", True),
    ("olga", "bob", "uc5", 200, "“uc5” does not let “bob” in, but", True),
    ("olga", "mallory", None, 200, "No team lists “mallory”", None),
    ("olga", "fay", None, 200, "This hub knows “fay” as account 7.", True),
    ("olga", "fay-renamed", None, 200, "“fay-renamed” is “fay” on this hub (account 7)", True),
    ("eve", "fay-renamed", None, 200, "“fay-renamed” is “fay” on this hub (account 7)", True),
    ("cli", "bob", None, 200, "comes in", True),
    ("ada", "bob", None, 200, "comes in", True),
    ("ada", "bob", "uc4", 200, "“uc4” lets “bob” in.", True),
    ("ada", "eve", None, 200, "None of your teams lists “eve”", None),
    ("ada", "eve", "uc5", 200, "None of your teams is called “uc5”.", False),
    ("ada", "fay-renamed", None, 200, "None of your teams lists “fay-renamed”", None),
    ("ada", "ada", None, 200, "comes in", True),
    ("bob", "bob", None, 200, "comes in", False),
    ("bob", None, None, 200, "comes in", False),
    ("bob", "BOB ", None, 200, "comes in", False),
    ("bob", "bob", "uc5", 200, "“uc5” does not let “bob” in, but", False),
    ("bob", "ada", None, 403, "not-yours", None),
    ("bob", "ada", "uc4", 403, "not-yours", None),
    ("reporter", "bob", None, 403, "not-a-person", None),
    ("operator", "bob", None, 403, "not-a-person", None),
    (None, "bob", None, 401, "signed-out", None),
]


@pytest.mark.parametrize(("by", "login", "team", "status", "said", "place"), CASES)
def test_why(
    by: str | None,
    login: str | None,
    team: str | None,
    status: int,
    said: str,
    place: bool | None,
    hub: Hub,
) -> None:
    query = {name: value for name, value in (("login", login), ("team", team)) if value}
    found, told = ask(hub, "why", by, params=query)
    assert found == status, told
    if status != 200:
        assert told["code"] == said
        return
    assert said in told["said"]
    if place is None:
        assert told["grounds"] == []
    else:
        assert [g["place"] is not None for g in told["grounds"]] == [place]
    if login == "fay-renamed" and by == "olga":
        assert "Listed as user" in told["grounds"][0]["said"], "by the login that the file has"
    if by in ("ada", "bob"):
        foreign = [g for g in told["grounds"] if g["team"] == "uc5"]
        there = "There is no team" if by == login else "None of your teams is called"
        assert all(g["said"] == f"{there} “uc5”." for g in foreign)


def test_who_was_removed_is_told_when_to_the_teams_admin(hub: Hub) -> None:
    file = hub.teams / "uc7.yaml"

    def grounds(by: str, login: str) -> list[str]:
        return [g["said"] for g in ask(hub, "why", by, params={"login": login})[1]["grounds"]]

    file.write_text(customer_text("uc7", "ada", "gus"))
    hub.eventually(lambda: grounds("ada", "gus") == ["Listed as user."])
    file.write_text(customer_text("uc7", "ada", "ida"))
    hub.eventually(lambda: any("Removed from uc7 on 20" in said for said in grounds("ada", "gus")))
    (said,) = grounds("cli", "gus")
    assert said.endswith(f" UTC: Listed no more. {file}")
    assert grounds("eve", "gus") == []
    file.unlink()
    hub.eventually(lambda: any("The team is gone." in said for said in grounds("cli", "ida")))


# --- the audit log ---


def test_entries_come_newest_first_and_are_filtered(hub: Hub) -> None:
    hub.signed_in("bob")
    hub.eventually(
        lambda: (
            ask(hub, "audit", "olga", params={"action": "signed-in"})[1]["entries"][0]["login"]
            == "bob"
        )
    )
    status, told = ask(hub, "audit", "cli", params={"limit": "1000"})
    entries = [Entry.model_validate(entry) for entry in told["entries"]]
    assert status == 200
    assert {"signed-in", "token-made"} <= {e.action for e in entries}
    assert [e.at for e in entries] == sorted((e.at for e in entries), reverse=True)
    _, told = ask(hub, "audit", "cli", params={"login": "bob", "action": "signed-in"})
    assert {(e["login"], e["action"]) for e in told["entries"]} == {("bob", "signed-in")}
    _, told = ask(hub, "audit", "cli", params={"limit": "2"})
    assert len(told["entries"]) == 2
    later = (clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    assert ask(hub, "audit", "cli", params={"since": later})[1] == {"entries": []}


def report(hub: Hub, by: str | None, *entries: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return ask(hub, "audit", by, "POST", json={"entries": list(entries)})


def dismissed(team: str, **more: Any) -> dict[str, Any]:
    told = {"at": clock.now().isoformat(), "action": "run-dismissed", "login": "bob", "by": "ada"}
    return {**told, "team": team, **more}


def test_an_admin_sees_what_concerns_their_teams(hub: Hub) -> None:
    assert report(hub, "reporter", dismissed("uc4"), dismissed("uc5"), dismissed("")) == (204, {})
    hub.eventually(lambda: len(seen(hub, "olga")) == 3)
    assert seen(hub, "olga") == {"uc4", "uc5", ""}
    assert seen(hub, "ada") == {"uc4"}
    assert seen(hub, "eve", team="uc5") == {"uc5"}
    assert seen(hub, "olga", team="uc5") == {"uc5"}


def test_a_token_names_who_made_it_however_many_do_at_once(hub: Hub) -> None:
    tokens = {by: hub.user_token(by) for by in ("olga", "bob")}
    tokens["operator"] = hub.tokens["operator"]
    asked = [(f"{by} {n}", tokens[by]) for n in range(10) for by in tokens]

    def make(note: str, token: str) -> None:
        answer = hub.api("/users/bob/tokens", token, "POST", json={"note": note})
        assert answer.status_code == 201, answer.text

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: make(*each), asked))
    made = {note: note.split()[0] for note, _ in asked}
    hub.eventually(lambda: made.items() <= makers(hub).items())


def makers(hub: Hub) -> dict[str, str]:
    """Who made a token, by its note."""
    told = [e for e in hub.audit() if e["action"] == "token-made" and e["login"] == "bob"]
    return {e["detail"].partition("“")[2].rstrip("”"): e["by"] for e in told}


def seen(hub: Hub, by: str, **query: str) -> set[str]:
    params = {"action": "run-dismissed", "limit": "3", **query}
    status, told = ask(hub, "audit", by, params=params)
    assert status == 200, told
    return {entry["team"] for entry in told["entries"]}


def test_what_a_service_reports_reaches_the_log(hub: Hub) -> None:
    url = f"{hub.url}/hub/api/fairihub/audit"
    reporter = AuditReporter(url, hub.tokens["reporter"])
    told = Entry(at=NOW, action="contribution-published", login="bob", by="ada", team="uc4")
    reporter.record(told)
    assert reporter.close()
    query = {"action": "contribution-published"}
    hub.eventually(lambda: ask(hub, "audit", "ada", params=query)[1]["entries"] != [])
    (found,) = ask(hub, "audit", "ada", params=query)[1]["entries"]
    assert Entry.model_validate(found) == told
    assert found in hub.audit()


@pytest.mark.parametrize(
    ("by", "query", "status", "code"),
    [
        (None, {}, 401, "signed-out"),
        ("bob", {}, 403, "admins-only"),
        ("reporter", {}, 403, "not-a-person"),
        ("ada", {"team": "uc5"}, 404, "no-such-team"),
        ("ada", {"team": "nothing"}, 404, "no-such-team"),
        ("olga", {"limit": "1001"}, 400, "bad-query"),
        ("olga", {"limit": "0"}, 400, "bad-query"),
        ("olga", {"limit": "-1"}, 400, "bad-query"),
        ("olga", {"limit": "٣"}, 400, "bad-query"),
        ("olga", {"limit": ""}, 400, "bad-query"),
        ("olga", {"since": "yesterday"}, 400, "bad-query"),
        ("olga", {"since": "0001-01-01T00:00:00+14:00"}, 400, "bad-query"),
        ("olga", {"action": "signed-In"}, 400, "bad-query"),
        ("olga", {"login": "x" * 201}, 400, "bad-query"),
        ("olga", {"login": ["a", "b"]}, 400, "bad-query"),
        ("olga", {"nothing": "1"}, 400, "unknown-parameter"),
        ("olga", {"x" * 3000: "1"}, 400, "unknown-parameter"),
    ],
)
def test_what_is_no_question(
    by: str | None, query: dict[str, Any], status: int, code: str, hub: Hub
) -> None:
    found, told = ask(hub, "audit", by, params=query)
    assert (found, told["code"]) == (status, code)
    assert len(told["message"]) < 500


def test_bytes_that_are_no_text_are_no_question(hub: Hub) -> None:
    answer = hub.api("/fairihub/why?login=%ff", hub.user_token("olga"))
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-query")


def test_times_may_be_written_in_several_ways() -> None:
    operator = Caller("cli", is_service=True)
    for text in ("2026-05-04T12:00:00Z", "2026-05-04T12:00", "2026-05-04T14:00:00+02:00"):
        assert wanted(operator, {"since": text}, DIRECTORY, TODAY).since == NOW


@pytest.mark.parametrize(
    ("by", "body", "status", "code"),
    [
        ("olga", {"entries": []}, 403, "no-scope"),
        ("ada", {"entries": []}, 403, "no-scope"),
        ("cli", {"entries": []}, 403, "no-scope"),
        (None, {"entries": []}, 401, "signed-out"),
        ("reporter", {"entries": [dismissed("uc4", action="signed-in")]}, 400, "bad-request"),
        ("reporter", {"entries": [dismissed("uc4", action="nothing")]}, 400, "bad-request"),
        ("reporter", {"entries": [dismissed("uc4", secret="x")]}, 400, "bad-request"),
        ("reporter", {"entries": [dismissed("uc4")] * 201}, 400, "bad-request"),
        ("reporter", {"entries": [dismissed("uc4", code="a\nb")]}, 400, "bad-request"),
        ("reporter", [], 400, "bad-request"),
        ("reporter", {"entries": [dismissed("x" * 600_000)]}, 413, "too-large"),
    ],
)
def test_what_is_no_report(by: str | None, body: Any, status: int, code: str, hub: Hub) -> None:
    found, told = ask(hub, "audit", by, "POST", json=body)
    assert (found, told["code"]) == (status, code)


def test_a_report_that_is_no_json(hub: Hub) -> None:
    for content in (b"", b"{", b"\xff", b"[" * 200_000):
        found, told = ask(hub, "audit", "reporter", "POST", content=content)
        assert (found, told["code"]) == (400, "bad-json")


# --- accounts ---


@pytest.mark.parametrize(
    ("by", "login", "status", "answer"),
    [
        ("cli", "fay", 200, {"login": "fay", "signed_in": True}),
        ("olga", "FAY-renamed", 200, {"login": "fay", "signed_in": True}),
        ("cli", "nobody", 200, {"login": "nobody", "signed_in": False}),
        (None, "fay", 401, "signed-out"),
        ("fay", "fay", 403, "operators-only"),
        ("eve", "fay", 403, "operators-only"),
        ("reporter", "fay", 403, "not-a-person"),
    ],
)
def test_who_a_login_is_on_this_hub(
    by: str | None, login: str, status: int, answer: Any, hub: Hub
) -> None:
    found, told = ask(hub, f"people/{login}", by)
    assert (found, told if status == 200 else told["code"]) == (status, answer)


def test_where_names_are_the_identity_everybody_is_known() -> None:
    assert who_is("ada", Accounts()) == Who(login="ada", signed_in=True)
    accounts = Accounts("github", bearer={"countess": "ada"}.get)
    assert who_is("countess", accounts) == Who(login="countess", signed_in=False)
    people = People(persons=(Person(name="ada", id="1", logins=("ada",)),))
    accounts = Accounts("github", people, bearer={"countess": "ada"}.get)
    assert who_is("countess", accounts) == Who(login="ada", signed_in=True)


@pytest.mark.parametrize(
    ("by", "login", "status", "code"),
    [
        (None, "fay", 401, "signed-out"),
        ("ada", "fay", 403, "operators-only"),
        ("eve", "fay", 403, "operators-only"),
        ("reporter", "fay", 403, "not-a-person"),
        ("olga", "nobody", 404, "no-such-person"),
        ("cli", "bob", 404, "no-such-person"),
    ],
)
def test_who_forgets_no_account(
    by: str | None, login: str, status: int, code: str, hub: Hub
) -> None:
    found, told = ask(hub, f"people/{login}", by, "DELETE")
    assert (found, told["code"]) == (status, code)


def test_an_account_is_forgotten_with_its_sessions_and_its_server(hub: Hub) -> None:
    fay, token = hub.signed_in("fay"), hub.user_token("fay")
    start_server(hub, "fay")
    of_server = server_token(hub, "fay")
    status, told = ask(hub, "people/fay-renamed", "olga", "DELETE")
    assert (status, told["login"], told["account"], told["waiting"]) == (200, "fay", "7", [])
    assert "“fay” is pinned to account 7 no more" in told["said"]
    assert not server_of(hub, "fay"), "before anybody else can have the name"
    assert tokens_of(hub, "fay") == []
    assert hub.api("/fairihub/standing", of_server).status_code == 401
    assert ask(hub, "people/fay", "olga", "DELETE")[0] == 404
    assert not fay.is_in()
    assert hub.api("/user", token).status_code == 403
    hub.eventually(
        lambda: (
            ("fay", "olga", "Account 7.")
            in [
                (e["login"], e["by"], e["detail"])
                for e in hub.audit()
                if e["action"] == "pin-removed"
            ]
        )
    )
    assert hub.signed_in("fay").is_in()


# --- JupyterHub's own page for operators: what it changes of people and groups decides nothing ---


def test_a_group_that_an_operator_deletes_or_fills_changes_nobodys_access(hub: Hub) -> None:
    bob, eve, olga = hub.signed_in("bob"), hub.signed_in("eve"), hub.user_token("olga")
    before = hub.snapshot().json()["number"]
    assert hub.api("/groups/uc5/users", olga, "POST", json={"users": ["bob"]}).status_code == 200
    assert hub.api("/groups/uc4", olga, "DELETE").status_code == 204
    assert bob.is_in()
    assert ask(hub, "standing", "bob")[1]["admitted"]
    assert ask(hub, "why", "eve", params={"login": "bob"})[1]["admitted"] is False
    assert ask(hub, "teams/uc4/servers", "eve")[0] == 404
    bobs = lambda: hub.api("/users/bob", olga).json()["groups"]  # noqa: E731
    hub.eventually(lambda: bob.is_in() and bobs() == ["uc4"])
    assert eve.is_in()
    assert hub.snapshot().json()["number"] == before, "no team has changed"


def test_a_user_whom_an_operator_adds_comes_in_no_more_than_before(hub: Hub) -> None:
    olga = hub.user_token("olga")
    assert hub.api("/users/mallory", olga, "POST").status_code == 201
    assert hub.api("/groups/uc4/users", olga, "POST", json={"users": ["mallory"]}).is_success
    token = hub.api("/users/mallory/tokens", olga, "POST", json={}).json()["token"]
    assert hub.api("/user", token).status_code == 403
    refused = hub.browser().open_link(hub.link("mallory"))
    assert refused.status_code == 403
    assert "mallory" not in hub.snapshot().text


def test_an_operator_neither_renames_nor_promotes_anybody(hub: Hub) -> None:
    olga, bob = hub.user_token("olga"), hub.signed_in("bob")
    for change in ({"name": "eve2"}, {"admin": True}, {"name": "bob", "admin": True},
                   {"groups": ["uc5"]}, {"auth_state": {"x": 1}}):  # fmt: skip
        answer = hub.api("/users/bob", olga, "PATCH", json=change)
        assert (answer.status_code, answer.json()["code"]) == (403, "decided-elsewhere")
    for change in ({}, {"name": "bob"}, {"name": "bob", "admin": False}):
        answer = hub.api("/users/bob", olga, "PATCH", json=change)
        assert (answer.status_code, answer.json()["name"]) == (200, "bob")
        assert answer.json()["admin"] is False
    assert bob.is_in()
    assert "bob" in [user["name"] for user in hub.api("/users", olga).json()]
    assert hub.api("/users/nobody", olga, "PATCH", json={}).status_code == 404
    assert hub.api("/users/bob", olga, "PATCH", json=[]).json()["code"] == "bad-request"
    assert hub.api("/users/eve", hub.user_token("bob"), "PATCH", json={}).status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("", {"usernames": ["ned", "nell"], "admin": True}, 403, "decided-elsewhere"),
        ("", {"usernames": ["ned", "n" * 3000]}, 400, "bad-request"),
        ("", {"usernames": ["ned", 7]}, 400, "bad-request"),
        ("", {"usernames": "ned"}, 400, "bad-request"),
        ("", [], 400, "bad-request"),
        ("/ned", {"admin": True}, 403, "decided-elsewhere"),
        ("/ned", {"admin": 1}, 403, "decided-elsewhere"),
        ("/" + "n" * 300, {}, 400, "bad-request"),
        ("/n%20d", {}, 400, "bad-request"),
        ("/d%C3%B6rte", None, 400, "bad-request"),
    ],
)
def test_an_operator_adds_no_admins_and_nobody_whom_no_sign_in_could_bring(
    path: str, body: Any, status: int, code: str, hub: Hub
) -> None:
    olga = hub.user_token("olga")
    answer = hub.api(f"/users{path}", olga, "POST", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert hub.api("/users/ned", olga).status_code == 404
    member = hub.api(f"/users{path}", hub.user_token("bob"), "POST", json=body)
    assert member.status_code == 403
    assert "code" not in member.json()


def test_an_operator_adds_users_by_their_logins(hub: Hub) -> None:
    olga = hub.user_token("olga")
    added = hub.api("/users", olga, "POST", json={"usernames": ["Nora", "nick"], "admin": False})
    assert (added.status_code, [u["name"] for u in added.json()]) == (201, ["nora", "nick"])
    added = hub.api("/users/nils", olga, "POST", json={"admin": False})
    assert (added.status_code, added.json()["admin"]) == (201, False)
    assert hub.api("/users/nils", olga, "POST", json={}).status_code == 409


@pytest.mark.parametrize("number", ["4" * 4000, "4444", "4"])
def test_a_number_that_is_no_status_has_no_page(number: str, hub: Hub) -> None:
    assert httpx.get(f"{hub.url}/hub/error/{number}").status_code == 404
    assert httpx.get(f"{hub.url}/hub/error/503").status_code == 200


# --- at every door ---

UNSAFE = [
    ("POST", "audit"),
    ("DELETE", "people/fay"),
    ("DELETE", "teams/uc4/servers/bob"),
]
READING = ["why", "audit", "teams/uc4/servers"]


def xsrf(browser: Browser) -> dict[str, str]:
    return {"X-XSRFToken": browser.xsrf()}


@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_a_forged_request_is_refused(method: str, path: str, hub: Hub) -> None:
    olga = hub.signed_in("olga")
    right = xsrf(olga)
    forged: list[dict[str, str]] = [
        {},
        {"X-XSRFToken": "wrong"},
        {"Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site", "Origin": "https://e.example"},
        {**right, "Origin": "https://evil.example"},
        {**right, "Origin": "null"},
        {**right, "Origin": f"{hub.url}.evil.example"},
    ]
    for headers in forged:
        answer = olga.request(method, f"/hub/api/fairihub/{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "xsrf"), headers
    answer = olga.request(method, f"/hub/api/fairihub/{path}", headers={**right, "Origin": hub.url})
    assert answer.json().get("code") != "xsrf"


ELSEWHERE = ["https://evil.example", "null", "http://[", "{url}.evil.example"]


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_what_a_page_of_another_site_asks_of_jupyterhub_is_refused_too(
    origin: str, hub: Hub
) -> None:
    olga = hub.signed_in("olga")
    headers = {**xsrf(olga), "Origin": origin.format(url=hub.url)}
    for method, path in (
        ("POST", "users/bob/tokens"),
        ("DELETE", "users/eve/server"),
        ("DELETE", "users/fay"),
        ("PATCH", "users/bob"),
        ("POST", "groups/uc4/users"),
        ("POST", "shutdown"),
    ):
        answer = olga.request(method, f"/hub/api/{path}", headers=headers, json={})
        assert answer.status_code == 403, path
        assert "out of date" in answer.json()["message"]
    assert olga.post("/hub/spawn", headers=headers).status_code == 403
    stranger, form = hub.browser(), {"link": hub.link("bob")}
    form["_xsrf"] = stranger.xsrf()
    assert stranger.post("/hub/login", data=form, headers=headers).status_code == 403
    assert stranger.post("/hub/login", data=form, headers={"Origin": hub.url}).status_code == 302


def test_our_own_pages_and_scripts_are_heard_by_jupyterhub(hub: Hub) -> None:
    bob, body = hub.signed_in("bob"), {"expires_in": 60}
    own = {**xsrf(bob), "Origin": hub.url}
    assert bob.post("/hub/api/users/bob/tokens", headers=own, json=body).status_code == 201
    known = {**xsrf(bob), "Origin": "https://known.example"}
    assert bob.post("/hub/api/users/bob/tokens", headers=known, json=body).status_code == 201
    script = {"Authorization": f"token {hub.user_token('bob')}", "Origin": "https://e.example"}
    answer = hub.api("/users/bob/tokens", None, "POST", headers=script, json=body)
    assert answer.status_code == 201


@pytest.mark.parametrize("path", READING)
def test_a_session_reads_with_the_value_of_its_page(path: str, hub: Hub) -> None:
    olga = hub.signed_in("olga")
    fetch = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    assert olga.get(f"/hub/api/fairihub/{path}", headers=fetch).json()["code"] == "xsrf"
    answer = olga.get(f"/hub/api/fairihub/{path}", headers={**fetch, **xsrf(olga)})
    assert answer.status_code == 200


@pytest.mark.parametrize(("method", "path"), [*(("GET", path) for path in READING), *UNSAFE[1:]])
@pytest.mark.parametrize("login", ["olga", "ada"])
def test_a_limited_token_opens_none_of_it(method: str, path: str, login: str, hub: Hub) -> None:
    for scopes in (["custom:fairihub:run", "custom:fairihub:curate"], ["read:users!user"]):
        answer = hub.api(f"/fairihub/{path}", limited_token(hub, login, *scopes), method)
        assert (answer.status_code, answer.json()["code"]) == (403, "no-scope")
    if method == "GET":
        answer = hub.api(f"/fairihub/{path}", limited_token(hub, login, answer.json()["scope"]))
        assert answer.status_code == 200


def test_a_limited_token_decides_before_what_its_owner_may() -> None:
    with pytest.raises(FairihubError) as error:
        wanted(Caller("ada"), {}, DIRECTORY, TODAY)
    assert error.value.code == "no-scope"


# --- of strangers, no more than a little is held ---


@pytest.mark.parametrize("path", ["/hub/login", "/hub/api/fairihub/audit", "/hub/none-such"])
@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_body_that_is_too_long_is_read_to_its_end_and_refused(
    path: str, in_pieces: bool, hub: Hub
) -> None:
    pieces = [b"x" * 2**20] * 10
    content = iter(pieces) if in_pieces else b"".join(pieces)
    answer = httpx.post(f"{hub.url}{path}", content=content, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert f"413 POST {path}" in hub.log()


@pytest.mark.parametrize(("size", "expect"), [(200 * 2**20, ""), (5 * 2**20, "100-continue")])
def test_nobody_reads_what_is_far_too_long_or_not_sent_yet(
    size: int, expect: str, hub: Hub
) -> None:
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as line:
        line.sendall(head("/hub/login", size, f"Expect: {expect}\r\n" if expect else ""))
        assert line.recv(1000).startswith(b"HTTP/1.1 413 ")
        assert line.recv(1000) == b""


def test_one_that_does_not_come_is_waited_for_no_longer(hub: Hub) -> None:
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as line:
        line.sendall(head("/hub/api/users", 2**20) + b"x" * 1000)
        assert line.recv(1000) == b""


def head(path: str, length: int, more: str = "") -> bytes:
    line = f"POST {path} HTTP/1.1\r\nHost: hub\r\n"
    return f"{line}{more}Content-Length: {length}\r\n\r\n".encode()
