"""The door of the runs service behind a real hub: tokens, scopes, forged requests, admins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from fairihub_core.scopes import CONTRIBUTE, CURATE, READ_RUNS, RUN
from fairihub_headless.web.routes import ROUTES
from tests.headless.test_service import EXECUTE, ended, submit
from tests.support.waiting import eventually

DOOR = "access:services!service=headless"
OPERATIONS = [
    (operation.method, route.path.lstrip("/").format(
        processID="execute-notebook", jobID="nothing", name="x", output="scraps"), operation.needs)
    for route in ROUTES for operation in route.operations
]  # fmt: skip
UNSAFE = [(method, path) for method, path, _ in OPERATIONS if method not in ("GET", "HEAD")]


@pytest.mark.parametrize(
    ("scopes", "holds"),
    [
        ([], []),
        ([RUN], [RUN, READ_RUNS]),
        ([READ_RUNS], [READ_RUNS]),
        ([CONTRIBUTE, CURATE], []),
        ([f"{RUN}!user"], [RUN, READ_RUNS]),
        ([f"{READ_RUNS}!service=catalog"], []),
    ],
)
def test_a_token_does_what_its_scopes_say_and_nothing_else(
    hub: Any, scopes: list[str], holds: list[str]
) -> None:
    with hub.client("ada", scopes=[DOOR, *scopes]) as client:
        for method, path, needs in OPERATIONS:
            answer = client.request(method, path, json={} if method == "POST" else None)
            code = answer.json().get("code")
            if needs is None or needs in holds:
                assert code != "no-scope", (method, path, answer.text)
                assert answer.status_code in (200, 303, 400, 404), (method, path, answer.text)
            else:
                assert (answer.status_code, code) == (403, "no-scope"), (method, path)
                assert needs in answer.json()["detail"]
        page = client.get("", headers={"Accept": "text/html"})
        assert page.status_code == (200 if READ_RUNS in holds else 403), "it lists runs"


def test_a_token_for_something_else_does_not_open_the_door(hub: Any) -> None:
    for scopes in ([RUN], ["access:services!service=catalog", RUN], ["read:users!user"]):
        with hub.client("ada", scopes=scopes) as client:
            answer = client.get("conformance")
            assert (answer.status_code, answer.json()["code"]) == (403, "no-scope")
            assert DOOR in answer.json()["detail"]


def test_a_token_in_every_form(hub: Any) -> None:
    token = hub.token("ada")
    for form in ("token {}", "Bearer {}", "Token {}", "bearer {}", "TOKEN   {}"):
        answer = httpx.get(f"{hub.headless}jobs", headers={"Authorization": form.format(token)})
        assert answer.status_code == 200, form
    for form in ("Basic {}", "{}", "Bearer", "token{}", "Bearer x{}", "Bearer {} {}"):
        wrong = {"Authorization": form.format(token, token)}
        answer = httpx.get(f"{hub.headless}jobs", headers=wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "signed-out"), form
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    in_the_address = httpx.get(f"{hub.headless}jobs", params={"token": token})
    assert in_the_address.status_code == 401


@pytest.fixture(scope="module")
def browser(hub: Any) -> Iterator[httpx.Client]:
    with hub.browser("ada") as browser:
        yield browser


@pytest.mark.parametrize(("method", "path"), UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"},
        {"X-XSRFToken": "wrong"},
    ],
)
def test_a_forged_request_is_refused(
    browser: httpx.Client, method: str, path: str, headers: dict[str, str]
) -> None:
    headers = {**headers, "Accept": "application/json"}
    answer = browser.request(method, path, headers=headers, content=b"_xsrf=wrong")
    assert (answer.status_code, answer.json()["code"]) == (403, "xsrf")


@pytest.mark.parametrize("path", ["jobs", "", "processes", "jobs/nothing/logs"])
@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_other_sites_read_nothing(browser: httpx.Client, path: str, mode: str) -> None:
    headers = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Site": "cross-site", "Accept": "*/*"}
    answer = browser.get(path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "xsrf")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_browser_is_sent_to_sign_in_for_our_pages_only(hub: Any) -> None:
    service = httpx.URL(hub.service_url)
    for path in ("//evil.example/", "/\\evil.example", "/services/headlessx/", "/"):
        line = HTTPConnection(service.host, service.port)
        line.putrequest("GET", path)
        line.putheader("Accept", "text/html")
        line.endheaders()
        answer = line.getresponse()
        assert (answer.status, answer.getheader("Location")) == (401, None), path
        line.close()


@pytest.mark.parametrize("query", ["", "?state=x&code=x", "?error=canary&error_description=canary"])
def test_a_sign_in_that_was_not_completed_is_told_in_words(hub: Any, query: str) -> None:
    answer = httpx.get(f"{hub.headless}oauth_callback{query}", headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "The sign-in was not completed" in answer.text
    assert "canary" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_session_outlives_the_service(hub: Any) -> None:
    secret = hub.places.headless / "cookie_secret"
    kept = secret.read_bytes()
    assert (len(kept), secret.stat().st_mode & 0o777) == (32, 0o600)
    with hub.browser("bob") as browser:
        hub.kill_service()
        hub.start_service()
        browser.follow_redirects = False
        assert browser.get("jobs").status_code == 200
    assert secret.read_bytes() == kept


SLOW = "import time; print('on', flush=True); time.sleep(100)"


@pytest.fixture(scope="module")
def team(hub: Any) -> None:
    """The team uc4 of dan, whom carl looks after; uc5 of finn and his admin gina."""
    hub.team("uc4", "dan", admins=("carl",))
    hub.team("uc5", "finn", admins=("gina",))
    for login in ("dan", "carl", "gina"):
        with hub.client(login) as client:
            assert eventually(lambda client=client: client.get("jobs").status_code == 200)


def run_of_dan(hub: Any, notebook: Callable[..., str], cell: str = SLOW) -> str:
    hub.put("uc4", "dan", notebook(cell), "dans.ipynb")
    with hub.client("dan") as dan:
        job = str(submit(dan, "dans.ipynb").json()["jobID"])
        assert eventually(lambda: dan.get(f"jobs/{job}").json()["status"] != "accepted")
    return job


def audit(hub: Any) -> list[dict[str, Any]]:
    log = hub.folder / "audit.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize(
    ("login", "office"), [("carl", "an admin of uc4"), ("olga", "an operator of this hub")]
)
def test_who_looks_after_a_team_sees_its_runs_and_ends_them(
    hub: Any, notebook: Callable[..., str], login: str, office: str
) -> None:
    job = run_of_dan(hub, notebook)
    with hub.client(login) as client:
        assert client.get("jobs").json()["jobs"] == []
        listed = client.get("jobs", params={"team": "uc4"}).json()["jobs"]
        assert [(j["jobID"], j["owner"]) for j in listed if j["jobID"] == job] == [(job, "dan")]
        of_dan = client.get("jobs", params={"owner": "dan", "status": "running"}).json()
        assert job in {j["jobID"] for j in of_dan["jobs"]}
        status = client.get(f"jobs/{job}").json()
        assert status["owner"] == "dan"
        assert {link["rel"] for link in status["links"]} == {"self", "related"}
        assert not [link for link in status["links"] if link["href"].endswith(("files", "results"))]
        assert eventually(lambda: "on" in client.get(f"jobs/{job}/logs").text)
        for left in ("results", "files", "files/executed.ipynb"):
            assert client.get(f"jobs/{job}/{left}").json()["code"] == "no-such-job"
        ended_by = client.delete(f"jobs/{job}").json()
        said = f"Cancelled by {login}, {office}."
        assert ended_by["message"] == f"{said} It is stopping."
        assert client.get(f"jobs/{job}/files").status_code == 404
    with hub.client("dan") as dan:
        assert eventually(lambda: dan.get(f"jobs/{job}/files").status_code == 200)
        told = dan.get(f"jobs/{job}").json()
        assert (told["status"], told["message"]) == ("dismissed", said)
    wanted = {"action": "run-dismissed", "login": "dan", "by": login, "team": "uc4"}
    found = eventually(lambda: [e for e in audit(hub) if job in e["detail"]])
    assert [{k: e[k] for k in wanted} for e in found] == [wanted]


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize("login", ["gina", "ada", "finn"])
def test_nothing_is_told_of_runs_of_other_teams(
    hub: Any, notebook: Callable[..., str], login: str
) -> None:
    job = run_of_dan(hub, notebook)
    unknown = "0" * 8 + job[8:]
    with hub.client(login) as client:
        for query in (
            {"team": "uc4"},
            {"owner": "dan"},
            {"team": "*"},
            {"team": "uc4", "owner": "dan"},
        ):
            answer = client.get("jobs", params=query)
            assert answer.status_code == 200
            assert job not in answer.text
            assert "dans.ipynb" not in answer.text
        for method, path, _ in OPERATIONS:
            if "nothing" not in path:
                continue
            answers = [
                client.request(method, path.replace("nothing", name)) for name in (job, unknown)
            ]
            assert {a.status_code for a in answers} == {404}, path
            texts = [a.text.replace(job, "").replace(unknown, "") for a in answers]
            assert texts[0] == texts[1], "a run that is there looks like one that is not"
            assert "dan" not in texts[0]
    with hub.client("dan") as dan:
        dan.delete(f"jobs/{job}")


@pytest.mark.usefixtures("team")
def test_an_admin_who_is_one_no_more_sees_nothing(hub: Any, notebook: Callable[..., str]) -> None:
    job = run_of_dan(hub, notebook)
    with hub.client("carl") as carl:
        assert carl.get(f"jobs/{job}").status_code == 200
        hub.team("uc4", "dan", "carl")
        assert eventually(lambda: carl.get(f"jobs/{job}").status_code == 404, 6)
        assert carl.delete(f"jobs/{job}").status_code == 404
        assert carl.get("jobs", params={"team": "uc4"}).json()["numberMatched"] == 0
        hub.team("uc4", "dan", admins=("carl",))
        assert eventually(lambda: carl.get(f"jobs/{job}").status_code == 200, 6)
    with hub.client("dan") as dan:
        dan.delete(f"jobs/{job}")


@pytest.mark.usefixtures("team")
def test_an_admin_ends_a_run_on_the_pages(hub: Any, notebook: Callable[..., str]) -> None:
    job = run_of_dan(hub, notebook)
    with hub.browser("carl") as browser:
        own = browser.get("")
        assert "No runs yet" in own.text
        assert f'href="{hub.headless}jobs?team=uc4"' in own.text
        team = browser.get("jobs?team=uc4")
        assert "<h1>Runs of team uc4</h1>" in team.text
        assert "dans.ipynb" in team.text
        asked = browser.get(f"jobs/{job}/cancel")
        assert "Cancel this run of dan?" in asked.text
        xsrf = asked.text.split('name="_xsrf" value="')[1].split('"')[0]
        done = browser.post(f"jobs/{job}/cancel", data={"_xsrf": xsrf})
        assert done.url.path.endswith(f"/jobs/{job}")
        assert "Cancelled by carl, an admin of uc4." in done.text
    with hub.client("dan") as dan:
        assert ended(dan, job)["status"] == "dismissed"


def test_a_browser_may_start_runs(hub: Any, browser: httpx.Client) -> None:
    token = next(
        c.value
        for c in browser.cookies.jar
        if c.name == "_xsrf" and c.path == "/services/headless/"
    )
    headers = {"X-XSRFToken": token or "", "Accept": "application/json"}
    body = {"inputs": {"notebook": "nothing.ipynb"}}
    answer = browser.post(EXECUTE, json=body, headers=headers)
    assert answer.json()["code"] == "no-such-notebook"
