"""The pages of the services in a browser: on a phone, a run cancelled, word of a removal."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from fairihub_core.places import Places
from tests.browser.conftest import DESK, PHONE, Shot, SignedIn
from tests.support.notebooks import notebook
from tests.support.running_hub import RunningHub, until

RUNS = "/services/headless/"
OVERFLOW = "document.scrollingElement.scrollWidth - window.innerWidth"
LONG = "a-rather-long-name-of-a-notebook-without-any-place-to-break-it-anywhere.ipynb"
PATHS = [
    RUNS,
    RUNS + "jobs",
    RUNS + "jobs?status=dismissed",
    RUNS + "jobs/{ended}",
    RUNS + "jobs/{ended}/results",
    RUNS + "jobs/{ended}/files",
    RUNS + "jobs/{failed}",
    RUNS + "jobs/nothing",
    RUNS + "processes",
    RUNS + "processes/execute-notebook",
    RUNS + "openapi",
    RUNS + "conformance",
    "/services/catalog/",
    "/services/catalog/?q=nothing",
]


@pytest.fixture(scope="module")
def runs(hub: RunningHub) -> dict[str, str]:
    """The ids of a run that succeeded and of one that failed."""
    glue = 'from pathlib import Path\nPath("results.csv").write_text("1")\n1 + 1'
    made = {
        "ended": _submitted(hub, "ended.ipynb", glue, values={"station": "Graz " * 30}),
        "failed": _submitted(hub, LONG, "raise ValueError('x' * 300)"),
    }
    api = hub.api("ada")

    def ended() -> bool:
        states = {api.get(f"{RUNS}jobs/{run}").json()["status"] for run in made.values()}
        return states <= {"successful", "failed"}

    until(ended, "the runs have ended", 60)
    return made


def _submitted(hub: RunningHub, name: str, code: str, values: dict[str, str] | None = None) -> str:
    home = Places(hub.data).home("fairicubeuc4", "ada")
    home.mkdir(parents=True, exist_ok=True)
    made = notebook(code, parameters='station = "x"')
    (home / name).write_text(json.dumps(made))
    inputs = {"notebook": name, "profile": "small", "parameters_json": values or {}}
    answer = hub.api("ada").post(
        f"{RUNS}processes/execute-notebook/execution", json={"inputs": inputs}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["jobID"])


@pytest.fixture
def page(signed_in: SignedIn) -> Iterator[Page]:
    """Ada's page, as wide as a desk again afterwards."""
    found = signed_in("ada")
    yield found
    found.set_viewport_size(DESK)
    found.emulate_media(color_scheme="light")


def test_who_has_no_runs_learns_how_to_start_one(signed_in: SignedIn, shot: Shot) -> None:
    page = signed_in("grace")
    page.set_viewport_size(PHONE)
    page.goto(RUNS)
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    assert page.evaluate(OVERFLOW) <= 0
    shot(page, "no-runs-phone")


@pytest.mark.parametrize("path", PATHS)
def test_no_page_scrolls_sideways_on_a_phone(
    page: Page, runs: dict[str, str], path: str, shot: Shot
) -> None:
    page.set_viewport_size(PHONE)
    page.goto(path.format(**runs))
    expect(page.get_by_role("banner").get_by_role("link", name="Sign out")).to_be_visible()
    assert page.evaluate(OVERFLOW) <= 0
    shot(page, f"service-{PATHS.index(path)}-phone")


@pytest.mark.parametrize("path", [RUNS, RUNS + "jobs/{failed}", "/services/catalog/"])
def test_the_pages_are_the_hubs_by_day_and_by_night(
    page: Page, runs: dict[str, str], path: str, shot: Shot
) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(path.format(**runs))
        expect(page.get_by_role("link", name="fairihub", exact=True)).to_have_attribute(
            "href", "/hub/home"
        )
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        shot(page, f"service-{PATHS.index(path)}-{scheme}")
    assert grounds == ["rgb(244, 246, 247)", "rgb(16, 22, 26)"]


def test_a_run_is_cancelled_after_a_question(page: Page, hub: RunningHub, shot: Shot) -> None:
    run = _submitted(hub, "slow.ipynb", "import time\ntime.sleep(120)")
    page.goto(f"{RUNS}jobs/{run}")
    page.get_by_role("link", name="Cancel run").click()
    expect(page.get_by_role("button", name="Cancel the run")).to_be_visible()
    shot(page, "cancel-run")
    page.get_by_role("link", name="Let it run").click()
    page.get_by_role("link", name="Cancel run").click()
    page.get_by_role("button", name="Cancel the run").click()
    page.wait_for_url(f"**/jobs/{run}")
    expect(page.get_by_role("main")).to_contain_text("cancelled")
    expect(page.get_by_role("link", name="Cancel run")).to_have_count(0)
    assert hub.api("ada").get(f"{RUNS}jobs/{run}").json()["status"] == "dismissed"


def test_a_run_is_not_cancelled_without_the_pages_token(page: Page, hub: RunningHub) -> None:
    run = _submitted(hub, "slow.ipynb", "import time\ntime.sleep(120)")
    page.goto(f"{RUNS}jobs/{run}/cancel")
    page.locator("[name=_xsrf]").evaluate("field => field.value = 'forged'")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_role("main")).to_contain_text("xsrf")
    api = hub.api("ada")
    assert api.get(f"{RUNS}jobs/{run}").json()["status"] in ("accepted", "running")
    api.delete(f"{RUNS}jobs/{run}")


def test_open_pages_say_who_is_let_in_no_more_and_take_it_back(
    signed_in: SignedIn, hub: RunningHub, shot: Shot
) -> None:
    first = signed_in("linus")
    shown = {"catalogue": first, "runs": first.context.new_page()}
    shown["catalogue"].goto("/services/catalog/")
    shown["runs"].goto(f"{RUNS}jobs")
    for page in shown.values():
        expect(page.locator("#standing")).to_be_hidden()
    file = hub.teams / "fairicubeuc4.yaml"
    with hub.edited("fairicubeuc4", file.read_text().replace("userName: linus", "userName: joan")):
        for page in shown.values():
            said = page.get_by_role("alert")
            expect(said).to_have_text("You are no longer in a team of this hub.")
        for name, page in shown.items():
            for width in (DESK, PHONE):
                page.set_viewport_size(width)
                assert page.evaluate(OVERFLOW) <= 0
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    shot(page, f"removed-{name}-{width['width']}-{scheme}")
        expect(page.get_by_role("link", name="What to do")).to_be_visible()
    for page in shown.values():  # nobody comes back in by a session from before
        expect(page.get_by_role("alert")).to_have_text("You are signed out.")
    hub.forget_token("linus")
    with first.context.new_page() as again:
        again.goto(hub.new_link("linus"))
        again.wait_for_url("**/hub/spawn*")
    for page in shown.values():
        expect(page.locator("#standing")).to_be_hidden()
    shown["runs"].close()
    first.set_viewport_size(DESK)
    first.emulate_media(color_scheme="light")
