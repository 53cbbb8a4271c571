"""The pages in a real hub and a real browser: what a member sees, and what they can do there."""

from __future__ import annotations

import http.client
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.portal.reading import TOO_FAINT


def test_a_link_signs_in_goes_on_to_next_and_leaves_no_trace(hub, page):
    link = hub.link("ada", next="/lab/hub/token")
    page.goto(link)
    page.wait_for_url("**/hub/token")
    assert page.locator(".fh-login").text_content() == "Signed in as ada"
    page.go_back()  # to the login page of the history, which leads those signed in onwards
    page.wait_for_url(lambda url: "login" not in url)
    assert "#link" not in page.url
    assert link.partition("#link=")[2] not in hub.log.read_text()


def test_a_link_pasted_over_the_login_page_signs_in(hub, page):
    page.goto(f"{hub.url}hub/login")
    assert "personal link" in page.locator("main").inner_text()
    page.goto(hub.link("bob"))
    page.wait_for_selector("#logout")


def test_a_link_that_does_not_work_says_so_and_what_to_do(hub, page):
    page.goto(hub.link("ada", lifetime=timedelta(seconds=-1)))
    error = page.locator("#login-error")
    error.wait_for()
    assert "has been used already" in error.inner_text()
    assert "fairihub link LOGIN" in page.locator("main").inner_text()


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
    assert page.locator("input:checked").get_attribute("value") == "urban-climate.gpu"


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
    page.wait_for_selector("text=Sign in as somebody else")
    text = page.locator("main").inner_text()
    assert [words for words in said if words not in text] == []
    page.click("text=Sign in as somebody else")
    page.wait_for_selector("#signed-out")
    page.click("text=Sign in again")
    page.wait_for_url("**/hub/login*")


def test_without_a_profile_there_is_nothing_to_start(hub, signed_in):
    page = signed_in("eve")
    page.goto(f"{hub.url}hub/spawn")
    assert "Your teams offer no profile" in page.locator("#no-profile").inner_text()
    assert page.locator("main button").count() == 0


def test_an_operator_without_a_team_is_led_to_the_teams(hub, signed_in):
    page = signed_in("olga")
    page.goto(f"{hub.url}hub/spawn")
    assert "operators belong to no team" in page.locator("#no-profile").inner_text()
    page.click("#no-profile a.fh-button")
    page.wait_for_selector("#all-teams")


def test_a_profile_is_chosen_started_and_stopped(hub, signed_in):
    page = signed_in("bob")
    page.click("#start")
    assert page.locator(".fh-team").count() == 1, "only the profiles of bob's team"
    page.focus("input[name=profile]:checked")
    page.keyboard.press("ArrowDown")
    assert page.locator("#start-choice").inner_text() == "Large · urban-climate"
    page.keyboard.press("Enter")
    page.wait_for_url("**/user/bob/lab*")

    page.goto(f"{hub.url}hub/home")
    server = page.locator("#server")
    assert server.get_attribute("data-state") == "running"
    assert "Large" in server.inner_text()
    assert "28–30 GiB" in server.inner_text()
    page.click("#stop")
    page.click("dialog[open] >> text=Cancel")
    assert server.get_attribute("data-state") == "running"

    page.click("#another")
    page.click("dialog[open] button[value=yes]")
    page.wait_for_url("**/hub/spawn/bob")
    assert page.locator("#start-choice").inner_text() == "Large · urban-climate"
    page.goto(f"{hub.url}hub/home")
    assert server.get_attribute("data-state") == "stopped"


