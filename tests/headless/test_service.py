"""The service behind a real hub and its proxy: OGC API Processes as a client sees it."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from tests.support.runs import EXECUTE
from tests.support.waiting import all_ended

OGC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"


@pytest.fixture(scope="module")
def bob(hub: Any) -> Iterator[httpx.Client]:
    with hub.client("bob", scheme="Bearer") as client:
        yield client


def submit(client: httpx.Client, path: str = "work.ipynb", **inputs: Any) -> httpx.Response:
    return client.post(EXECUTE, json={"inputs": {"notebook": path, **inputs}})


def ended(client: httpx.Client, job: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = client.get(f"jobs/{job}").json()
        if status["status"] not in ("accepted", "running"):
            return status
        time.sleep(0.1)
    raise AssertionError(f"not ended: {status}")


def is_given_to_nobody_yet(job: str, owner: httpx.Client, other: httpx.Client) -> None:
    early = owner.get(f"jobs/{job}/results")
    assert (early.status_code, early.json()["type"]) == (404, OGC + "result-not-ready")
    assert early.headers["Content-Type"] == "application/json"
    for method, path in (("GET", ""), ("GET", "/results"), ("GET", "/logs"), ("GET", "/files"),
                         ("GET", "/files/executed.ipynb"), ("DELETE", "")):  # fmt: skip
        foreign = other.request(method, f"jobs/{job}{path}")
        assert (foreign.status_code, foreign.json()["type"]) == (404, OGC + "no-such-job")


def its_files_are_handed_out(job: str, owner: httpx.Client, address: str) -> None:
    names = [f["name"] for f in owner.get(f"jobs/{job}/files").json()["files"]]
    assert names == ["executed.ipynb", "results/a b.txt"]
    for path in ("../order.json", "%2e%2e/order.json", "/etc/passwd", "x\\..\\y", "no.txt"):
        got = owner.get(f"{address}jobs/{job}/files/{path}")
        assert got.status_code == 404


def test_the_story_of_a_run(
    hub: Any, ada: httpx.Client, bob: httpx.Client, notebook: Callable[..., str]
) -> None:
    cell = (
        "from fairihub_headless.scraps import glue\nimport os, time\nglue('twice', 2 * a)\n"
        "open(os.environ['RESULTS_DIRECTORY'] + '/a b.txt', 'w').write('hi')\ntime.sleep(1)"
    )
    hub.put("uc1", "ada", notebook(cell, parameters="a = 1\nkeys = None"))
    parameters = {"a": 4, "keys": {"deep": "canary"}}
    answer = ada.post(
        EXECUTE,
        json={"inputs": {"notebook": "work.ipynb", "parameters_json": parameters}},
        headers={"Prefer": "respond-async"},
    )
    status = answer.json()
    job = status["jobID"]
    assert (answer.status_code, status["status"], status["type"]) == (201, "accepted", "process")
    assert answer.headers["Location"] == f"{hub.headless}jobs/{job}"
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert status["parameters"]["parameters_json"] == {"a": 4, "keys": "*****"}

    is_given_to_nobody_yet(job, ada, bob)
    status = ended(ada, job)
    assert (status["status"], status["progress"]) == ("successful", 100)
    assert status["finished"] == status["job_end_datetime"]
    results = ada.get(f"jobs/{job}/results").json()
    assert results["scraps"] == {"value": {"twice": 8}, "mediaType": "application/json"}
    assert [f["title"] for f in results["files"]] == ["results/a b.txt"]
    assert ada.get(results["files"][0]["href"]).text == "hi"
    executed = ada.get(results["notebook"]["href"])
    assert executed.headers["Content-Type"] == "application/x-ipynb+json"
    assert "sandbox" in executed.headers["Content-Security-Policy"]
    assert executed.json()["nbformat"] == 4
    assert "[fairihub] The run has ended" in ada.get(f"jobs/{job}/logs").text
    its_files_are_handed_out(job, ada, hub.headless)

    dismissed = ada.delete(f"jobs/{job}")
    assert (dismissed.status_code, dismissed.json()["status"]) == (200, "dismissed")
    assert ada.delete(f"jobs/{job}").status_code == 410
    assert ada.get(f"jobs/{job}/results").status_code == 410
    assert ada.get(f"jobs/{job}").json()["status"] == "dismissed"


def test_a_failed_run_says_why(hub: Any, ada: httpx.Client, notebook: Callable[..., str]) -> None:
    hub.put("uc1", "ada", notebook("1 / 0"), "bad.ipynb")
    answer = ada.post(
        "processes/execute-notebook/jobs",  # the older address
        json={"inputs": {"notebook": "bad.ipynb"}, "outputs": {"scraps": {}}},
    )
    job = answer.json()["jobID"]
    assert ended(ada, job)["status"] == "failed"
    results = ada.get(f"jobs/{job}/results")
    problem = results.json()
    assert (results.status_code, problem["code"], problem["cell"]) == (422, "cell-failed", 1)
    assert problem["error"] == "ZeroDivisionError: division by zero"
    assert ada.get(f"jobs/{job}/files/executed.ipynb").status_code == 200
    wanted = ada.get(f"jobs/{job}/results", headers={"Accept": "application/problem+json"})
    assert wanted.headers["Content-Type"] == "application/problem+json"


def test_two_members_see_their_own(
    hub: Any, ada: httpx.Client, bob: httpx.Client, notebook: Callable[..., str]
) -> None:
    for team in ("uc1", "uc2"):
        hub.put(team, "bob", notebook(f"import os; print('in {team}', os.getcwd())"), "b.ipynb")
    asked = submit(bob, "b.ipynb")
    assert (asked.status_code, asked.json()["teams"]) == (400, ["uc1", "uc2"])
    jobs = [submit(bob, "b.ipynb", team=team).json()["jobID"] for team in ("uc1", "uc2")]
    assert submit(ada, "b.ipynb").json()["code"] == "no-such-notebook"
    assert {ended(bob, job)["status"] for job in jobs} == {"successful"}
    assert "in uc2" in bob.get(f"jobs/{jobs[1]}/logs").text
    listed = bob.get("jobs", params={"limit": 1, "status": "successful"}).json()
    assert ([j["jobID"] for j in listed["jobs"]], listed["numberMatched"]) == ([jobs[1]], 2)
    more = next(link["href"] for link in listed["links"] if link["rel"] == "next")
    assert [j["jobID"] for j in bob.get(more).json()["jobs"]] == [jobs[0]]
    mine = {j["jobID"] for j in ada.get("jobs").json()["jobs"]}
    assert mine.isdisjoint(jobs)


def test_the_documents_of_the_standard(ada: httpx.Client) -> None:
    landing = ada.get("").json()
    for link in landing["links"]:
        assert ada.get(link["href"]).status_code == 200
    assert any(c.endswith("/conf/core") for c in ada.get("conformance").json()["conformsTo"])
    assert [p["id"] for p in ada.get("processes").json()["processes"]] == [
        "execute-notebook",
        "echo",
    ]
    described = ada.get("processes/execute-notebook").json()
    assert {"notebook", "parameters_json", "team", "mem_limit"} <= set(described["inputs"])
    assert described["inputs"]["notebook"]["minOccurs"] == 1
    document = ada.get("openapi").json()
    assert document["openapi"].startswith("3.0")
    assert "/jobs/{jobID}/results" in document["paths"]
    unknown = ada.get("processes/nothing")
    assert (unknown.status_code, unknown.json()["type"]) == (404, OGC + "no-such-process")
    assert ada.post("processes/nothing/execution", json={}).status_code == 404
    assert ada.get("jobs/nothing").json()["type"] == OGC + "no-such-job"
    for path in ("", "conformance", "processes", "processes/execute-notebook", "jobs", "openapi"):
        page = ada.get(path, headers={"Accept": "text/html"})
        assert page.headers["Content-Type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "<main " in page.text
        assert "Sign out" in page.text
    assert ada.get("jobs?f=json", headers={"Accept": "text/html"}).json()["numberMatched"] >= 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "jobs?limit=x", 400, "bad-query"),
        ("GET", "jobs?limit=0", 400, "bad-query"),
        ("GET", "jobs?offset=-1", 400, "bad-query"),
        ("GET", "jobs?status=asleep", 400, "bad-query"),
        ("GET", "jobs?f=xml", 400, "bad-format"),
        ("GET", "nothing", 404, "no-such-address"),
        ("PUT", "jobs", 405, "no-such-method"),
        ("GET", EXECUTE, 405, "no-such-method"),
        ("GET", "jobs/x/files/" + "a" * 300, 404, "no-such-job"),
        ("POST", EXECUTE, 400, "bad-json"),
    ],
)
def test_requests_that_make_no_sense(
    ada: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = ada.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_too_large_is_answered(hub: Any, ada: httpx.Client) -> None:
    body = b" " * (3 * 2**20)
    answer = ada.post(EXECUTE, content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    stranger = httpx.post(hub.headless + EXECUTE, content=body)
    assert (stranger.status_code, stranger.json()["code"]) == (401, "signed-out")


def test_a_hard_body_delays_nobody(ada: httpx.Client, bob: httpx.Client) -> None:
    hard = base64.b64encode(("a: [" + "1," * 120_000 + "1]").encode()).decode()
    nested = {"inputs": {"notebook": "nope.ipynb", "parameters_json": {"a": [[1]] * 15_000}}}
    with ThreadPoolExecutor(1) as other:
        for _ in range(3):
            begun = time.monotonic()
            asked = other.submit(submit, ada, "nope.ipynb", parameters=hard)
            spent = _longest(bob, asked.done)
            assert (asked.result().status_code, asked.result().json()["code"]) == (413, "too-large")
            asked = other.submit(ada.post, EXECUTE, json=nested)
            spent = max(spent, _longest(bob, asked.done))
            assert asked.result().json()["code"] == "no-such-notebook"
            # On a busy machine all is slow, but nobody waits until the hard one is done.
            assert spent < max(1, (time.monotonic() - begun) / 3)


def _longest(client: httpx.Client, done: Callable[[], bool]) -> float:
    """The longest that anybody else waited for an answer until `done`."""
    longest = 0.0
    while not done():
        begun = time.monotonic()
        assert client.get("conformance").status_code == 200
        longest = max(longest, time.monotonic() - begun)
    return longest


def test_the_log_has_no_query(hub: Any, ada: httpx.Client) -> None:
    ada.get("jobs?token=query-canary")
    ada.get("oauth_callback?code=query-canary&state=query-canary")
    httpx.get(hub.headless + "nothing?token=query-canary")
    log = (hub.folder / "service.log").read_text()
    assert "GET /services/headless/jobs " in log
    assert "GET /services/headless/oauth_callback " in log
    assert "query-canary" not in log


@pytest.mark.parametrize("path", ["", "jobs", "jobs/x", "openapi", "jobs/x/files/y", "nothing"])
def test_nothing_is_shown_to_strangers(hub: Any, path: str) -> None:
    url = hub.headless + path
    assert httpx.get(url).json()["code"] == "signed-out"
    wrong = httpx.get(url, headers={"Authorization": "token nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "signed-out")
    assert wrong.headers["WWW-Authenticate"] == "Bearer"
    service = httpx.get(url, headers={"Authorization": f"Token {hub.admin}"})
    assert service.json()["code"] == "not-a-person"
    page = httpx.get(url, headers={"Accept": "text/html"})
    assert (page.status_code, "/hub/api/oauth2/authorize" in page.headers["Location"]) == (
        302,
        True,
    )


def test_access_follows_the_team_files(hub: Any) -> None:
    for login, code in (("mallory", "no-team"), ("eve", "closed")):
        with hub.client(login, scheme="Token") as client:
            assert client.get("jobs").json()["code"] == code
    with hub.client("zoe") as zoe:
        assert zoe.get("jobs").status_code == 403
        hub.team("uc3", "zoe")
        _soon(lambda: zoe.get("jobs").status_code == 200)
        hub.team("uc3", "carl")
        _soon(lambda: zoe.get("jobs").status_code == 403)


def _soon(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_without_a_snapshot_nobody_is_let_in(hub: Any, ada: httpx.Client, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    blind = {"JUPYTERHUB_API_TOKEN": hub.admin, "JUPYTERHUB_SERVICE_URL": url}
    environment = {**os.environ, **hub.beside.environment, **blind}
    data = hub.folder / "blind.json"
    data.write_text(json.dumps({"data": str(hub.folder / "blind")}))
    environment["FAIRIHUB_SERVICE"] = str(data)
    command = [sys.executable, "-m", "fairihub_headless"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as service:
        got: list[Any] = []
        _within(lambda: got.append(_asked(url, ada)) or got[-1] is not None, 40)
        service.terminate()
    assert (got[-1].status_code, got[-1].json()["code"]) == (503, "no-snapshot")


def _asked(url: str, ada: httpx.Client) -> httpx.Response | None:
    try:
        return httpx.get(f"{url}/services/headless/jobs", headers=ada.headers)
    except httpx.TransportError:
        return None


def test_a_browser_signs_in_and_needs_the_xsrf_token(hub: Any) -> None:
    with httpx.Client(follow_redirects=True, headers={"Accept": "text/html"}) as browser:
        form = browser.get(f"{hub.headless}jobs")
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', form.text)
        assert xsrf is not None
        page = browser.post(
            form.url, data={"username": "ada", "password": "x", "_xsrf": xsrf.group(1)}
        )
        assert "Your runs" in page.text
        page = browser.get(f"{hub.headless}jobs")
        assert "Your runs" in page.text
        body = {"inputs": {"notebook": "nothing.ipynb"}}
        for headers in ({}, {"Sec-Fetch-Mode": "no-cors"}, {"Origin": "http://evil.example"},
                        {"X-XSRFToken": "wrong"}):  # fmt: skip
            answer = browser.post(hub.headless + EXECUTE + "?f=json", json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "xsrf")
        own = next(
            c.value for c in browser.cookies.jar
            if c.name == "_xsrf" and c.path == "/services/headless/"
        )  # fmt: skip
        answer = browser.post(
            hub.headless + EXECUTE + "?f=json", json=body, headers={"X-XSRFToken": own or ""}
        )
        assert answer.json()["code"] == "no-such-notebook"


def test_a_run_keeps_the_members_server_from_being_idle(
    hub: Any, ada: httpx.Client, notebook: Callable[..., str]
) -> None:
    admin = httpx.Client(headers={"Authorization": f"token {hub.admin}"}, timeout=60)
    admin.post(f"{hub.api}/users/ada/server")
    _soon(lambda: _server(admin, hub).get("ready", False))
    before = _server(admin, hub)["last_activity"]
    time.sleep(1.5)
    assert _server(admin, hub)["last_activity"] == before
    hub.put("uc1", "ada", notebook("import time; time.sleep(60)"), "long.ipynb")
    job = submit(ada, "long.ipynb").json()["jobID"]
    _soon(lambda: _server(admin, hub)["last_activity"] > before)
    ada.delete(f"jobs/{job}")
    admin.delete(f"{hub.api}/users/ada/server")
    admin.close()


def _server(admin: httpx.Client, hub: Any) -> Any:
    return admin.get(f"{hub.api}/users/ada").json()["servers"].get("", {})


def test_runs_survive_the_death_of_the_service(
    hub: Any, ada: httpx.Client, notebook: Callable[..., str]
) -> None:
    hub.put("uc1", "ada", notebook("import time; print('asleep', flush=True); time.sleep(200)"))
    hub.put("uc1", "ada", notebook("print('done')"), "quick.ipynb")
    running = [submit(ada).json()["jobID"] for _ in range(2)]
    queued = submit(ada, "quick.ipynb").json()["jobID"]
    for job in running:
        # A word of the notebook's own: what is lost before it has started begins again.
        _within(lambda job=job: "asleep" in ada.get(f"jobs/{job}/logs").text, 60)
    assert ada.get(f"jobs/{queued}").json()["status"] == "accepted"
    workers = [p for p in _alive() if _job(p) in running]
    assert len(workers) >= 4
    hub.kill_service()
    _within(lambda: all_ended(workers), 30)
    hub.start_service()
    begun = time.monotonic()
    for job in running:
        status = ended(ada, job)
        assert (status["status"], status["failure"]["code"]) == ("failed", "service-stopped")
        assert ada.get(f"jobs/{job}/results").status_code == 500
        assert ada.get(f"jobs/{job}/files/executed.ipynb").status_code == 200
    assert time.monotonic() - begun < 30
    assert ended(ada, queued)["status"] == "successful"
    assert "done" in ada.get(f"jobs/{queued}/logs").text


def _within(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _alive() -> Iterator[psutil.Process]:
    yield from psutil.process_iter()


def _job(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("JOB_NAME")
    except (psutil.Error, OSError):
        return None
