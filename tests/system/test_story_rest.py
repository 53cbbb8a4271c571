"""The whole story by REST: sign in, start, find, copy, share, publish, run, restart, stop."""

from __future__ import annotations

import stat
from typing import Any

import httpx
import pytest

from tests.support.access.cast import EXECUTE
from tests.support.notebooks import GLUE, notebook
from tests.support.running_hub import RunningHub, until, xsrf_of

CATALOG = "/services/catalog/api"
JOBS = "/services/headless/jobs"


# --- signing in ---


def test_a_link_signs_in_once(hub: RunningHub) -> None:
    link = hub.links["ada"]
    first, second = hub.client(), hub.client()
    assert hub.open_link(first, link).url.path == "/hub/spawn"
    assert "ada" in first.get("/hub/home").text
    refused = hub.open_link(second, link)
    assert refused.status_code == 403
    assert "used already" in refused.text
    assert second.get("/hub/home").url.path == "/hub/login"


def test_sign_in_leads_where_one_wanted_to_go_but_not_away(hub: RunningHub) -> None:
    for wanted, leads_to in (
        ("/hub/token", "/hub/token"),
        ("//example.org/x", None),
        ("https://example.org/x", None),
        ("/\\example.org", None),
    ):
        client = hub.client()
        client.get("/hub/login", params={"next": wanted})
        token = hub.new_link("linus").partition("#link=")[2]
        form = {"link": token, "_xsrf": xsrf_of(client, "/hub/")}
        answer = client.post("/hub/login", params={"next": wanted}, data=form)
        assert answer.url.host == "127.0.0.1"
        assert leads_to in (None, answer.url.path)


def test_a_link_is_nothing_without_the_pages_token(hub: RunningHub) -> None:
    token = hub.new_link("linus").partition("#link=")[2]
    client = hub.client()
    assert client.post("/hub/login", data={"link": token}).status_code == 403
    assert client.get("/hub/home").url.path == "/hub/login"


def test_no_link_is_in_a_log_or_readable_by_others(hub: RunningHub) -> None:
    link = hub.new_link("linus")
    token = link.partition("#link=")[2]
    hub.sign_in("linus", link)
    assert token not in hub.log()
    assert all(token not in path.name for path in (hub.data / "links").iterdir())
    assert stat.S_IMODE(hub.links_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(hub.data.stat().st_mode) == 0o700


def test_a_member_of_a_closed_team_is_told_when_it_closed(hub: RunningHub) -> None:
    client = hub.client()
    answer = hub.open_link(client, hub.new_link("edsger"))
    assert answer.status_code == 403
    assert "landslides" in answer.text
    assert "2024-12-31" in answer.text
    assert "barbara" in answer.text, "the page names whom to ask"


def test_there_is_no_link_and_no_token_for_who_is_in_no_team(hub: RunningHub) -> None:
    for command in ("link", "token"):
        made = hub.run(command, "nobody", "--data", str(hub.data))
        assert made.returncode != 0
        assert "nobody" in made.stderr
        assert made.stdout == ""


# --- profiles and servers ---


@pytest.mark.parametrize(
    ("login", "sees", "not_seen"),
    [
        ("grace", ["FAIRiCUBE-UC4", "Heat maps", "urbanclimate", "fairicubeuc4"], []),
        ("linus", ["FAIRiCUBE-UC4", "hub-fairicubeuc4"], ["Heat maps", "urbanclimate"]),
        ("margaret", ["Heat maps", "4 GiB"], ["FAIRiCUBE-UC4", "fairicubeuc4"]),
    ],
)
def test_the_page_offers_only_ones_own(
    hub: RunningHub, login: str, sees: list[str], not_seen: list[str]
) -> None:
    client = hub.sign_in(login)
    page = client.get("/hub/spawn").text
    assert [text for text in sees if text not in page] == []
    assert [text for text in not_seen if text in page] == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"profile": "heat"}, "not one of your profiles"),
        ({"profile": "urbanclimate.small"}, "not one of your profiles"),
        ({"profile": "../small"}, "not one of your profiles"),
        ({"profile": "small", "image": "example/image"}, "image"),
        ({"profile": "small", "volumes": [{"name": "x"}]}, "volumes"),
        ({"profile": ["small"]}, "profile"),
    ],
)
def test_no_server_but_with_a_profile_of_ones_own(
    hub: RunningHub, options: dict[str, Any], says: str
) -> None:
    answer = hub.api("linus").post("/hub/api/users/linus/server", json={"user_options": options})
    assert 400 <= answer.status_code < 500, answer.text
    assert says in answer.json()["message"]
    assert hub.server("linus") == {}
    client = hub.sign_in("linus")
    client.get("/hub/spawn")
    form = {**options, "_xsrf": xsrf_of(client, "/hub/")}
    page = client.post("/hub/spawn", data={k: str(v) for k, v in form.items()})
    assert "was not started" in page.text
    assert hub.server("linus") == {}


