"""The pages in a real hub and a real browser: what a member sees, and what they can do there."""

from __future__ import annotations

import http.client
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.portal.reading import TOO_FAINT, shows


def test_a_link_signs_in_goes_on_to_next_and_leaves_no_trace(hub, page):
    link = hub.link("ada", next="/lab/hub/token")
    page.goto(link)
    page.wait_for_url("**/hub/token")
    expect(page.locator(".fh-login")).to_have_text("Signed in as ada")
    page.go_back()  # to the login page of the history, which leads those signed in onwards
    page.wait_for_url(lambda url: "login" not in url)
    expect(page).not_to_have_url(re.compile("#link"))
    assert link.partition("#link=")[2] not in hub.log.read_text()


def test_a_link_pasted_over_the_login_page_signs_in(hub, page):
    page.goto(f"{hub.url}hub/login")
    shows(page.locator("main"), "personal link")
    page.goto(hub.link("bob"))
    page.wait_for_selector("#logout")


def test_a_link_that_does_not_work_says_so_and_what_to_do(hub, page):
    page.goto(hub.link("ada", lifetime=timedelta(seconds=-1)))
    shows(page.locator("#login-error"), "has been used already")
    shows(page.locator("main"), "fairihub link LOGIN")


def test_a_link_wins_over_whoever_is_signed_in(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/login?next=%2Flab%2Fhub%2Ftoken")
    page.wait_for_url("**/hub/token")
    page.goto(hub.link("bob"))
    page.wait_for_selector(".fh-login:has-text('bob')")


def test_a_link_from_elsewhere_to_a_profile_only_preselects_it(hub, signed_in):
    page = signed_in("ada")
    page.goto("data:text/html,")
    page.set_content(f"<a href='{hub.url}hub/spawn?profile=gpu'>start</a>")
    page.click("text=start")
    page.wait_for_selector("#spawn-error:has-text('another site')")
    expect(page.locator("input:checked")).to_have_value("urban-climate.gpu")


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("nobody", ["No team lists you yet", "nobody", "help@example.org"]),
        ("dora", ["Your team has closed", "dora", "coast-2023", "2023-12-31", "carl"]),
    ],
)
def test_who_is_not_let_in_reads_why(hub, page, login, said):
    with page.expect_response(lambda r: r.request.method == "POST") as posted:
        page.goto(hub.link(login))
    assert posted.value.status == 403
    shows(page.locator("main"), *said)
    page.click("text=Sign in as somebody else")
    page.wait_for_selector("#signed-out")
    page.click("text=Sign in again")
    page.wait_for_url("**/hub/login*")


def test_without_a_profile_there_is_nothing_to_start(hub, signed_in):
    page = signed_in("eve")
    page.goto(f"{hub.url}hub/spawn")
    shows(page.locator("#no-profile"), "Your teams offer no profile")
    expect(page.locator("main button")).to_have_count(0)


def test_an_operator_without_a_team_is_led_to_the_teams(hub, signed_in):
    page = signed_in("olga")
    page.goto(f"{hub.url}hub/spawn")
    shows(page.locator("#no-profile"), "operators belong to no team")
    page.click("#no-profile a.fh-button")
    page.wait_for_selector("#all-teams")


def test_a_profile_is_chosen_started_and_stopped(hub, signed_in):
    page = signed_in("bob")
    page.click("#start")
    page.wait_for_url("**/hub/spawn/bob")
    choice = page.locator("#start-choice")
    expect(choice).to_have_text("Small · urban-climate")
    expect(page.locator(".fh-team"), "only the profiles of bob's team").to_have_count(1)
    page.focus("input[name=profile]:checked")
    page.keyboard.press("ArrowDown")
    expect(choice).to_have_text("Large · urban-climate")
    page.keyboard.press("Enter")
    page.wait_for_url("**/user/bob/lab*")

    page.goto(f"{hub.url}hub/home")
    server = page.locator("#server")
    expect(server).to_have_attribute("data-state", "running")
    shows(server, "Large", "28–30 GiB")
    page.click("#stop")
    page.click("dialog[open] >> text=Cancel")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("#server-state")).to_have_text("Running")

    page.click("#another")
    page.click("dialog[open] button[value=yes]")
    page.wait_for_url("**/hub/spawn/bob")
    expect(choice).to_have_text("Large · urban-climate")
    page.goto(f"{hub.url}hub/home")
    expect(server).to_have_attribute("data-state", "stopped")


