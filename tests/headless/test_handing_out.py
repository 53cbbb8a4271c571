"""What a run left, over HTTP: in parts, as zip, as a page; a run again, and pinned."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fairihub_headless.models import NOTEBOOK_TYPE
from tests.headless.test_service import EXECUTE, ended, submit

EVIL = "<script>alert(1)</script>"
CELL = (
    "import os\nr = os.environ['RESULTS_DIRECTORY']\n"
    f"open(r + '/page.html', 'w').write({EVIL!r})\n"
    "open(r + '/ten.txt', 'w').write('0123456789')\n"
    f"from IPython.display import HTML, display\ndisplay(HTML({EVIL!r} + '<b>bold</b>'))\n"
    "print('log line', a, len(api_token))"
)


@pytest.fixture(scope="module")
def job(hub: Any, ada: httpx.Client, notebook: Callable[..., str]) -> str:
    """A run of ada's that left files, and has a parameter that nobody may read."""
    hub.put("uc1", "ada", notebook(CELL, parameters="a = 1\napi_token = ''"), "left.ipynb")
    given = {"a": 5, "api_token": "caller-canary"}
    answer = submit(ada, "left.ipynb", parameters_json=given)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["jobID"]
    assert ended(ada, found)["status"] == "successful"
    return found


@pytest.fixture(scope="module", name="notebook")
def _notebook() -> Callable[..., str]:
    from tests.headless.conftest import notebook

    return notebook