def test_nobody_starts_a_server_for_another(hub: RunningHub) -> None:
    answer = hub.api("ada").post(
        "/hub/api/users/linus/server", json={"user_options": {"profile": "small"}}
    )
    assert answer.status_code in (403, 404)
    assert hub.server("linus") == {}


@pytest.fixture(scope="module")
def linus(hub: RunningHub) -> httpx.Client:
    """A script of Linus, whose server runs."""
    return hub.start_server("linus", "small")


@pytest.fixture(scope="module")
def ada(hub: RunningHub) -> httpx.Client:
    return hub.api("ada")


def put(client: httpx.Client, login: str, path: str, content: dict[str, Any]) -> None:
    body = {"type": "notebook", "format": "json", "content": content}
    answer = client.put(f"/user/{login}/api/contents/{path}", json=body)
    assert answer.status_code in (200, 201), answer.text


def test_a_server_has_its_profile_and_its_own_home(hub: RunningHub, linus: httpx.Client) -> None:
    assert hub.server("linus")["user_options"] == {"profile": "fairicubeuc4.small"}
    put(linus, "linus", "here.ipynb", notebook())
    home = hub.data / "homes" / "fairicubeuc4" / "linus"
    assert (home / "here.ipynb").is_file()
    assert (home / "s3").resolve().is_dir()


def test_the_lab_page_answers(linus: httpx.Client) -> None:
    answer = linus.get("/user/linus/lab", follow_redirects=True)
    assert answer.status_code == 200
    assert "jupyter-config-data" in answer.text


def test_nobody_enters_the_server_of_another(hub: RunningHub, linus: httpx.Client) -> None:
    assert linus.get("/user/linus/api/contents").status_code == 200
    assert hub.api("ada").get("/user/linus/api/contents").status_code in (403, 404)
    assert hub.client(follow_redirects=False).get("/user/linus/api/contents").status_code == 403


# --- the catalogue ---


def test_one_sees_the_notebooks_of_ones_teams_and_the_public_ones(
    hub: RunningHub, linus: httpx.Client
) -> None:
    def ids(login: str) -> set[str]:
        found = hub.api(login).get(f"{CATALOG}/notebooks").json()
        return {n["id"] for n in found["notebooks"]}

    until(lambda: "public.ndvi" in ids("linus"), "the first scan of the library")
    assert {"public.ndvi", "fairicubeuc4.building-heights"} <= ids("linus")
    assert "urbanclimate.heat-island" not in ids("linus")
    assert {"fairicubeuc4.building-heights", "urbanclimate.heat-island"} <= ids("grace")
    foreign = hub.api("linus").get(f"{CATALOG}/notebooks/urbanclimate.heat-island")
    assert foreign.status_code == 404
    assert hub.client().get(f"{CATALOG}/notebooks").status_code in (401, 403)
    through_server = linus.get("/user/linus/fairihub/api/notebooks").json()
    assert {n["id"] for n in through_server["notebooks"]} == ids("linus")


def test_search_tags_and_preview(linus: httpx.Client) -> None:
    found = linus.get(f"{CATALOG}/notebooks", params={"q": "vegetation"}).json()
    assert [n["id"] for n in found["notebooks"]] == ["public.ndvi"]
    tagged = linus.get(f"{CATALOG}/notebooks", params={"tag": "headless"}).json()
    assert [n["id"] for n in tagged["notebooks"]] == ["public.monthly-summary"]
    preview = linus.get(f"{CATALOG}/notebooks/public.ndvi/preview")
    assert preview.status_code == 200
    assert "How green is it" in preview.text
    assert "sandbox" in preview.headers["Content-Security-Policy"]
    assert "<script" not in preview.text


