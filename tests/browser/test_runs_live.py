"""A run followed on its page, as it goes on and to its end; names and values of every kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fairihub_core.places import Places
from tests.browser.conftest import DESK, PHONE, Shot, SignedIn
from tests.support.notebooks import notebook
from tests.support.running_hub import RunningHub

RUNS = "/services/headless/"
OVERFLOW = "document.scrollingElement.scrollWidth - window.innerWidth"
LIVE = """
import os, time
from fairihub_headless import progress
print("<b>first</b> line \N{GRINNING FACE} \u05e9\u05dc\u05d5\u05dd")
progress(0.5, "tiles 1 to 50 of " + "100")
while not os.path.exists({go!r}):
    time.sleep(0.05)
for number in range(2000):
    print(number, "x" * 60)
print("last line")
"""
STRANGE = (
    "\u05de\u05d7\u05d1\u05e8\u05ea \N{EARTH GLOBE EUROPE-AFRICA} " + "very-long-" * 9 + ".ipynb"
)


@pytest.fixture
def ada(hub: RunningHub, signed_in: SignedIn) -> Iterator[Page]:
    page = signed_in("ada")
    page.set_viewport_size(DESK)
    yield page
    page.emulate_media(color_scheme="light")


def submitted(hub: RunningHub, name: str, code: str, **values: str) -> str:
    home = Places(hub.data).home("fairicubeuc4", "ada")
    home.mkdir(parents=True, exist_ok=True)
    (home / name).write_text(json.dumps(notebook(code, parameters='station = "x"')))
    inputs = {"notebook": name, "profile": "small", "parameters_json": values}
    answer = hub.api("ada").post(
        f"{RUNS}processes/execute-notebook/execution", json={"inputs": inputs}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["jobID"])


def test_a_run_is_followed_to_its_end(
    hub: RunningHub, ada: Page, shot: Shot, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    run = submitted(hub, STRANGE, LIVE.format(go=str(go)), station="Graz " * 2000)
    problems: list[str] = []
    ada.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    ada.goto(f"{RUNS}jobs/{run}")
    log = ada.locator("#log-text")
    expect(log).to_contain_text("<b>first</b> line")
    expect(ada.locator("#follow-note")).to_have_text("tiles 1 to 50 of 100")
    expect(ada.get_by_role("progressbar", name="Progress")).to_have_attribute("value", "50")
    expect(ada.locator("#follow-said")).to_have_text("50 % done.")
    expect(ada.locator("main .fh-badge")).to_have_text("running")
    for size, width in ((DESK, "desk"), (PHONE, "phone")):
        for scheme in ("light", "dark"):
            ada.set_viewport_size(size)
            ada.emulate_media(color_scheme=scheme)
            assert ada.evaluate(OVERFLOW) <= 0
            shot(ada, f"run-live-{width}-{scheme}")
    ada.evaluate("window.stays = true")
    go.touch()
    expect(ada.locator("main .fh-badge")).to_have_text("succeeded")
    ada.wait_for_function("!window.stays")
    expect(log).to_contain_text("last line")
    expect(log).not_to_contain_text("first")
    expect(ada.get_by_text("This is its end.")).to_be_visible()
    assert problems == []


def test_without_a_script_the_page_says_the_same(
    hub: RunningHub, ada: Page, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    run = submitted(hub, "plain.ipynb", LIVE.format(go=str(go)))
    ada.goto(f"{RUNS}jobs/{run}")
    expect(ada.locator("#log-text")).to_contain_text("first")
    answer = hub.api("ada").get(f"{RUNS}jobs/{run}", headers={"Accept": "text/html"})
    assert "&lt;b&gt;first&lt;/b&gt; line" in answer.text
    assert ">Refresh</a>" in answer.text
    go.touch()
    expect(ada.locator("main .fh-badge")).to_have_text("succeeded")


def test_runs_are_searched(hub: RunningHub, ada: Page, shot: Shot) -> None:
    ada.goto(f"{RUNS}jobs")
    for size, width in ((DESK, "desk"), (PHONE, "phone")):
        for scheme in ("light", "dark"):
            ada.set_viewport_size(size)
            ada.emulate_media(color_scheme=scheme)
            assert ada.evaluate(OVERFLOW) <= 0
            shot(ada, f"runs-{width}-{scheme}")
    search = ada.get_by_label("Notebook, or why it failed")
    search.fill("PLAIN")
    search.press("Enter")
    expect(ada.get_by_text("1 of 1 run")).to_be_visible()
    expect(search).to_have_value("PLAIN")
    ada.get_by_label("Order").select_option("longest first")
    ada.get_by_label("Asked for").select_option("today")
    ada.get_by_role("button", name="Search").click()
    expect(ada.get_by_text("1 of 1 run")).to_be_visible()
    search.fill("nowhere")
    search.press("Enter")
    expect(ada.get_by_role("status").filter(has_text="None of your runs is so.")).to_be_visible()
    shot(ada, "runs-none-found")
    ada.get_by_role("link", name="Show all your runs").click()
    expect(ada.get_by_text("2 of 2 runs")).to_be_visible()
