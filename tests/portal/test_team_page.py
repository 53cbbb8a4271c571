"""The page of a team on a real hub: who sees it, its servers, and word of who is let in no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from playwright.sync_api import expect

from tests.portal.conftest import PATIENCE
from tests.portal.reading import shows

ENDS = re.compile(r"Your server ends in (10|9) minutes\.")
TURN = 6_000
"""Milliseconds in which a page that is looked at asks the hub."""


@pytest.fixture
def removed(hub: Any) -> Iterator[Any]:
    """`removed("bob")`: no team lists bob any more, until the test is over."""
    file = hub.folder / "removed"
    yield lambda *logins: file.write_text(" ".join(logins))
    file.unlink(missing_ok=True)


@pytest.fixture
def with_server(browser: Any, hub: Any) -> Iterator[Any]:
    """Bob in a browser of his own, with a running server and the hub's home page open."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(hub.link("bob"))
    page.wait_for_url("**/hub/home")
    if page.locator("#server").get_attribute("data-state") == "stopped":
        page.goto(f"{hub.url}hub/spawn")
        page.check("input[value='urban-climate.small']")
        page.click("#start-server")
        page.wait_for_url("**/user/bob/lab*")
        page.goto(f"{hub.url}hub/home")
    yield page
    context.close()


@pytest.mark.parametrize("login", ["bob", "carl", "eve"])
@pytest.mark.parametrize("team", ["urban-climate", "coast-2023", "nowhere", "%2e%2e%2fadmin"])
def test_for_all_others_there_is_no_such_page(hub, signed_in, login, team):
    page = signed_in(login)
    answer = page.goto(f"{hub.url}hub/team/{team}")
    assert answer.status == 404
    shows(page.locator("main"), "There is no such page")


def test_nobody_is_asked_to_sign_in(hub, page):
    page.goto(f"{hub.url}hub/team/urban-climate")
    expect(page).to_have_url(re.compile("/hub/login"))


def test_remarks_on_a_file_that_is_in_force_are_told(hub, signed_in):
    page = signed_in("carl")
    page.goto(f"{hub.url}hub/team/biodiversity")
    shows(page.locator("#remarks"), "Line 9: A number that a line break")
    shows(page.locator("#team-file"), "taken in, with remarks")


def test_an_admin_finds_members_and_the_lines_to_add_one(hub, signed_in):
    page = signed_in("ada")
    page.click("#teams >> text=urban-climate")
    page.wait_for_url("**/hub/team/urban-climate")
    rows = [row.split("\t") for row in page.locator("#members-table").inner_text().split("\n")]
    assert rows[1:] == [
        ["ada", "admin", "environments, notebooks", "as long as the team", "line 31"],
        ["bob", "member", "nothing", "as long as the team", "line 33"],
        ["cleo", "member", "notebooks", "2099-06-30", "line 35"],
        ["gone", "member", "nothing", "ended after 2024-06-30", "line 38"],
    ]
    page.fill("#new-login", "on")
    lines = page.locator("#new-lines")
    expect(lines).not_to_contain_text("LOGIN")
    assert yaml.safe_load(lines.inner_text()) == [{"userName": "on", "role": "user"}]
    shows(page.locator("#team-file"), "0123456789ab")
    runs = re.compile(r"jobs\?team=urban-climate$")
    expect(page.locator("#team-runs")).to_have_attribute("href", runs)
    shows(page.locator("#servers"), "No server of this team is running")


def test_an_admin_stops_a_server_by_keyboard_after_a_question(hub, signed_in, with_server):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/team/urban-climate")
    row = page.locator("#servers-table tbody tr")
    cells = row.locator("th, td")
    for n, text in enumerate(("bob", "Small", "Running")):
        expect(cells.nth(n)).to_have_text(text)
    button = row.get_by_role("button", name="Stop the server of bob")
    button.focus()
    page.keyboard.press("Enter")
    question = page.locator("dialog[open]")
    shows(question, "server of bob")
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    told = "The server of bob is stopped. No server of this team is running."
    expect(page.locator("#servers-status")).to_have_text(told)
    with_server.reload()
    expect(with_server.locator("#server-state")).to_have_text("Not running")


def test_an_answer_that_comes_late_does_not_answer_the_next_question(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/team/urban-climate")
    asking = """async (dialog) => {
        const { src } = document.querySelector("script[src*='team.js']");
        const { ask } = await import(new URL("common.js", src));
        const first = ask(dialog.id);
        dialog.close();
        const second = ask(dialog.id);
        window.answers = Promise.all([first, second]);
    }"""
    page.locator("#ask-stop-member").evaluate(asking)
    page.get_by_role("button", name="Stop server").click()
    assert page.evaluate("window.answers") == [False, True]


def test_an_open_page_says_who_is_let_in_no_more_and_until_when(hub, with_server, removed):
    page = with_server
    page.bring_to_front()
    removed("bob")
    shows(page.locator("#standing [role=alert]"), "You are no longer in a team of this hub.")
    expect(page.locator("#standing-end")).to_have_text(ENDS)
    for of_members in ("#server", "#start", "#stop", "#teams"):
        expect(page.locator(of_members)).to_be_hidden()
    page.click("#standing-more")
    page.wait_for_selector("#request-lines:has-text('bob')")


def test_jupyterlab_says_so_too_and_takes_it_back(hub, with_server, removed):
    page = with_server
    page.bring_to_front()
    page.click("text=Open JupyterLab")
    page.wait_for_selector(".jp-Launcher")
    removed("bob")
    notice = page.locator("[role=alert]", has_text="You are no longer in a team")
    expect(notice).to_contain_text(re.compile(f"{ENDS.pattern} Nothing more is saved here"))
    page.get_by_role("button", name="Download unsaved files").wait_for()
    removed()
    expect(notice).to_have_count(0)


def test_the_banner_goes_once_they_are_let_in_again(hub, signed_in, removed):
    page = signed_in("cleo")
    removed("cleo")
    expect(page.locator("#standing")).to_be_visible()
    removed()
    expect(page.locator("#standing")).to_be_hidden()
    page.wait_for_selector("#teams >> text=urban-climate")


def test_the_hub_is_not_asked_by_pages_that_nobody_looks_at(hub, signed_in):
    page = signed_in("ada")
    asked = lambda request: request.url.endswith("standing")  # noqa: E731
    page.clock.install()
    page.goto(f"{hub.url}hub/home")
    with page.expect_response(lambda answer: asked(answer.request)):
        page.clock.run_for(TURN)
    passes_on = "fetch(location.href).then((answer) => answer.text())"
    page.evaluate(passes_on)
    page.evaluate("document.hasFocus = () => false")
    seen: list[Any] = []
    page.on("request", lambda request: seen.append(request))
    page.clock.run_for(3 * TURN)
    page.evaluate(passes_on)  # what was asked before it is known by its end
    assert [request.url for request in seen if asked(request)] == []
    with page.expect_request(asked):
        page.evaluate("delete document.hasFocus; dispatchEvent(new Event('focus'))")
