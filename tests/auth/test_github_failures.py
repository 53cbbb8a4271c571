"""What becomes of a sign-in when GitHub fails, and when somebody meddles with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.fake_github import AUTHORIZE, TOKEN, USER, Answer, FakeGitHub

Hub = Any
Customer = Callable[..., str]
CANARY = "canary-4711"
PLACES = pytest.mark.parametrize("path", [TOKEN, USER], ids=["token", "user"])


@pytest.fixture(scope="module")
def hub(github_hub: Callable[..., Hub], customer: Customer, github: FakeGitHub) -> Hub:
    """Team uc4 of ada and bob."""
    github.joins(1, "ada")
    github.joins(2, "bob")
    github.joins(3, "mallory")
    return github_hub(uc4=customer("uc4", "ada", "bob"))


@pytest.fixture(scope="module")
def inside(hub: Hub, github: FakeGitHub) -> Any:
    """Ada's browser, who signed in while all was well."""
    github.visitor, browser = "ada", hub.browser()
    assert browser.by_github().status_code == 302
    github.behave()
    return browser


@pytest.fixture(autouse=True)
def _behaves(github: FakeGitHub) -> Iterator[None]:
    github.visitor = "bob"
    yield
    github.behave()


@pytest.fixture
def is_told(hub: Hub, inside: Any, github: FakeGitHub) -> Callable[[], None]:
    """Whoever signs in now is told that GitHub is away; who is in works on; no secret is out."""

    def check() -> None:
        browser = hub.browser()
        answer = browser.by_github()
        assert (answer.status_code, browser.is_in()) == (503, False)
        assert "GitHub cannot be reached at present" in answer.text
        assert inside.is_in()
        said = answer.text + hub.log()
        for secret in (CANARY, github.client_secret, *github.tokens):
            assert secret not in said
        assert max(map(len, hub.log().splitlines())) < 1000
        assert "GitHub does not say who somebody is" in hub.log()

    return check


@PLACES
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 429, 500, 502, 503])
def test_a_status(path: str, status: int, github: FakeGitHub, is_told: Callable[[], None]) -> None:
    github.fails[path] = Answer(status, b'{"message": "' + CANARY.encode() + b'"}')
    is_told()


@PLACES
@pytest.mark.parametrize(
    "body",
    [
        b"",
        f"<!doctype html><h1>Unicorn!</h1>{CANARY}".encode(),
        b"null",
        b"[]",
        b"17",
        b'{"login": "bob", ',
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"a": ' * 100_000,
        b'{"error": "' + b"x" * 5000 + b'"}',
        b'{"error": {"x": 1}}',
        b"9" * 10_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_answer(
    path: str, body: bytes, github: FakeGitHub, is_told: Callable[[], None]
) -> None:
    github.fails[path] = Answer(200, body)
    is_told()


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": f"{CANARY}\r\nX: y"},
        {"access_token": f"{CANARY}"},
        {"token_type": "mac"},
        {"token_type": None},
        {"token_type": {}},
    ],
    ids=str,
)
def test_what_is_no_token(
    wrong: dict[str, Any], github: FakeGitHub, is_told: Callable[[], None]
) -> None:
    github.garbles[TOKEN] = lambda said: {**said, **wrong}
    is_told()


@pytest.mark.parametrize("missing", ["access_token", "token_type"])
def test_what_a_token_lacks(missing: str, github: FakeGitHub, is_told: Callable[[], None]) -> None:
    github.garbles[TOKEN] = lambda said: {k: v for k, v in said.items() if k != missing}
    is_told()


@pytest.mark.parametrize(
    "wrong",
    [
        *({"id": number} for number in ("2", True, False, None, 0, -2, 2.0, [2], {"id": 2})),
        *({"login": login} for login in (None, "", 7, ["bob"], "  ", "b\x00b", "x" * 300)),
        {"login": "x" * 900_000},
        {"login": "bob", "padding": "x" * 10_000_000},
    ],
    ids=lambda wrong: str(wrong)[:30],
)
def test_what_names_no_account(
    wrong: dict[str, Any], github: FakeGitHub, is_told: Callable[[], None]
) -> None:
    github.garbles[USER] = lambda said: {**said, **wrong}
    is_told()


