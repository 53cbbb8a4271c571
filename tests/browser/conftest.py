"""A real browser for the story, at a width of a desk and of a phone, and pictures of each step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from scripts.find_browser import find_browser
from tests.support.running_hub import ROOT, RunningHub

ARTEFACTS = ROOT / "tests" / "artefacts"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 400, "height": 800}
PATIENCE = 60_000
"""Milliseconds: what a page comes to say may take as long as a busy machine makes it."""

expect.set_options(timeout=PATIENCE)

SignedIn = Callable[..., Page]
Shot = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with the module: while it is open, no test with a loop of its own can run."""
    found = find_browser()
    if found is None:
        pytest.skip("no Chromium: `make test` as root or `playwright install chromium` gets one")
    # As root, Chromium has no sandbox to go into.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, hub: RunningHub) -> Iterator[SignedIn]:
    """`signed_in("ada")`: a page of somebody who came in by link, in a browser of their own."""
    contexts: dict[str, BrowserContext] = {}

    def page_of(login: str) -> Page:
        if login in contexts:
            return contexts[login].pages[0]
        contexts[login] = browser.new_context(viewport=DESK, base_url=hub.address)
        contexts[login].set_default_timeout(PATIENCE)
        page = contexts[login].new_page()
        page.goto(hub.new_link(login))
        page.wait_for_url("**/hub/spawn*")
        return page

    yield page_of
    for context in contexts.values():
        context.close()


@pytest.fixture(scope="session")
def shot() -> Shot:
    """`shot(page, "profiles")` keeps a picture of the step, numbered in the order of the story."""
    ARTEFACTS.mkdir(exist_ok=True)
    for old in ARTEFACTS.glob("*.png"):
        old.unlink()
    taken: list[Path] = []

    def take(page: Page, name: str) -> None:
        path = ARTEFACTS / f"{len(taken) + 1:02d}-{name}.png"
        page.screenshot(path=path)
        taken.append(path)

    return take
