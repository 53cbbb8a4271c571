"""The page of a team on a real hub: who sees it, its servers, and word of who is let in no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml


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
    assert "There is no such page" in page.locator("main").inner_text()


def test_nobody_is_asked_to_sign_in(hub, page):
    page.goto(f"{hub.url}hub/team/urban-climate")
    assert "/hub/login" in page.url


def test_remarks_on_a_file_that_is_in_force_are_told(hub, signed_in):
    page = signed_in("carl")
    page.goto(f"{hub.url}hub/team/biodiversity")
    assert "Line 9: A number that a line break" in page.locator("#remarks").inner_text()
    assert "taken in, with remarks" in page.locator("#team-file").inner_text()


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
    assert yaml.safe_load(page.locator("#new-lines").inner_text()) == [
        {"userName": "on", "role": "user"}
    ]
    assert "0123456789ab" in page.locator("#team-file").inner_text()
    assert page.locator("#team-runs").get_attribute("href").endswith("jobs?team=urban-climate")
    assert "No server of this team is running" in page.locator("#servers").inner_text()


def test_an_admin_stops_a_server_by_keyboard_after_a_question(hub, signed_in, with_server):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/team/urban-climate")
    row = page.locator("#servers-table tbody tr")
    row.wait_for()
    assert row.inner_text().split("\t")[:3] == ["bob", "Small", "Running"]
    button = row.get_by_role("button", name="Stop the server of bob")
    button.focus()
    page.keyboard.press("Enter")
    assert "server of bob" in page.locator("dialog[open]").inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Stop"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=No server of this team is running.")
    with_server.reload()
    assert with_server.locator("#server-state").inner_text() == "Not running"


def test_an_open_page_says_who_is_let_in_no_more_and_until_when(hub, with_server, removed):
    page = with_server
    page.bring_to_front()
    removed("bob")
    page.wait_for_selector("#standing-end:has-text('ends in')", timeout=30_000)
    said = page.locator("#standing").inner_text()
    assert "You are no longer in a team of this hub." in said
    assert "ends in 2 minutes." in said
    assert page.locator("#standing [role=alert]").inner_text().startswith("You are no longer")
    for of_members in ("#server", "#start", "#stop", "#teams"):
        assert page.locator(of_members).is_hidden(), of_members
    page.click("#standing-more")
    page.wait_for_selector("#request-lines:has-text('bob')")


def test_jupyterlab_says_so_too_and_takes_it_back(hub, with_server, removed):
    page = with_server
    page.bring_to_front()
    page.click("text=Open JupyterLab")
    page.wait_for_selector(".jp-Launcher", timeout=60_000)
    removed("bob")
    notice = page.locator("[role=alert]", has_text="You are no longer in a team")
    notice.wait_for(timeout=30_000)
    assert "ends in 2 minutes. Nothing more is saved here" in notice.inner_text()
    page.get_by_role("button", name="Download unsaved files").wait_for()
    removed()
    notice.wait_for(state="detached", timeout=30_000)


def test_the_banner_goes_once_they_are_let_in_again(hub, signed_in, removed):
    page = signed_in("cleo")
    removed("cleo")
    page.wait_for_selector("#standing:visible", timeout=30_000)
    removed()
    page.wait_for_selector("#standing", state="hidden", timeout=30_000)
    page.wait_for_selector("#teams >> text=urban-climate")


def test_the_hub_is_not_asked_by_pages_that_nobody_looks_at(hub, signed_in):
    page = signed_in("ada")
    page.evaluate("document.hasFocus = () => false")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(6_000)  # one turn; nothing can be awaited that must not happen
    assert [url for url in asked if url.endswith("standing")] == []
    page.evaluate("delete document.hasFocus; dispatchEvent(new Event('focus'))")
    page.wait_for_event("request", lambda request: request.url.endswith("standing"))
