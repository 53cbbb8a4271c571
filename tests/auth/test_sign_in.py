"""Signing in by link at a real hub, and what happens to whoever is removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

Hub = Any
Customer = Callable[..., str]
OFF_SITE = [
    "https://example.org/",
    "//example.org",
    "//[example.org",
    "///example.org",
    "\\\\example.org",
    "https:///a%40b/x",
]


@pytest.fixture
def uc4(hub: Hub, customer: Customer) -> Iterator[Callable[[str], None]]:
    """Rewrites the file of uc4 with the text given; afterwards it is as before."""
    file = hub.teams / "uc4.yaml"
    before = file.read_text()
    yield file.write_text
    number = hub.snapshot().json()["number"]
    if file.read_text() != before:
        file.write_text(before)
        assert hub.snapshot(after=number, wait=20).status_code == 200


def test_a_link_signs_in_once(hub: Hub) -> None:
    token, ada, other = hub.link("ada"), hub.browser(), hub.browser()
    page = ada.get("/hub/login")
    assert page.status_code == 200
    assert not ada.is_in()
    answer = ada.open_link(token, "?next=/hub/token")
    assert (answer.status_code, answer.headers["location"]) == (302, "/hub/token")
    assert ada.is_in()
    again = other.open_link(token)
    assert again.status_code == 403
    assert "fairihub link LOGIN" in again.text
    assert not other.is_in()


@pytest.mark.parametrize("link", ["", "unknown", "x" * 5000])
def test_what_is_no_link_shows_the_page_again(link: str, hub: Hub) -> None:
    answer = hub.browser().open_link(link)
    assert answer.status_code == 403
    assert "already, has expired" in answer.text


def test_an_expired_link_is_refused(hub: Hub) -> None:
    answer = hub.browser().open_link(hub.link("ada", hours=-1))
    assert answer.status_code == 403
    assert "has expired" in answer.text


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("mallory", "denied mallory no-team"),
        ("eve", "old 2024-12-31 ask"),
        ("ａｄａ", "denied ａｄａ unusable-login"),
        ("ada\nroot", "denied ada�root unusable-login"),
    ],
)
def test_a_login_that_no_open_team_lists_sees_why(login: str, words: str, hub: Hub) -> None:
    browser = hub.browser()
    answer = browser.open_link(hub.link(login))
    assert answer.status_code == 403
    assert words in answer.text
    assert not browser.is_in()


def test_capitals_and_blanks_are_one_identity(hub: Hub) -> None:
    browser = hub.browser()
    assert browser.open_link(hub.link(" ADA ")).status_code == 302
    assert browser.is_in()
    names = {u["name"] for u in hub.api("/users", hub.tokens["operator"]).json()}
    assert "ada" in names
    assert not names & {"ADA", " ada ", "ａｄａ", "mallory", "eve"}


@pytest.mark.parametrize("off_site", OFF_SITE)
def test_next_never_leaves_the_hub(off_site: str, hub: Hub) -> None:
    browser = hub.browser()
    answer = browser.post(
        "/hub/login",
        params={"next": off_site},
        data={"link": hub.link("ada"), "_xsrf": browser.xsrf()},
    )
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/hub/")


def test_a_form_without_its_xsrf_value_is_refused_with_the_page(hub: Hub) -> None:
    token, browser = hub.link("ada"), hub.browser()
    browser.get("/hub/login")
    answer = browser.post("/hub/login", data={"link": token})
    assert answer.status_code == 403
    assert "open for too long" in answer.text
    assert browser.open_link(token).status_code == 302


def test_a_huge_form_is_refused_and_neither_shown_nor_logged(hub: Hub) -> None:
    for field in ("link", "next", "username"):
        answer = hub.browser().post("/hub/login", data={field: "q" * 3_000_000})
        assert answer.status_code == 413
        assert "qqqq" not in answer.text
    assert "qqqq" not in hub.log()


def test_a_link_wins_over_whoever_is_signed_in(hub: Hub) -> None:
    browser = hub.signed_in("ada")
    session = browser.cookies["jupyterhub-session-id"]
    page = browser.get("/hub/login?next=/hub/token")
    assert page.status_code == 200
    assert browser.open_link(hub.link("bob")).status_code == 302
    me = browser.get("/hub/api/user", headers={"X-XSRFToken": browser.xsrf()})
    assert me.json()["name"] == "bob"
    assert browser.cookies["jupyterhub-session-id"] != session


def test_an_admin_of_a_team_has_no_power_over_the_hub(hub: Hub) -> None:
    hub.signed_in("ada")
    hub.signed_in("bob")
    token = hub.user_token("ada")
    assert hub.api("/users/ada", hub.tokens["operator"]).json()["admin"] is False
    assert hub.api("/users/bob", token).status_code == 404
    assert hub.api("/users/bob/server", token, "POST").status_code == 404
    shared = hub.api("/shares/ada/", token, "POST", json={"user": "bob"})
    assert shared.status_code in (403, 404)


def test_a_link_may_ask_the_api_for_a_token_once(hub: Hub) -> None:
    hub.signed_in("ada")
    link = {"auth": {"link": hub.link("ada")}}
    answer = hub.api("/users/ada/tokens", None, "POST", json=link)
    assert answer.status_code == 201
    assert hub.api("/user", answer.json()["token"]).json()["name"] == "ada"
    for body in (link, {"auth": {"link": hub.link("bob")}}, {"auth": {"link": 7}}, {"auth": None}):
        assert hub.api("/users/ada/tokens", None, "POST", json=body).status_code == 403


def test_groups_are_the_open_teams(hub: Hub, customer: Customer) -> None:
    hub.signed_in("ada")
    groups = lambda: hub.api("/users/ada", hub.tokens["operator"]).json()["groups"]  # noqa: E731
    assert groups() == ["uc4"]


def test_a_removed_login_is_out_within_5_s(
    hub: Hub, uc4: Callable[[str], None], customer: Customer
) -> None:
    cleo, ada = hub.signed_in("cleo"), hub.signed_in("ada")
    token, fresh = hub.user_token("cleo"), hub.link("cleo")
    assert hub.api("/user", token).status_code == 200
    uc4(customer("uc4", "ada", "bob"))

    hub.eventually(lambda: not cleo.is_in() and hub.api("/user", token).status_code == 403, 5)
    page = cleo.get("/hub/login")
    assert page.status_code == 403
    assert "No team lists “cleo”" in page.text
    assert hub.browser().open_link(fresh).status_code == 403
    start = hub.api("/users/cleo/server", hub.tokens["operator"], "POST")
    assert start.status_code == 403
    assert ada.is_in()
    assert "Traceback" not in hub.log()


def test_a_refused_browser_may_sign_in_as_another(
    hub: Hub, uc4: Callable[[str], None], customer: Customer
) -> None:
    cleo = hub.signed_in("cleo")
    uc4(customer("uc4", "ada", "bob"))
    hub.eventually(lambda: not cleo.is_in())
    assert cleo.open_link(hub.link("bob")).status_code == 302
    assert cleo.is_in()


def test_a_new_login_comes_in_within_5_s(
    hub: Hub, uc4: Callable[[str], None], customer: Customer
) -> None:
    uc4(customer("uc4", "ada", "bob", "cleo", "dora"))
    hub.eventually(lambda: hub.browser().open_link(hub.link("dora")).status_code == 302, 5)


def test_a_broken_edit_lets_nobody_in_and_nobody_out(
    hub: Hub, uc4: Callable[[str], None], customer: Customer
) -> None:
    bob, token = hub.signed_in("bob"), hub.user_token("bob")
    number = hub.snapshot().json()["number"]
    uc4(customer("uc4", "mallory") + "  broken: [")
    told = hub.snapshot(after=number, wait=20).json()
    assert [(f["team"], f["ok"]) for f in told["files"] if "uc4" in f["path"]] == [("uc4", False)]
    assert bob.is_in()
    assert hub.api("/user", token).status_code == 200
    assert hub.browser().open_link(hub.link("mallory")).status_code == 403
    assert "stays as the file last described it" in hub.log()


def test_no_link_is_ever_logged(hub: Hub) -> None:
    token = hub.link("ada")
    hub.browser().open_link(token)
    assert token not in hub.log()