def test_a_start_can_be_called_off(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/spawn")
    page.check("input[value='urban-climate.large']")
    page.click("#start-server")
    page.wait_for_url("**/spawn-pending/**")
    page.click("#stop-server-btn")
    page.wait_for_url("**/hub/home")
    assert page.locator("#server").get_attribute("data-state") == "stopped"


def test_a_start_that_fails_says_why_and_offers_another(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/spawn")
    page.check("input[value='biodiversity.bad']")
    page.click("#start-server")
    page.wait_for_selector("#retry:visible")
    assert page.locator("#failure").inner_text() == "The bucket of this profile cannot be reached."
    page.reload()
    assert "The bucket of this profile" in page.locator("#failure").inner_text()
    page.click("#start")
    page.wait_for_url("**/hub/spawn/ada*")


def test_what_is_wrong_with_files_is_shown_to_whom_it_concerns(hub, signed_in):
    page = signed_in("ada")
    broken = page.locator(".fh-broken").inner_text()
    assert "teams/urban-climate.yaml" in broken
    assert "Line 14, column 3" in broken
    assert "last good state" in broken
    assert "ago" in broken
    assert "0123456789ab" in broken
    assert "583231" in page.locator(".fh-wrong").inner_text()


@pytest.mark.parametrize("login", ["bob", "carl"])
def test_it_is_nothing_for_others(signed_in, login):
    assert signed_in(login).locator(".fh-broken, .fh-wrong, #all-teams").count() == 0


def test_an_operator_sees_what_is_wrong_anywhere_and_every_team(hub, signed_in):
    page = signed_in("olga")
    assert page.locator(".fh-broken").count() == page.locator(".fh-wrong").count() == 1
    page.click("#all-teams >> text=coast-2023")
    page.wait_for_url("**/hub/team/coast-2023")
    assert "Closed after 2023-12-31" in page.locator("main").inner_text()


def test_the_page_of_jupyterhub_for_operators_is_in_our_frame(hub, signed_in):
    page = signed_in("olga")
    page.goto(f"{hub.url}hub/admin")
    page.wait_for_selector("#react-admin-hook table")
    assert page.locator(".fh-brand").inner_text() == "Cube Lab"
    page.wait_for_event("response", lambda answer: answer.url.endswith("fairihub/standing"))


def test_signing_out_says_what_has_ended_and_what_goes_on(hub, signed_in):
    page = signed_in("bob")
    page.click("#logout")
    said = page.locator("#signed-out").inner_text()
    assert "has ended, in this browser" in said
    assert "Servers and runs go on" in said
    page.goto(f"{hub.url}hub/home")
    page.wait_for_url("**/hub/login*")


def test_a_token_is_made_shown_once_and_revoked(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/token")
    page.fill("#token-note", "nightly <b>run")
    page.click("text=Make a token")
    page.wait_for_selector("#token-area:visible")
    assert len(page.locator("#token-result").inner_text()) >= 32
    row = page.locator(".token-row", has_text="nightly <b>run")
    for _ in range(2):  # as the script puts it into the list, and as the hub does
        assert "Everything you may" in row.inner_text()
        assert "in 30 days" in row.inner_text()
        page.reload()
    row.get_by_role("button").click()
    page.click("dialog[open] >> text=Cancel")
    assert row.count() == 1
    row.get_by_role("button").click()
    assert "nightly <b>run" in page.locator("dialog[open]").inner_text()
    page.click("dialog[open] button[value=yes]")
    row.wait_for(state="detached")
    page.reload()
    assert page.locator("text=nightly").count() == 0


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
    assert page.locator("#token-rights input:enabled").count() == 0
    page.check("input[value=some]")
    page.click("text=Make a token")
    assert "at least one" in page.locator("#token-error").inner_text()
    for right in rights:
        page.check(f"input[value={right}]")
    page.select_option("#token-expiration-seconds", label="7 days")
    page.click("text=Make a token")
    page.wait_for_selector("#token-area:visible")
    token = page.locator("#token-result").inner_text()
    said = page.request.get(
        f"{hub.url}hub/api/user", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert scopes == {s for s in said["scopes"] if not s.startswith("read:users")}
    row = page.locator(".token-row").first
    labels = page.locator(".token-row ul").first
    page.reload()
    assert labels.locator("li").count() == len(rights), "no scope is left without words"
    assert "in 7 days" in row.inner_text()


def test_the_keyboard_reaches_the_content_first(signed_in):
    page = signed_in("ada")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


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
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#dark-theme-toggle")
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto(f"{hub.url}hub/token")
    assert before != after == page.evaluate("getComputedStyle(document.body).backgroundColor")


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
