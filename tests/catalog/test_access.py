"""The door of the catalogue behind a real hub: tokens, scopes, forged requests, operators."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from fairihub_catalog.operations import ROUTES
from fairihub_core.scopes import CONTRIBUTE, CURATE, READ_RUNS, RUN
from tests.catalog.helpers import notebook, put, submission
from tests.catalog.running import running_hub
from tests.support.waiting import eventually

DOOR = "access:services!service=catalog"
CID = "0" * 32


def path_of(pattern):
    """An address that the pattern fits, of things that are not there."""
    return pattern.replace("([^/]{1,200})", "uc1.none").replace("([0-9a-f]{32})", CID)


OPERATIONS = [
    (method, path_of(route.pattern), operation.needs)
    for route in ROUTES
    for method, operation in route.operations.items()
]
UNSAFE = [(method, f"api/{path}") for method, path, _ in OPERATIONS if method != "GET"]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with running_hub(tmp_path_factory.mktemp("door")) as running:
        put(running.places.library("uc1") / "ours.ipynb", notebook("Ours"))
        put(running.places.library() / "start.ipynb", notebook("Start"))
        client = running.client("ada")
        assert eventually(lambda: client.get("notebooks").json()["total"] == 2), running.log()
        yield running


@pytest.mark.parametrize(
    ("scopes", "holds"),
    [
        ([], []),
        ([CONTRIBUTE], [CONTRIBUTE]),
        ([CURATE], [CURATE, CONTRIBUTE]),
        ([RUN, READ_RUNS], []),
        ([f"{CONTRIBUTE}!user"], [CONTRIBUTE]),
        ([f"{CURATE}!service=headless"], []),
    ],
)
def test_a_token_does_what_its_scopes_say_and_nothing_else(hub, scopes, holds):
    client = hub.client("cura", scopes=[DOOR, *scopes])
    for method, path, needs in OPERATIONS:
        answer = client.request(method, path, content=b"{}" if method == "POST" else None)
        code = answer.json().get("code")
        if needs is None or needs in holds:
            assert code != "no-scope", (method, path, answer.text)
            assert answer.status_code in (200, 400, 404), (method, path, answer.text)
        else:
            assert (answer.status_code, code) == (403, "no-scope"), (method, path)
            assert needs in answer.json()["message"]


def test_a_token_for_something_else_does_not_open_the_door(hub):
    for scopes in ([CONTRIBUTE], ["access:services!service=headless", CONTRIBUTE]):
        headers = {"Authorization": f"token {hub.token('ada', scopes=scopes)}"}
        for path in ("api/me", "", "nothing"):
            answer = httpx.get(f"{hub.catalog}{path}", headers=headers)
            assert answer.status_code == 403, path
            assert DOOR in answer.text


def test_a_token_in_every_form(hub):
    token = hub.token("ada")
    for form in ("token {}", "Bearer {}", "Token {}", "bearer {}", "TOKEN   {}"):
        answer = httpx.get(f"{hub.catalog}api/me", headers={"Authorization": form.format(token)})
        assert answer.status_code == 200, form
    for form in ("Basic {}", "{}", "Bearer", "token{}", "Bearer x{}"):
        wrong = {"Authorization": form.format(token)}
        answer = httpx.get(f"{hub.catalog}api/me", headers=wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "signed-out"), form
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert httpx.get(f"{hub.catalog}api/me", params={"token": token}).status_code == 401


@pytest.fixture(scope="module")
def browser(hub):
    browser = hub.browser("ada")
    assert browser.get("/services/catalog/").status_code == 200
    return browser


@pytest.mark.parametrize(("method", "path"), [*UNSAFE, ("POST", "nothing")])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"},
        {"X-XSRFToken": "wrong"},
    ],
)
def test_a_forged_request_is_refused(browser, method, path, headers):
    body = b"_xsrf=wrong"
    answer = browser.request(method, f"/services/catalog/{path}", headers=headers, content=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "xsrf")


@pytest.mark.parametrize("path", ["", "api/me", "api/notebooks/uc1.ours/content"])
@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_other_sites_read_nothing(browser, path, mode):
    headers = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Site": "cross-site"}
    answer = browser.get(f"/services/catalog/{path}", headers=headers)
    assert answer.status_code == 403
    assert "The page is out of date" in answer.text
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("query", ["", "?state=x&code=x", "?error=canary&error_description=canary"])
def test_a_sign_in_that_was_not_completed_is_told_in_words(hub, query):
    answer = httpx.get(f"{hub.catalog}oauth_callback{query}")
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "The sign-in was not completed" in answer.text
    assert "canary" not in answer.text


def test_a_browser_may_do_what_its_member_may(browser):
    cookies = [c for c in browser.cookies.jar if c.name == "_xsrf"]
    headers = {"X-XSRFToken": max(cookies, key=lambda c: len(c.path)).value}
    for method, path in UNSAFE:
        answer = browser.request(method, f"/services/catalog/{path}", headers=headers)
        assert answer.json()["code"] in ("bad-request", "unknown-contribution"), path


def test_an_operator_without_a_team_sees_what_is_public_and_decides_nothing(hub):
    olga = hub.client("olga")
    assert olga.get("me").json()["teams"] == []
    assert [n["id"] for n in olga.get("notebooks").json()["notebooks"]] == ["public.start"]
    assert olga.get("notebooks/uc1.ours").json()["code"] == "no-such-notebook"
    assert olga.get("contributions").json() == {"contributions": []}
    assert olga.get("contributions?team=uc1").json()["code"] == "not-curator"
    sent = hub.client("ada").post("contributions", content=submission(notebook("For uc1")))
    for step in ("", "/preview"):
        assert olga.get(f"contributions/{sent.json()['cid']}{step}").status_code == 404
    for step in ("publish", "decline", "withdraw"):
        path = f"contributions/{sent.json()['cid']}/{step}"
        assert olga.post(path, json={"reason": "x"} if step == "decline" else {}).status_code == 404
    refused = olga.post("contributions", content=submission(notebook()))
    assert refused.json()["code"] == "not-your-team"
    assert refused.json()["message"] == "“uc1” is none of your teams, and you have none."
    page = hub.browser("olga").get("/services/catalog/")
    assert "Start" in page.text
    assert "Ours" not in page.text


def test_what_is_there_looks_like_what_is_not_to_others(hub):
    sent = hub.client("ada").post("contributions", content=submission(notebook("Secret of uc1")))
    cid, bob = sent.json()["cid"], hub.client("bob")
    for method, path, _ in OPERATIONS:
        things = {"uc1.none": "uc1.ours", CID: cid}
        there = path
        for unknown, known in things.items():
            there = there.replace(unknown, known)
        if there == path:
            continue
        body = {"json": {"reason": "x"}} if path.endswith("decline") else {}
        answers = [bob.request(method, p, **body) for p in (there, path)]
        assert {a.status_code for a in answers} == {404}, path
        texts = [re.sub(r"uc1\.\w+", "", a.text) for a in answers]
        assert texts[0] == texts[1], path
        assert "Secret" not in texts[0]


def test_decisions_reach_the_audit_log_of_the_hub(hub):
    sent = hub.client("ada").post("contributions", content=submission(notebook("Audited"))).json()
    path = f"contributions/{sent['cid']}/decline"
    assert hub.client("cura").post(path, json={"reason": "No data."}).status_code == 200
    log = hub.folder / "audit.jsonl"
    assert eventually(lambda: log.exists() and sent["cid"] in log.read_text()), hub.log()
    told = [json.loads(line) for line in log.read_text().splitlines() if sent["cid"] in line]
    wanted = {"action": "contribution-declined", "login": "ada", "by": "cura", "team": "uc1"}
    assert [{k: entry[k] for k in wanted} for entry in told] == [wanted]
    assert "No data" not in log.read_text()