def test_the_choice_is_named_before_any_script_has_run(hub, signed_in, browser):
    cookies = signed_in("carl").context.cookies()
    with browser.new_context(java_script_enabled=False) as context:
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(f"{hub.url}hub/spawn")
        choice = page.locator("#start-choice")
        expect(choice).to_have_text("Basic <b>& · biodiversity")
        expect(choice, "nothing would change it").to_be_hidden()


def test_a_start_can_be_cancelled(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/spawn")
    page.check("input[value='urban-climate.large']")
    with hub.starts_held():
        page.click("#start-server")
        page.wait_for_url("**/spawn-pending/**")
        page.click("#stop-server-btn")
        page.wait_for_url("**/hub/home")
    expect(page.locator("#server")).to_have_attribute("data-state", "stopped")


def test_a_start_that_fails_says_why_and_offers_another(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/spawn")
    page.check("input[value='biodiversity.bad']")
    with hub.starts_held():
        page.click("#start-server")
        page.wait_for_url("**/spawn-pending/**")
    expect(page.locator("#retry")).to_be_visible()
    failure = page.locator("#failure")
    expect(failure).to_have_text("The bucket of this profile cannot be reached.")
    page.reload()
    shows(failure, "The bucket of this profile")
    page.click("#retry")
    page.wait_for_url("**/hub/spawn/ada*")


def test_what_is_wrong_with_files_is_shown_to_whom_it_concerns(hub, signed_in):
    page = signed_in("ada")
    place = ("teams/urban-climate.yaml", "Line 14, column 3", "0123456789ab")
    shows(page.locator(".fh-broken"), *place, "last good state", "ago")
    shows(page.locator(".fh-broken"), "The errors are in the state at fedcba987654")
    shows(page.locator(".fh-wrong"), "583231")


@pytest.mark.parametrize("login", ["bob", "carl"])
def test_it_is_nothing_for_others(signed_in, login):
    of_operators = ".fh-broken, .fh-wrong, .fh-awaited, #all-teams, #renamed-operators"
    expect(signed_in(login).locator(of_operators)).to_have_count(0)


def test_an_operator_sees_what_is_wrong_anywhere_and_every_team(hub, signed_in):
    page = signed_in("olga")
    expect(page.locator(".fh-broken")).to_have_count(1)
    expect(page.locator(".fh-wrong")).to_have_count(2)
    page.click("#all-teams >> text=coast-2023")
    page.wait_for_url("**/hub/team/coast-2023")
    shows(page.locator("main"), "Closed after 2023-12-31")


def test_an_operator_learns_who_the_operators_are(hub, signed_in):
    page = signed_in("olga")
    expect(page.locator(".fh-awaited")).to_have_count(2)
    opal, oscar = (page.locator(".fh-awaited", has_text=name) for name in ("opal", "oscar"))
    shows(opal, "Whoever does so first is an operator from then on")
    shows(oscar, "Only account number 8 can")
    renamed = page.locator("#renamed-operators li")
    expect(renamed).to_have_text("countess of the settings is ada on this hub, account number 42.")
    impostor = page.locator(".fh-wrong", has_text="countess")
    shows(impostor, "It is no operator", "account number 42", "has 99")


def test_the_page_of_jupyterhub_for_operators_is_in_our_frame(hub, signed_in):
    page = signed_in("olga")
    with page.expect_response(lambda answer: answer.url.endswith("fairihub/standing")):
        page.goto(f"{hub.url}hub/admin")
        page.wait_for_selector("#react-admin-hook table")
        expect(page.locator(".fh-brand")).to_have_text("Cube Lab")
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    expect(page.locator("#content")).to_have_css("overflow-x", "auto")


def test_signing_out_says_what_has_ended_and_what_goes_on(hub, signed_in):
    page = signed_in("bob")
    page.click("#logout")
    shows(page.locator("#signed-out"), "have ended, in every browser", "Servers and runs go on")
    page.goto(f"{hub.url}hub/home")
    page.wait_for_url("**/hub/login*")


def test_a_token_is_made_shown_once_and_revoked(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/token")
    page.fill("#token-note", "nightly <b>run")
    page.click("text=Make a token")
    expect(page.locator("#token-result")).to_have_text(re.compile(r"^\w{32,}$"))
    row = page.locator(".token-row", has_text="nightly <b>run")
    for _ in range(2):  # as the script puts it into the list, and as the hub does
        shows(row, "Everything you may", "in 30 days")
        page.reload()
    row.get_by_role("button").click()
    page.click("dialog[open] >> text=Cancel")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(row).to_have_count(1)
    row.get_by_role("button").click()
    shows(page.locator("dialog[open]"), "nightly <b>run")
    page.click("dialog[open] button[value=yes]")
    expect(row).to_have_count(0)
    page.reload()
    expect(page.locator("text=nightly")).to_have_count(0)


@pytest.mark.parametrize(
    ("rights", "scopes"),
    [
        (["run"], {"custom:fairihub:run", "access:services!service=headless"}),
        (
            ["read-runs", "contribute"],
            {
                "custom:fairihub:read-runs",
                "custom:fairihub:contribute",
                "access:services!service=headless",
                "access:services!service=catalog",
            },
        ),
    ],
)
def test_a_token_is_limited_to_what_is_ticked(hub, signed_in, rights, scopes):
    page = signed_in("bob")
    page.goto(f"{hub.url}hub/token")
    expect(page.locator("#token-rights input:enabled")).to_have_count(0)
    page.check("input[value=some]")
    page.click("text=Make a token")
    shows(page.locator("#token-error"), "at least one")
    for right in rights:
        page.check(f"input[value={right}]")
    page.select_option("#token-expiration-seconds", label="7 days")
    page.click("text=Make a token")
    expect(page.locator("#token-area")).to_be_visible()
    token = page.locator("#token-result").inner_text()
    said = page.request.get(
        f"{hub.url}hub/api/user", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert scopes == {s for s in said["scopes"] if not s.startswith("read:users")}
    row = page.locator(".token-row").first
    labels = page.locator(".token-row ul").first
    page.reload()
    expect(labels.locator("li"), "no scope is left without words").to_have_count(len(rights))
    shows(row, "in 7 days")


def test_the_keyboard_reaches_the_content_first(signed_in):
    page = signed_in("ada")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("login", ["ada", None])
def test_pages_fit_a_narrow_screen_and_are_readable(hub, page, signed_in, login, scheme):
    if login:
        signed_in(login)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 400, "height": 800})
    theirs = ["home", "spawn", "token", "nowhere", "user/ada/lab", "team/urban-climate"]
    shown = theirs if login else ["login", "logout"]
    for path in shown:
        page.goto(f"{hub.url}hub/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, path
        assert page.evaluate(TOO_FAINT) == [], path


def test_the_choice_of_light_or_dark_is_kept(hub, signed_in):
    page = signed_in("ada")
    body = page.locator("body")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#dark-theme-toggle")
    expect(body).not_to_have_css("background-color", before)
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto(f"{hub.url}hub/token")
    expect(body).to_have_css("background-color", after)


def test_pages_are_not_framable_and_files_are_cached_by_version(hub):
    login = headers_of(f"{hub.url}hub/login")
    assert "frame-ancestors 'none'" in login["Content-Security-Policy"]
    assert login["X-Frame-Options"] == "DENY"
    assert login["X-Content-Type-Options"] == "nosniff"
    style = f"{hub.url}hub/fairihub-static/portal.css"
    assert headers_of(f"{style}?v=1")["Cache-Control"].endswith("immutable")
    assert headers_of(style)["Cache-Control"] == "no-cache"
    assert headers_of(style)["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["../wiring.py", "..%2fwiring.py", "%2e%2e/wiring.py", "", "/etc"])
def test_only_static_files_are_served(hub, path):
    assert status_of(f"{hub.url}hub/fairihub-static/{path}") in (403, 404)


def headers_of(url: str) -> Any:
    return answer(url)[1]


def status_of(url: str) -> int:
    return answer(url)[0]


def answer(url: str) -> tuple[int, Any]:
    """Asked as written; other clients would tidy up the path first."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request("GET", url[url.index(parts.netloc) + len(parts.netloc) :])
        response = connection.getresponse()
        response.read()
        return response.status, response.headers
    finally:
        connection.close()
