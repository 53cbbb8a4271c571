"""Each way a sign-in through a provider can end, on a real hub: what the page says and offers."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from playwright.sync_api import expect

from tests.portal.reading import TOO_FAINT, shows


@pytest.fixture
def come_back(github_hub: Any, page: Any) -> Any:
    """`come_back("ada:7")`: the page that follows once the provider has said who that is."""

    def as_account(account: str) -> Any:
        cookie = {"name": "account", "value": account, "url": github_hub.url}
        page.context.add_cookies([cookie] if account else [])
        page.goto(f"{github_hub.url}hub/login")
        with page.expect_navigation():  # to the end: the page left behind has a text as well
            page.click("#login-provider")
        return page

    return as_account


def test_one_button_leads_to_the_provider_and_no_address_is_asked_for(github_hub, page):
    page.goto(f"{github_hub.url}hub/login?next=%2Flab%2Fhub%2Ftoken")
    button = page.locator("#login-provider")
    expect(button).to_have_text("Sign in with GitHub")
    there = re.compile(re.escape("/hub/oauth_login?next=%2Flab%2Fhub%2Ftoken") + "$")
    expect(button).to_have_attribute("href", there)
    shows(page.locator("main"), "login and your account number, and for no e-mail address")
    expect(page.locator("input")).to_have_count(0)


def test_whoever_is_in_a_team_goes_on_to_next(github_hub, page):
    page.context.add_cookies([{"name": "account", "value": "ada:583230", "url": github_hub.url}])
    page.goto(f"{github_hub.url}hub/login?next=%2Flab%2Fhub%2Ftoken")
    page.click("#login-provider")
    page.wait_for_url("**/hub/token")


def test_a_login_that_no_team_lists_reads_the_lines_that_are_missing(come_back):
    page = come_back("octocat:583231")
    shows(page.locator("#denied-account"), "octocat", "583231")
    lines = yaml.safe_load(page.locator("#request-lines").inner_text())
    assert lines == [{"userName": "octocat", "githubId": 583231, "role": "user"}]
    shows(page.locator("main"), "may sign you in again at once")


def test_the_mail_holds_the_lines_and_the_team_once_it_is_named(come_back):
    page = come_back("octocat:583231")
    mail = page.locator("#request-mail")
    address, subject, body = opened(mail.get_attribute("href"))
    assert address == "help@example.org"
    assert subject == "Access to Cube Lab for octocat"
    assert "githubId: 583231\r\n" in body
    page.fill("#request-team", "a & b? c=d")
    expect(mail).to_have_attribute("href", re.compile("team%20"))
    _, subject, body = opened(mail.get_attribute("href"))
    assert subject == "Access to Cube Lab for octocat, team a & b? c=d"
    assert "to team a & b? c=d of Cube Lab" in body
    assert "githubId: 583231\r\n" in body
    page.fill("#request-team", " ")
    expect(mail).not_to_have_attribute("href", re.compile("team%20a"))
    assert "team" not in opened(mail.get_attribute("href"))[1]


def opened(link: str) -> tuple[str, str, str]:
    """A mail as a mail program reads the link."""
    parts = urlsplit(link)
    assert parts.scheme == "mailto"
    fields = parse_qs(parts.query, strict_parsing=True)
    assert set(fields) == {"subject", "body"}
    return parts.path, fields["subject"][0], fields["body"][0]


def test_the_lines_are_copied(come_back):
    page = come_back("octocat:583231")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    page.wait_for_selector("#request-lines-status:has-text('Copied.')")
    assert yaml.safe_load(page.evaluate("navigator.clipboard.readText()"))[0]["role"] == "user"


def test_the_request_needs_no_script(github_hub, browser):
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "account", "value": "octocat:583231", "url": github_hub.url}])
    page = context.new_page()
    page.goto(f"{github_hub.url}hub/oauth_login")
    shows(page.locator("#request-lines"), "githubId: 583231")
    assert "githubId: 583231" in opened(page.locator("#request-mail").get_attribute("href"))[2]
    expect(page.locator("#request-team:visible, button[data-copies]:visible")).to_have_count(0)
    context.close()


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("ada:5", ["This login belongs to another account", "5", "ask the operator"]),
        ("dora:77", ["Your team has closed", "coast-2023", "2023-12-31", "carl"]),
        ("nobody", ["GitHub does not answer", "you can keep working"]),
        ("", ["You cancelled the sign-in", "has learned nothing about you"]),
    ],
)
def test_other_ends_say_what_happened_and_what_to_do(come_back, account, said):
    main = come_back(account).locator("main")
    shows(main, *said)
    expect(main).not_to_contain_text("githubId", use_inner_text=True)


def test_whoever_is_in_keeps_working_while_the_provider_is_away(github_hub, come_back):
    page = come_back("ada:583230")
    page.wait_for_url("**/hub/home")
    page.context.add_cookies([{"name": "account", "value": "nobody", "url": github_hub.url}])
    page.goto(f"{github_hub.url}hub/oauth_login")
    shows(page.locator("main"), "does not answer")
    page.click("a:text-is('Keep working')")
    page.wait_for_url("**/hub/home")


def test_a_stale_sign_in_repeats_nothing_of_the_address(github_hub, page):
    page.goto(f"{github_hub.url}hub/oauth_callback?code=1&state=call-0900-123")
    shows(page.locator("main"), "took too long")
    page.goto(f"{github_hub.url}hub/oauth_callback?error=x&error_description=call-0900-123")
    shows(page.locator("main"), "reports an error")
    assert "0900" not in page.content()


def test_signing_out_names_the_session_that_may_still_be_open(come_back):
    page = come_back("ada:583230")
    page.click("#logout")
    shows(page.locator("#signed-out"), "still be signed in at GitHub")


def test_a_server_that_does_not_answer_is_no_error_of_the_hub(github_hub, page):
    page.goto(f"{github_hub.url}hub/error/503")
    shows(page.locator("main"), "Your server does not answer")
    expect(page.locator("main a", has_text="Home")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("account", ["octocat:583231", "ada:5", "dora:77", "nobody", ""])
def test_each_end_fits_a_narrow_screen_and_is_readable(come_back, account, scheme):
    page = come_back(account)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.evaluate(TOO_FAINT) == []
