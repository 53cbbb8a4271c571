"""Tokens for scripts that do one thing, and what a browser's session may do, on a whole hub."""

from __future__ import annotations

import json

import httpx
import pytest

from fairihub_core.places import Places
from fairihub_core.scopes import CONTRIBUTE, CURATE, READ_RUNS, RUN
from tests.support.access.cast import EXECUTE
from tests.support.notebooks import notebook
from tests.support.running_hub import RunningHub, until, xsrf_of

RUNS = "access:services!service=headless"
CATALOG = "access:services!service=catalog"
OF_THE_CATALOGUE = {"inputs": {"notebook": "public.monthly-summary", "profile": "small"}}


def limited(hub: RunningHub, login: str, *scopes: str) -> httpx.Client:
    """A script of `login` whose token holds these scopes only."""
    asked = {"scopes": list(scopes), "note": "a test"}
    made = hub.api(login).post(f"/hub/api/users/{login}/tokens", json=asked)
    assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    return hub.client(headers=headers, follow_redirects=False)


@pytest.fixture
def of_the_home(hub: RunningHub) -> dict[str, object]:
    """A request to run a notebook of ada's home."""
    home = Places(hub.data).home("fairicubeuc4", "ada")
    home.mkdir(parents=True, exist_ok=True)
    (home / "limited.ipynb").write_text(json.dumps(notebook("1 + 1")))
    return {"inputs": {"notebook": "limited.ipynb", "profile": "small"}}


def test_a_token_for_runs_starts_runs_and_opens_nothing_else(
    hub: RunningHub, of_the_home: dict[str, object]
) -> None:
    script = limited(hub, "ada", RUNS, RUN)
    accepted = script.post(EXECUTE, json=of_the_home)
    assert accepted.status_code == 201, accepted.text
    job = f"/services/headless/jobs/{accepted.json()['jobID']}"
    until(lambda: script.get(job).json()["status"] == "successful", "the run has ended", 60)
    assert script.get("/services/catalog/api/notebooks").json()["code"] == "no-scope"
    assert script.get("/hub/api/users").status_code == 403
    assert script.post("/hub/api/users/ada/server").status_code == 403
    assert script.post("/hub/api/users/ada/tokens", json={}).status_code == 403
    for path in ("/user/ada/api/contents", "/user/ada/fairihub/api/me"):
        assert script.get(path).status_code in (302, 403, 404, 424, 503), path
    reader = limited(hub, "ada", RUNS, READ_RUNS)
    assert reader.get(job).status_code == 200
    assert reader.post(EXECUTE, json=of_the_home).json()["code"] == "no-scope"
    assert reader.delete(job).json()["code"] == "no-scope"


def test_a_notebook_of_the_catalogue_is_read_with_the_callers_own_token(hub: RunningHub) -> None:
    refused = limited(hub, "ada", RUNS, RUN).post(EXECUTE, json=OF_THE_CATALOGUE)
    assert (refused.status_code, refused.json()["code"]) == (403, "catalogue-refused")
    assert CATALOG in refused.json()["detail"]
    script = limited(hub, "ada", RUNS, RUN, CATALOG)
    accepted = script.post(EXECUTE, json=OF_THE_CATALOGUE)
    assert accepted.status_code == 201, accepted.text
    script.delete(f"/services/headless/jobs/{accepted.json()['jobID']}")


def test_a_browsers_session_runs_notebooks_of_the_catalogue_too(hub: RunningHub) -> None:
    browser = hub.sign_in("ada")
    browser.headers["Accept"] = "text/html"
    assert browser.get("/services/headless/").status_code == 200
    browser.get("/services/headless/")  # the first page after it gives the token for forms
    headers = {
        "X-XSRFToken": xsrf_of(browser, "/services/headless/"),
        "Accept": "application/json",
    }
    accepted = browser.post(EXECUTE, json=OF_THE_CATALOGUE, headers=headers)
    assert accepted.status_code == 201, accepted.text
    browser.delete(f"/services/headless/jobs/{accepted.json()['jobID']}", headers=headers)


def test_tokens_of_the_catalogue(hub: RunningHub) -> None:
    ways = "/services/catalog/api/contributions"
    reader = limited(hub, "ada", CATALOG)
    assert reader.get("/services/catalog/api/notebooks").status_code == 200
    assert reader.post(ways, json={}).json()["code"] == "no-scope"
    assert limited(hub, "ada", CATALOG, CONTRIBUTE).post(ways, json={}).status_code == 400
    curator = limited(hub, "ada", CATALOG, CURATE)
    assert curator.post(ways, json={}).status_code == 400
    assert curator.post(f"{ways}/{'0' * 32}/publish", json={}).status_code == 404
    assert curator.get("/services/headless/jobs").json()["code"] == "no-scope"
