"""Prints the path of a Chromium that the browser tests can drive; exit code 1 if there is none."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def find_browser() -> Path | None:
    """Chromium or Chrome of the machine, else the one that Playwright has downloaded."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


if __name__ == "__main__":
    browser = find_browser()
    if browser is None:
        sys.exit("no Chromium found")
    print(browser)