@pytest.mark.parametrize("missing", ["id", "login"])
def test_what_an_account_lacks(
    missing: str, github: FakeGitHub, is_told: Callable[[], None]
) -> None:
    github.garbles[USER] = lambda said: {k: v for k, v in said.items() if k != missing}
    is_told()


@PLACES
def test_a_connection_that_ends(path: str, github: FakeGitHub, is_told: Callable[[], None]) -> None:
    github.fails[path] = Answer(0)
    is_told()


@PLACES
def test_an_answer_that_takes_too_long(
    path: str, github: FakeGitHub, is_told: Callable[[], None]
) -> None:
    github.slow.add(path)
    is_told()


@PLACES
def test_nothing_is_ever_redirected(
    path: str, github: FakeGitHub, is_told: Callable[[], None]
) -> None:
    github.fails[path] = Answer(307, headers={"Location": f"{github.url}/elsewhere"})
    is_told()
    assert "/elsewhere" not in github.asked


def test_nobody_listens(hub: Hub, inside: Any, github: FakeGitHub) -> None:
    browser = hub.browser()
    back = browser.to_github()
    github.close()
    try:
        answer = browser.get(back)
    finally:
        github.start()
    assert answer.status_code == 503
    assert inside.is_in()
    assert hub.browser().by_github().status_code == 302


def test_a_wrong_secret_of_ours_is_named_in_the_log(
    hub: Hub, github: FakeGitHub, is_told: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github, "client_secret", "another")
    is_told()
    assert "error incorrect_client_credentials" in hub.log()


def test_who_cancels_is_told_kindly(hub: Hub, github: FakeGitHub) -> None:
    github.cancels, browser = True, hub.browser()
    answer = browser.by_github()
    assert (answer.status_code, browser.is_in()) == (400, False)
    assert "You did not let GitHub tell this hub who you are" in answer.text
    github.cancels = False
    assert browser.by_github().status_code == 302


def test_no_words_of_an_address_are_repeated(hub: Hub) -> None:
    answer = hub.browser().get(
        "/hub/oauth_callback",
        params={"error": f"x\r\n{CANARY}" + "y" * 3000, "error_description": "Call " + CANARY},
    )
    assert answer.status_code == 400
    assert "did not complete the sign-in" in answer.text
    assert CANARY not in answer.text
    assert f"\n{CANARY}" not in hub.log()


def state_of(browser: Any) -> str:
    """The state that this browser is to come back with."""
    there = browser.get("/hub/oauth_login").headers["location"]
    return str(httpx.URL(there).params["state"])


