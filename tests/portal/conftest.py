"""A hub with our pages and a browser to look at them, for the tests of this room."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect, sync_playwright

from fairihub_auth.link_store import LinkStore
from fairihub_core.clock import now
from tests.support.ports import free_port
from tests.support.proxy import proxy_command

CONFIG = Path(__file__).with_name("hub_config.py")
ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60_000
"""Milliseconds: what a page comes to say may take as long as a busy machine makes it."""

expect.set_options(timeout=PATIENCE)


@dataclass(frozen=True)
class Hub:
    """A running hub; `url` is its public address with the base path."""

    url: str
    folder: Path
    log: Path
    links: LinkStore

    def link(self, login: str, lifetime: timedelta = timedelta(hours=1), next: str = "") -> str:
        """A new sign-in link, as the command line makes them; `next` is where it leads."""
        token = self.links.issue(login, lifetime, now())
        return f"{self.url}hub/login{next and f'?next={quote(next)}'}#link={token}"

    @contextmanager
    def starts_held(self) -> Iterator[None]:
        """No server goes on starting before the end of the block."""
        held = self.folder / "held"
        held.touch()
        try:
            yield
        finally:
            held.unlink()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that signs in by link."""
    with running(tmp_path_factory.mktemp("hub"), "links") as hub:
        yield hub


@pytest.fixture(scope="module")
def github_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that signs in through a stand-in for GitHub."""
    with running(tmp_path_factory.mktemp("github-hub"), "github") as hub:
        yield hub


@contextmanager
def running(folder: Path, provider: str) -> Iterator[Hub]:
    base = "/lab/"
    port, hub_port, api_port = (free_port() for _ in range(3))
    told = {
        "folder": str(folder),
        "base": base,
        "links": str(folder / "links"),
        "port": port,
        "hub_port": hub_port,
        "api_port": api_port,
        "proxy": str(proxy_command()),
        "colour": "#0b7261",
        "provider": provider,
    }
    log = folder / "hub.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG)],
            cwd=folder,
            env={**os.environ, "PORTAL_TEST": json.dumps(told), "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}{base}"
        wait_for(f"{url}hub/health", process, log)
        yield Hub(url, folder, log, LinkStore(folder / "links"))
    finally:
        stop(process)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Of one module only: while it lives, no other event loop can run in this thread."""
    with sync_playwright() as p:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = p.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty browser; a script error or a breach of the policy fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
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


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"the hub did not start:\n{log.read_text()[-4000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks the hub to stop all it started; whatever is left of its session is killed."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
