"""The whole story in a browser: each test is a step, and leaves a picture in tests/artefacts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import DESK, PHONE, Shot, SignedIn
from tests.support.running_hub import RunningHub, until

CATALOG = "Notebook Catalog"


def choose(page: Page, profile: str) -> None:
    """Chooses a profile by its name (`team.slug`) and starts it, to the end."""
    page.locator(f"input[name=profile][value='{profile}']").check(force=True)
    page.get_by_role("button", name="Start server").click()
    page.wait_for_url(re.compile(r"/user/\w+/lab"))
    expect(page.locator("#jp-top-panel")).to_be_visible()


def in_lab(page: Page, login: str) -> Page:
    """The page at the member's JupyterLab, which runs."""
    if f"/user/{login}/lab" not in page.url:
        page.goto(f"/user/{login}/lab")
    expect(page.locator("#jp-top-panel")).to_be_visible()
    return page


def menu(page: Page, *names: str) -> None:
    """Clicks through JupyterLab's menus."""
    page.locator(".lm-MenuBar-itemLabel", has_text=names[0]).first.click()
    for name in names[1:]:
        page.locator(".lm-Menu-itemLabel", has_text=name).first.click()


def panel(page: Page) -> Locator:
    """The catalogue's panel, brought to the front with the launcher's tile."""
    if not page.locator(".fh-Panel-room").is_visible():
        menu(page, "File", "New Launcher")
        page.locator(".jp-LauncherCard", has_text=CATALOG).last.click()
    room = page.locator(".fh-Panel-room")
    expect(room).to_be_visible()
    return room


# --- the hub's own pages ---


def test_the_sign_in_page_and_a_link_that_was_used(
    browser: Browser, hub: RunningHub, shot: Shot
) -> None:
    with browser.new_context(viewport=DESK, base_url=hub.address) as context:
        page = context.new_page()
        page.goto("/hub/login")
        shot(page, "sign-in")
        page.goto(hub.links["grace"])
        page.wait_for_url("**/hub/spawn*")
    with browser.new_context(viewport=DESK, base_url=hub.address) as context:
        page = context.new_page()
        page.goto(hub.links["grace"])
        expect(page.locator("#login-error")).to_contain_text("used already")
        expect(page, "the token does not stay in the address").not_to_have_url(re.compile("link="))
        shot(page, "link-used")


def test_a_closed_team_says_so(browser: Browser, hub: RunningHub, shot: Shot) -> None:
    with browser.new_context(viewport=DESK, base_url=hub.address) as context:
        page = context.new_page()
        page.goto(hub.new_link("edsger"))
        expect(page.locator("main")).to_contain_text("2024-12-31")
        shot(page, "team-closed")


def test_the_profiles_of_a_member_of_two_teams(
    signed_in: SignedIn, shot: Shot, hub: RunningHub
) -> None:
    page = signed_in("grace")
    offered = page.locator("input[name=profile]").evaluate_all("all => all.map(i => i.value)")
    assert sorted(offered) == [
        "fairicubeuc4.fairicubeuc4", "fairicubeuc4.small", "urbanclimate.heat", "urbanclimate.small"
    ]  # fmt: skip
    shot(page, "profiles")
    page.set_viewport_size(PHONE)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"], "nothing sticks out at the side of a phone"
    shot(page, "profiles-phone")
    page.set_viewport_size(DESK)


# --- in JupyterLab ---


def test_choosing_a_profile_opens_jupyterlab_with_the_tile(signed_in: SignedIn, shot: Shot) -> None:
    page = signed_in("linus")
    choose(page, "fairicubeuc4.small")
    tile = page.locator(".jp-LauncherCard", has_text=CATALOG).last
    expect(tile).to_be_visible()
    expect(tile, "nobody has to scroll for it").to_be_in_viewport(ratio=1)
    shot(page, "lab-launcher")


def test_the_panel_finds_and_previews(signed_in: SignedIn, shot: Shot) -> None:
    page = in_lab(signed_in("linus"), "linus")
    room = panel(page)
    expect(room.locator(".fh-Tile")).to_have_count(5)
    expect(room).not_to_contain_text("heat island")
    shot(page, "catalog")
    room.get_by_role("searchbox", name="Search notebooks").fill("vegetation")
    expect(room.locator(".fh-Tile")).to_have_count(1)
    room.locator(".fh-Tile-main").click()
    frame = room.frame_locator("iframe").first
    expect(frame.locator("body")).to_contain_text("NDVI")
    shot(page, "preview")
    room.get_by_role("button", name="Close the preview").click()
    room.get_by_role("searchbox", name="Search notebooks").fill("")
    expect(room.locator(".fh-Tile")).to_have_count(5)