def test_a_file_comes_in_parts_and_once(ada: httpx.Client, job: str) -> None:
    path = f"jobs/{job}/files/results/ten.txt"
    whole = ada.get(path)
    assert (whole.text, whole.headers["Accept-Ranges"]) == ("0123456789", "bytes")
    tag = whole.headers["ETag"]
    part = ada.get(path, headers={"Range": "bytes=2-4", "If-Range": tag})
    assert (part.status_code, part.text) == (206, "234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    assert ada.get(path, headers={"If-None-Match": tag}).status_code == 304
    beyond = ada.get(path, headers={"Range": "bytes=99-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "no-such-range")
    head = ada.head(path)
    assert (head.headers["Content-Length"], head.text) == ("10", "")


def test_nothing_of_a_notebook_acts_in_the_hubs_name(ada: httpx.Client, job: str) -> None:
    page = ada.get(f"jobs/{job}/files/results/page.html")
    assert page.text == EVIL
    assert page.headers["Content-Disposition"] == "attachment"
    report = ada.get(f"jobs/{job}/report")
    assert report.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<b>bold</b>" in report.text
    assert "<script" not in report.text
    for answer in (page, report):
        policy = answer.headers["Content-Security-Policy"]
        assert re.match(r"sandbox;", policy)
        assert "allow-" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    hidden = ada.get(f"jobs/{job}/report", params={"code": "hide"}).text
    assert ("RESULTS_DIRECTORY" in report.text, "RESULTS_DIRECTORY" in hidden) == (True, False)
    assert ada.get(f"jobs/{job}/report", params={"code": "x"}).status_code == 400


def test_all_of_it_as_one_archive(ada: httpx.Client, job: str) -> None:
    answer = ada.get(f"jobs/{job}/files.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == [
            "executed.ipynb", "log.txt", "results/page.html", "results/ten.txt",
        ]  # fmt: skip
        assert b"log line 5 13" in archive.read("log.txt")
    assert b"caller-canary" not in answer.content


def test_again_with_a_change_and_with_the_secret_of_before(ada: httpx.Client, job: str) -> None:
    answer = ada.post(f"jobs/{job}/again", json={"inputs": {"parameters_json": {"a": 6}}})
    status = answer.json()
    assert (answer.status_code, status["source"]["run"]) == (201, job)
    assert answer.headers["Location"].endswith(f"/jobs/{status['jobID']}")
    assert status["parameters"]["parameters_json"] == {"a": 6, "api_token": "*****"}
    assert ended(ada, status["jobID"])["status"] == "successful"
    assert "log line 6 13" in ada.get(f"jobs/{status['jobID']}/logs").text
    assert ada.post(f"jobs/{job}/again").status_code == 201
    for body, code in (({"inputs": {"notebook": "x.ipynb"}}, "bad-input"), ([], "bad-json")):
        refused = ada.post(f"jobs/{job}/again", json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    form = ada.post(f"jobs/{job}/again", data={"parameters": "{}"})
    assert form.status_code == 415


def test_pinned_and_not(ada: httpx.Client, job: str) -> None:
    assert ada.get(f"jobs/{job}").json()["expires"]
    pinned = ada.put(f"jobs/{job}/pin").json()
    assert (pinned["pinned"], pinned.get("expires")) == (True, None)
    assert ada.delete(f"jobs/{job}/pin").json()["pinned"] is False


def test_a_form_repeats_and_shows_no_secret(hub: Any, ada: httpx.Client, job: str) -> None:
    with hub.browser("ada") as browser:
        page = browser.get(f"jobs/{job}")
        for words in ("Run again…", "Report", "All as zip", "Pin</button>", "at the latest"):
            assert words in page.text
        form = browser.get(f"jobs/{job}/repeat").text
        assert "caller-canary" not in form + page.text
        assert "&#34;api_token&#34;: &#34;*****&#34;" in form
        token = re.search(r'name="_xsrf" value="([^"]+)"', form)
        assert token is not None
        typed = {"_xsrf": token[1], "parameters": '{"a": 9, "api_token": "*****"}'}
        bad = browser.post(f"jobs/{job}/repeat", data={**typed, "parameters": "{<b>"})
        assert bad.status_code == 400
        assert 'role="alert"' in bad.text
        assert "{&lt;b&gt;" in bad.text
        forged = browser.post(f"jobs/{job}/repeat", data={"parameters": "{}"})
        assert forged.status_code == 403
        new = browser.post(f"jobs/{job}/repeat", data=typed)
        assert (new.status_code, new.history[0].status_code) == (200, 303)
        made = new.url.path.rpartition("/")[2]
        assert ended(ada, made)["status"] == "successful"
        assert "log line 9 13" in ada.get(f"jobs/{made}/logs").text
        kept = browser.post(f"jobs/{job}/keep", data={"_xsrf": token[1], "pinned": "yes"})
        assert "pinned, whatever its age" in kept.text
        assert "Unpin</button>" in kept.text
        browser.post(f"jobs/{job}/keep", data={"_xsrf": token[1], "pinned": "no"})
    assert ada.get(f"jobs/{job}").json()["pinned"] is False


def test_a_notebook_in_the_request_of_several_megabytes(
    ada: httpx.Client, notebook: Callable[..., str]
) -> None:
    large = json.loads(notebook("print('uploaded')", "#" + "x" * 4_000_000))
    value = {"value": large, "mediaType": NOTEBOOK_TYPE}
    answer = ada.post(EXECUTE, json={"inputs": {"notebook": value}})
    assert answer.status_code == 201, answer.text
    status = ended(ada, answer.json()["jobID"])
    assert (status["status"], status["source"]["kind"]) == ("successful", "upload")
    large["cells"][1]["source"] = "#" + "x" * 24_000_000
    refused = ada.post(EXECUTE, json={"inputs": {"notebook": {**value, "value": large}}})
    assert (refused.status_code, refused.json()["code"]) == (413, "too-large")


def test_the_file_named_as_the_result_is_what_a_raw_answer_leads_to(
    hub: Any, ada: httpx.Client, notebook: Callable[..., str]
) -> None:
    cell = (
        "from fairihub_headless.scraps import glue\nimport os\n"
        "path = os.path.join(os.environ['RESULTS_DIRECTORY'], 'out.csv')\n"
        "open(path, 'w').write('1,2')\nglue('result-file', path)"
    )
    hub.put("uc1", "ada", notebook(cell), "raw.ipynb")
    body = {"inputs": {"notebook": "raw.ipynb"}, "response": "raw"}
    job = ada.post(EXECUTE, json=body).json()["jobID"]
    assert ended(ada, job)["status"] == "successful"
    answer = ada.get(f"jobs/{job}/results")
    assert answer.status_code == 303
    file = ada.get(answer.headers["Location"])
    assert (file.text, file.headers["Content-Type"]) == ("1,2", "text/csv")
