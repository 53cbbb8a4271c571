"""The pages in a real hub and a real browser: what a member sees, and what they can do there."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

# Text whose colour is too close to what is painted behind it; colours by way of a canvas, so
# that every notation of CSS is understood.
TOO_FAINT = """() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (css) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = css; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => c.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(getComputedStyle(e).backgroundColor);
    let under = [255, 255, 255];
    for (const css of layers.reverse()) {
      const [r, g, b, a] = rgba(css);
      under = [r, g, b].map((v, i) => v * a / 255 + under[i] * (1 - a / 255));
    }
    return under;
  };
  return [...document.querySelectorAll('body *')]
    .filter(e => e.checkVisibility() && !e.closest('.fh-unseen') &&
      [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(e => {
      const ink = light(rgba(getComputedStyle(e).color));
      const [a, b] = [ink, light(behind(e))].sort((x, y) => x - y);
      return [e.textContent.trim().slice(0, 40), Math.round((b + 0.05) / (a + 0.05) * 100) / 100];
    })
    .filter(([, ratio]) => ratio < 4.5);
}"""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty browser; a script error or a breach of the policy fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda said: problems.append(said.text) if "Content Security" in said.text else None,
    )
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def signed_in(hub: Any, page: Any) -> Callable[[str], Any]:
    def sign_in(login: str) -> Any:
        page.goto(hub.link(login))
        page.wait_for_url("**/hub/home")
        return page

    return sign_in


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
        ("dora", ["Your team has closed", "coast-2023", "2023-12-31", "carl"]),
    ],
)
def test_who_is_not_let_in_reads_why(hub, page, login, said):
    with page.expect_response(lambda r: r.request.method == "POST") as posted:
        page.goto(hub.link(login))
    assert posted.value.status == 403
    page.wait_for_selector("text=Sign in as another")
    text = page.locator("main").inner_text()
    assert [words for words in said if words not in text] == []
    page.click("text=Sign in as another")
    page.wait_for_url("**/hub/login*")


def test_without_a_profile_there_is_nothing_to_start(hub, signed_in):
    page = signed_in("eve")
    page.goto(f"{hub.url}hub/spawn")
    assert "Your teams offer no profile" in page.locator("#no-profile").inner_text()
    assert page.locator("main button").count() == 0


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


def test_broken_team_files_are_shown_to_whom_they_concern(hub, signed_in):
    page = signed_in("ada")
    broken = page.locator(".fh-broken").inner_text()
    assert "teams/urban-climate.yaml" in broken
    assert "Line 14, column 3" in broken
    assert "last good state" in broken


def test_broken_team_files_are_nothing_for_others(signed_in):
    assert signed_in("bob").locator(".fh-broken").count() == 0


def test_a_token_is_made_shown_once_and_revoked(hub, signed_in):
    page = signed_in("ada")
    page.goto(f"{hub.url}hub/token")
    page.fill("#token-note", "nightly <b>run")
    page.click("text=Make a token")
    page.wait_for_selector("#token-area:visible")
    assert len(page.locator("#token-result").inner_text()) >= 32
    page.reload()
    row = page.locator(".token-row", has_text="nightly <b>run")
    assert "ago" in row.inner_text() or "now" in row.inner_text()
    row.get_by_role("button").click()
    row.wait_for(state="detached")
    page.reload()
    assert page.locator("text=nightly").count() == 0


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
    shown = ["home", "spawn", "token", "nowhere", "user/ada/lab"] if login else ["login"]
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