def test_a_copy_opens_with_its_kernel_and_runs(
    signed_in: SignedIn, hub: RunningHub, shot: Shot
) -> None:
    page = in_lab(signed_in("linus"), "linus")
    room = panel(page)
    tile = room.locator(".fh-Tile", has_text="Getting started")
    tile.get_by_role("button", name="Open a copy").click()
    notebook = page.locator(".jp-NotebookPanel:visible")
    expect(notebook).to_contain_text("Getting started")
    expect(notebook.locator(".jp-Toolbar-kernelName")).to_contain_text("Python 3")
    indicator = notebook.locator(".jp-Notebook-ExecutionIndicator")
    expect(indicator).to_have_attribute("data-status", "idle")
    menu(page, "Run", "Run All Cells")
    outputs = notebook.locator(".jp-OutputArea-output")
    expect(outputs.first).to_contain_text("fairicubeuc4.small")
    expect(outputs.first).to_contain_text("hub-fairicubeuc4")
    shot(page, "copy-ran")
    home = hub.data / "homes" / "fairicubeuc4" / "linus"
    assert (home / "getting-started.ipynb").is_file()


def test_a_taken_name_is_asked_about(signed_in: SignedIn, shot: Shot) -> None:
    page = in_lab(signed_in("linus"), "linus")
    room = panel(page)
    tile = room.locator(".fh-Tile", has_text="Getting started")
    tile.get_by_role("button", name="Open a copy").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("You already have")
    shot(page, "name-taken")
    dialog.get_by_role("button", name="Make the copy").click()
    expect(dialog).to_have_count(0)


def test_a_notebook_is_shared(signed_in: SignedIn, shot: Shot) -> None:
    page = in_lab(signed_in("linus"), "linus")
    page.goto("/user/linus/lab/tree/getting-started.ipynb")
    expect(page.locator(".jp-NotebookPanel:visible")).to_contain_text("Getting started")
    menu(page, "File", "Share notebook")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Our first steps")
    dialog.get_by_label("Message to the curators").fill("For those who join next month.")
    shot(page, "share")
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog).to_have_count(0)
    room = panel(page)
    room.get_by_role("tab", name="My contributions").click()
    card = room.locator(".fh-Card", has_text="Our first steps")
    expect(card).to_contain_text("Waiting for review")
    shot(page, "my-contributions")


def test_a_curator_publishes_it(signed_in: SignedIn, shot: Shot) -> None:
    page = signed_in("ada")
    choose(page, "fairicubeuc4.small")
    room = panel(page)
    room.get_by_role("tab", name="Review").click()
    card = room.locator(".fh-Card", has_text="Our first steps")
    card.get_by_role("button", name="Preview").click()
    expect(card.frame_locator("iframe").locator("body")).to_contain_text("Getting started")
    shot(page, "review")
    card.get_by_role("button", name="Publish").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(card).to_have_count(0)
    room.get_by_role("tab", name="Catalog").click()
    expect(room.locator(".fh-Tile", has_text="Our first steps")).to_be_visible()
    shot(page, "published")


def test_a_link_to_a_notebook_opens_a_copy(signed_in: SignedIn, shot: Shot) -> None:
    page = signed_in("linus")
    page.goto("/user/linus/lab?copy=fairicubeuc4.building-heights")
    expect(page.locator(".jp-NotebookPanel:visible")).to_contain_text("Building stock")
    expect(page).not_to_have_url(re.compile("copy="))
    shot(page, "copy-by-link")


# --- back to the hub ---


def test_the_hubs_page_stops_and_starts_another(
    signed_in: SignedIn, hub: RunningHub, shot: Shot
) -> None:
    page = in_lab(signed_in("linus"), "linus")
    with page.context.expect_page() as opened:
        menu(page, "File", "Hub Control Panel")
    home = opened.value
    expect(home.locator("#server-state")).to_have_text("Running")
    shot(home, "hub-page")
    home.set_viewport_size(PHONE)
    assert home.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    shot(home, "hub-page-phone")
    home.set_viewport_size(DESK)
    home.locator("#stop").click()
    home.get_by_role("dialog").get_by_role("button", name="Stop server").click()
    expect(home.locator("#server-state")).to_have_text("Not running")
    home.goto("/hub/spawn")
    choose(home, "fairicubeuc4.fairicubeuc4")
    assert hub.server("linus")["user_options"] == {"profile": "fairicubeuc4.fairicubeuc4"}
    shot(home, "another-profile")


@pytest.mark.parametrize("login", ["linus", "ada"])
def test_signing_out_ends_the_session(signed_in: SignedIn, hub: RunningHub, login: str) -> None:
    page = signed_in(login)
    page.goto("/hub/home")
    page.get_by_role("link", name="Sign out").first.click()
    page.goto("/hub/home")
    page.wait_for_url("**/hub/login*")
    hub.stop_server(login)
    until(lambda: not hub.server(login), "the server gone")