def encoded(said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


@pytest.mark.parametrize(
    "state",
    [
        None,
        "",
        "x",
        "ü",
        "=" * 4,
        encoded([]),
        encoded(7),
        encoded({"state_id": None}),
        encoded({"state_id": "0" * 32}),
        encoded("canary\r\nroot signed in"),
        "x" * 20_000,
    ],
    ids=lambda state: str(state)[:12],
)
def test_only_the_state_that_was_sent_counts(state: str | None, hub: Hub) -> None:
    browser = hub.browser()
    code = httpx.URL(browser.to_github()).params["code"]
    query = {"code": code} if state is None else {"code": code, "state": state}
    answer = browser.get("/hub/oauth_callback", params=query)
    assert (answer.status_code, browser.is_in()) == (400, False)
    assert "begun in another window" in answer.text
    assert "root signed in" not in hub.log()
    assert "x" * 1000 not in hub.log()


def test_nobody_is_signed_in_as_somebody_else_by_an_address(hub: Hub, github: FakeGitHub) -> None:
    """Neither with the whole address of another's return, nor with another's code in one's own."""
    github.visitor = "ada"
    other = hub.browser().to_github()
    victim = hub.browser()
    assert victim.get(other).status_code == 400
    code = httpx.URL(hub.browser().to_github()).params["code"]
    answer = victim.get("/hub/oauth_callback", params={"code": code, "state": state_of(victim)})
    assert answer.status_code == 400
    assert "begun in another window" in answer.text
    assert not victim.is_in()


def test_a_code_opens_once(hub: Hub) -> None:
    browser = hub.browser()
    back = browser.to_github()
    cookies = dict(browser.cookies)
    assert browser.get(back).status_code == 302
    assert browser.get(back).status_code == 400
    again = hub.browser()
    again.cookies.update(cookies)  # as somebody might who had read them
    assert again.get(back).status_code == 400
    assert not again.is_in()


def test_whoever_reloads_a_denial_reads_it_again(
    hub: Hub, github: FakeGitHub, customer: Customer
) -> None:
    github.visitor, browser = "mallory", hub.browser()
    back = browser.to_github()
    first = browser.get(back)
    assert (first.status_code, "denied mallory no-team 3" in first.text) == (403, True)
    entries = len(hub.audit())
    for _ in range(2):
        again = browser.get(back)
        assert (again.status_code, again.text) == (403, first.text)
    assert len(hub.audit()) == entries, "looking again is no new refusal"
    # The address is good for nobody else, and no other address is good for this browser.
    assert hub.browser().get(back).status_code == 400
    assert browser.get("/hub/oauth_callback", params={"code": "x", "state": "y"}).status_code == 400
    # Let in meanwhile, they are led to sign in.
    number = hub.snapshot().json()["number"]
    (hub.teams / "more.yaml").write_text(customer("more", "ada", "mallory"))
    assert hub.snapshot(after=number, wait=5).status_code == 200
    led = browser.get(back)
    assert (led.status_code, led.headers["location"]) == (302, "/hub/oauth_login")
    assert browser.by_github().status_code == 302
    assert browser.is_in()
    (hub.teams / "more.yaml").unlink()
    assert hub.snapshot(after=number + 1, wait=5).status_code == 200


def test_a_reloaded_denial_names_another_person_s_account_as_before(
    hub: Hub, github: FakeGitHub, inside: Any
) -> None:
    github.rename(1, "lovelace")
    github.joins(101, "ada")
    github.visitor, browser = "ada", hub.browser()
    back = browser.to_github()
    assert "denied ada another-person 101" in browser.get(back).text
    assert "denied ada another-person 101" in browser.get(back).text
    github.accounts.pop(101, None)
    github.rename(1, "ada")


def test_a_return_without_a_code_begins_anew(hub: Hub) -> None:
    browser = hub.browser()
    answer = browser.get("/hub/oauth_callback", params={"state": state_of(browser)})
    assert (answer.status_code, browser.is_in()) == (400, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/hub/oauth_login", "/hub/oauth_callback", "/hub/login"])
def test_the_flow_is_walked_by_get_alone(method: str, path: str, hub: Hub) -> None:
    browser = hub.browser()
    back = httpx.URL(browser.to_github())
    form = {"_xsrf": browser.xsrf(), **back.params}
    answer = browser.request(method, path, data=form, params=dict(back.params))
    assert answer.status_code in (403, 405)
    assert not browser.is_in()


@pytest.mark.parametrize("mode", ["cors", "no-cors", "navigate"])
def test_a_form_of_another_site_signs_nobody_in(mode: str, hub: Hub) -> None:
    browser = hub.browser()
    answer = browser.post(
        "/hub/login",
        data={"username": "ada", "password": "x", "code": "y"},
        headers={"Origin": "https://evil.example", "Sec-Fetch-Mode": mode},
    )
    assert answer.status_code == 403
    assert not browser.is_in()


def test_the_api_gives_no_token_for_a_code(hub: Hub) -> None:
    browser = hub.browser()
    code = httpx.URL(browser.to_github()).params["code"]
    for body in ({"auth": {"code": code}}, {"auth": {"username": "bob"}}, {"auth": None}):
        answer = hub.api(f"/users/bob/tokens?code={code}", None, "POST", json=body)
        assert answer.status_code == 403


def test_a_huge_return_is_refused(hub: Hub) -> None:
    answer = hub.browser().get("/hub/oauth_callback", params={"code": "q" * 50_000, "state": "s"})
    assert answer.status_code == 400
    assert "q" * 1000 not in hub.log()


def test_no_code_and_no_token_is_ever_logged(hub: Hub, github: FakeGitHub) -> None:
    browser = hub.browser()
    back = browser.to_github()
    browser.get(back)
    log = hub.log()
    assert httpx.URL(back).params["code"] not in log
    assert github.client_secret not in log
    assert [token for token in github.tokens if token in log] == []


def test_the_page_of_github_offers_whom_to_be(hub: Hub, github: FakeGitHub) -> None:
    """As a browser test walks it."""
    github.visitor, browser = None, hub.browser()
    page = httpx.get(browser.get("/hub/oauth_login").headers["location"])
    assert page.status_code == 200
    assert page.text.count(f'href="{AUTHORIZE}?') == 4