def test_a_copy_is_put_into_the_home_and_never_over_another(
    hub: RunningHub, linus: httpx.Client
) -> None:
    base = "/user/linus/fairihub"
    made = linus.post(f"{base}/copy", json={"id": "public.ndvi"})
    assert made.status_code == 201, made.text
    copy = made.json()
    assert copy["kernel"]["matched"]
    file = hub.data / "homes" / "fairicubeuc4" / "linus" / copy["path"]
    before = file.read_bytes()
    again = linus.post(f"{base}/copy", json={"id": "public.ndvi", "path": copy["path"]})
    assert (again.status_code, again.json()["code"]) == (409, "name-taken")
    assert file.read_bytes() == before
    other = linus.post(
        f"{base}/copy", json={"id": "public.ndvi", "path": again.json()["suggestion"]}
    )
    assert other.status_code == 201
    for path in ("../out.ipynb", "/tmp/out.ipynb", ".hidden.ipynb", "a\\b.ipynb"):
        assert (
            linus.post(f"{base}/copy", json={"id": "public.ndvi", "path": path}).status_code == 400
        )


# --- contributions ---


def share(linus: httpx.Client, name: str, title: str) -> dict[str, Any]:
    put(linus, "linus", f"{name}.ipynb", notebook("print(1)", title=title))
    answer = linus.post(
        "/user/linus/fairihub/share",
        json={
            "path": f"{name}.ipynb", "team": "fairicubeuc4", "title": title,
            "description": "From a test.", "tags": ["test"], "message": "Please look.",
        },
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert made["state"] == "submitted"
    return made


def test_a_shared_notebook_is_published_by_a_curator(
    hub: RunningHub, linus: httpx.Client, ada: httpx.Client
) -> None:
    cid = share(linus, "roofs", "Roofs of a street")["cid"]
    waiting = ada.get(f"{CATALOG}/contributions", params={"team": "fairicubeuc4"}).json()
    assert cid in [c["cid"] for c in waiting["contributions"]]
    for who in ("linus", "margaret", "grace"):
        refused = hub.api(who).post(f"{CATALOG}/contributions/{cid}/publish", json={"note": ""})
        assert refused.status_code in (403, 404), who
    done = ada.post(f"{CATALOG}/contributions/{cid}/publish", json={"note": "Thank you."})
    assert done.status_code == 200, done.text
    published = done.json()
    assert (published["state"], published["decided_by"]) == ("published", "ada")
    found = until(
        lambda: (
            hub.api("grace").get(f"{CATALOG}/notebooks", params={"q": "roofs"}).json()["notebooks"]
        ),
        "the published notebook in the search",
    )
    assert found[0]["id"] == published["notebook_id"]
    assert found[0]["authors"] == ["linus"] or found[0]["source"] == "contribution"
    mine = linus.get(f"{CATALOG}/contributions", params={"mine": 1}).json()["contributions"]
    assert [c["state"] for c in mine if c["cid"] == cid] == ["published"]


def test_a_shared_notebook_is_declined_with_a_reason(
    linus: httpx.Client, ada: httpx.Client
) -> None:
    cid = share(linus, "walls", "Walls of a street")["cid"]
    without = ada.post(f"{CATALOG}/contributions/{cid}/decline", json={})
    assert without.status_code == 400
    done = ada.post(f"{CATALOG}/contributions/{cid}/decline", json={"reason": "Too short."})
    assert done.json()["state"] == "declined"
    mine = linus.get(f"{CATALOG}/contributions/{cid}").json()
    assert (mine["state"], mine["reason"]) == ("declined", "Too short.")
    twice = ada.post(f"{CATALOG}/contributions/{cid}/publish", json={"note": ""})
    assert twice.status_code == 409


# --- runs ---


def start_run(client: httpx.Client, **inputs: Any) -> dict[str, Any]:
    answer = client.post(EXECUTE, json={"inputs": inputs})
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["Location"].endswith(f"{JOBS}/{job['jobID']}")
    return job


def ended(client: httpx.Client, job: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
    def status() -> dict[str, Any] | None:
        told: dict[str, Any] = client.get(f"{JOBS}/{job['jobID']}").json()
        return told if told["status"] not in ("accepted", "running") else None

    return until(status, f"the end of run {job['jobID']}", seconds) or {}


def test_a_run_gives_values_files_and_the_executed_notebook(ada: httpx.Client) -> None:
    job = start_run(
        ada, notebook="public.monthly-summary", parameters_json={"station": "Graz", "warm": 12}
    )
    assert ended(ada, job)["status"] == "successful"
    results = ada.get(f"{JOBS}/{job['jobID']}/results").json()
    assert results["scraps"]["value"] == {"mean_temperature": 10.45, "warm_months": 5}
    files = ada.get(f"{JOBS}/{job['jobID']}/files").json()["files"]
    assert [f["name"] for f in files] == ["executed.ipynb", "results/months.csv"]
    table = ada.get(files[1]["href"]).text
    assert table.splitlines()[1] == "1,0.3,False"
    assert "Graz" in ada.get(f"{JOBS}/{job['jobID']}/logs").text


def test_a_run_of_a_notebook_at_home_has_bucket_and_secrets(
    hub: RunningHub, linus: httpx.Client
) -> None:
    source = GLUE + (
        "import os, pathlib\n"
        "glue('bucket', os.environ['S3_USER_STORAGE_BUCKET'])\n"
        "glue('secret', len(os.environ['DEMO_API_KEY']) > 20)\n"
        "pathlib.Path.home().joinpath('s3', 'from-run.txt').write_text('here')\n"
    )
    put(linus, "linus", "equipped.ipynb", notebook(source))
    job = start_run(linus, notebook="equipped.ipynb", profile="fairicubeuc4")
    assert ended(linus, job)["status"] == "successful"
    scraps = linus.get(f"{JOBS}/{job['jobID']}/results").json()["scraps"]["value"]
    assert scraps == {"bucket": "hub-fairicubeuc4", "secret": True}
    home = hub.data / "homes" / "fairicubeuc4" / "linus"
    assert (home / "s3" / "from-run.txt").read_text() == "here"


@pytest.mark.parametrize(
    ("inputs", "status", "code"),
    [
        ({"notebook": "../x.ipynb"}, 400, "bad-path"),
        ({"notebook": "/etc/passwd.ipynb"}, 400, "bad-path"),
        ({"notebook": "missing.ipynb"}, 404, "no-such-notebook"),
        ({"notebook": "urbanclimate.heat-island"}, 404, "no-such-notebook"),
        ({"notebook": "public.ndvi", "parameters_json": {"nope": 1}}, 400, "undeclared-parameter"),
        ({"notebook": "public.ndvi", "parameters_json": {"a=1;b": 1}}, 400, "bad-parameter-name"),
        ({"notebook": "public.ndvi", "profile": "heat"}, 403, "unknown-profile"),
        ({"notebook": "public.ndvi", "image": "example/image"}, 400, "bad-image"),
        ({"notebook": "public.ndvi", "nope": 1}, 400, "unknown-input"),
        ({}, 400, "no-notebook-named"),
    ],
)
def test_what_a_run_may_not_ask_for(
    linus: httpx.Client, inputs: dict[str, Any], status: int, code: str
) -> None:
    answer = linus.post(EXECUTE, json={"inputs": inputs})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_what_is_no_notebook_and_what_is_too_large(hub: RunningHub, linus: httpx.Client) -> None:
    home = hub.data / "homes" / "fairicubeuc4" / "linus"
    (home / "text.ipynb").write_text("no notebook")
    (home / "huge.ipynb").write_bytes(b" " * (50 * 1024 * 1024))
    (home / "link.ipynb").symlink_to(hub.links_file)
    for name, status, code in (
        ("text.ipynb", 422, "no-notebook"),
        ("huge.ipynb", 413, "too-large"),
        ("link.ipynb", 400, "bad-path"),
    ):
        answer = linus.post(EXECUTE, json={"inputs": {"notebook": name}})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    (home / "huge.ipynb").unlink()


def test_a_run_is_its_owners_and_ends_on_delete(
    hub: RunningHub, linus: httpx.Client, ada: httpx.Client
) -> None:
    """An admin of its team sees how it stands, no more; members and other teams nothing."""
    put(linus, "linus", "long.ipynb", notebook("import time; time.sleep(600)"))
    job = start_run(linus, notebook="long.ipynb")
    address = f"{JOBS}/{job['jobID']}"
    until(lambda: linus.get(address).json()["status"] == "running", "the run running")
    for login in ("grace", "margaret"):
        foreign = hub.api(login)
        assert foreign.get(address).status_code == 404
        assert foreign.delete(address).status_code == 404
    assert ada.get(address).json()["status"] == "running"
    assert ada.get(f"{address}/results").status_code == 404
    assert job["jobID"] not in ada.get(JOBS, params={"limit": 1000}).text
    early = linus.get(f"{address}/results")
    assert (early.status_code, "result-not-ready" in early.text) == (404, True)
    assert linus.delete(address).status_code == 200
    assert ended(linus, job)["status"] == "dismissed"


# --- the end ---


def test_stop_ends_the_server_and_keeps_the_files(hub: RunningHub, linus: httpx.Client) -> None:
    hub.stop_server("linus")
    home = hub.data / "homes" / "fairicubeuc4" / "linus"
    assert (home / "here.ipynb").is_file()
    answer = linus.get("/user/linus/api/contents", follow_redirects=True)
    assert answer.status_code == 424
