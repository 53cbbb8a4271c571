"""Signing in at a real Keycloak with a browser, on a hub as `fairihub up` makes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import DESK, PATIENCE, Shot
from tests.support.keycloak import CLIENT_ID, CLIENT_SECRET, Keycloak
from tests.support.running_hub import RunningHub, until

TEAM = "fairicubeuc4"
SETTINGS = """\
contact: help@example.org
sign_in: oidc
oidc:
  issuer: {issuer}
  name: Lab Login
  refresh_minutes: 0.05
  grants:
    uc4-members: [{{team: fairicubeuc4}}]
    uc4-curators: [{{team: fairicubeuc4, rights: [notebooks]}}]
"""

Visitor = Callable[[], Page]


@pytest.fixture(scope="module")
def hub(keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """The example teams, of which one lets claims count."""
    made = RunningHub(tmp_path_factory.mktemp("oidc"))
    made.settings.write_text(SETTINGS.format(issuer=keycloak.issuer))
    made.environment = {"OIDC_CLIENT_ID": CLIENT_ID, "OIDC_CLIENT_SECRET": CLIENT_SECRET}
    file = made.teams / f"{TEAM}.yaml"
    spec = f"  k8s-namespace: {TEAM}\n"
    file.write_text(file.read_text().replace(spec, f"{spec}  allowClaims: true\n"))
    made.start()
    yield made
    made.close()


@pytest.fixture
def visitor(browser: Browser, hub: RunningHub) -> Iterator[Visitor]:
    """A page in a browser of its own, with nobody signed in anywhere."""
    contexts: list[BrowserContext] = []

    def page() -> Page:
        contexts.append(browser.new_context(viewport=DESK, base_url=hub.address))
        contexts[-1].set_default_timeout(PATIENCE)
        return contexts[-1].new_page()

    yield page
    for context in contexts:
        context.close()


def to_the_form(page: Page) -> None:
    page.goto("/hub/login")
    page.get_by_role("link", name="Sign in with Lab Login").click()
    expect(page.locator("#kc-form-login")).to_be_visible()


def fill_in(page: Page, user: str) -> None:
    page.locator("#username").fill(user)
    page.locator("#password").fill(f"{user}-pw")
    page.locator("#kc-login").click()


def test_a_sign_in_by_form_leads_to_the_profiles(visitor: Visitor, shot: Shot) -> None:
    page = visitor()
    page.goto("/hub/login")
    shot(page, "oidc-sign-in")
    to_the_form(page)
    shot(page, "oidc-form")
    fill_in(page, "bob")
    page.wait_for_url("**/hub/spawn*")
    expect(page.locator(f"input[name=profile][value='{TEAM}.small']")).to_be_attached()
    shot(page, "oidc-profiles")


def test_a_link_that_was_opened_first_is_where_one_lands(visitor: Visitor) -> None:
    page = visitor()
    page.goto("/hub/token")
    page.get_by_role("link", name="Sign in with Lab Login").click()
    fill_in(page, "cleo")
    page.wait_for_url("**/hub/token")


def test_who_has_no_team_learns_what_to_ask_for(visitor: Visitor, shot: Shot) -> None:
    page = visitor()
    to_the_form(page)
    fill_in(page, "mallory")
    expect(page.get_by_role("main")).to_contain_text("mallory")
    expect(page).to_have_url(re.compile("/hub/oauth_callback"))
    shot(page, "oidc-no-team")


def test_who_leaves_the_group_is_out_within_seconds(
    visitor: Visitor, hub: RunningHub, keycloak: Keycloak, shot: Shot
) -> None:
    page = visitor()
    to_the_form(page)
    fill_in(page, "dora")
    page.wait_for_url("**/hub/spawn*")
    keycloak.leave("dora", "uc4-members")
    try:

        def is_out() -> bool:
            page.goto("/hub/home")
            return "/hub/login" in page.url

        until(is_out, "dora is out", 30)
        shot(page, "oidc-left-the-group")

        def told(*command: str) -> str:
            return hub.run(*command, "dora", "--data", str(hub.data)).stdout

        gone = f"The claim “uc4-members” is gone. {hub.teams / TEAM}.yaml, line 11"
        audit = ("audit", "--action", "removed", "--login")
        until(lambda: gone in told(*audit), "the audit log tells of the claim", 10)
        assert "by Lab Login" in told(*audit)
        assert gone in told("why")
    finally:
        keycloak.join("dora", "uc4-members")


def test_signing_out_leads_on_to_the_provider_for_who_wants(visitor: Visitor, shot: Shot) -> None:
    page = visitor()
    to_the_form(page)
    fill_in(page, "bob")
    page.wait_for_url("**/hub/spawn*")
    page.goto("/hub/logout")
    shot(page, "oidc-signed-out")
    page.locator("#provider-sign-out").click()
    page.get_by_role("button", name="Logout").click()
    page.wait_for_url("**/hub/login")
    to_the_form(page)  # rather than in, by a session that went on


def test_while_the_provider_is_away(visitor: Visitor, keycloak: Keycloak, shot: Shot) -> None:
    inside, late = visitor(), visitor()
    to_the_form(inside)
    fill_in(inside, "bob")
    inside.wait_for_url("**/hub/spawn*")
    keycloak.stop()
    try:
        inside.goto("/hub/home")
        expect(inside).to_have_url(re.compile(r"/hub/home"))

        def says_so() -> bool:
            late.goto("/hub/login")
            answer = late.request.get("/hub/oauth_login", max_redirects=0)
            return answer.status == 503

        until(says_so, "the hub notices", 30)
        late.get_by_role("link", name="Sign in with Lab Login").click()
        expect(late.get_by_role("main")).to_contain_text("you can keep working")
        shot(late, "oidc-provider-away")
        inside.goto("/hub/home")
        expect(inside).to_have_url(re.compile(r"/hub/home"))
    finally:
        keycloak.start()
