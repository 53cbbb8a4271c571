"""OGC API Processes 1.0, class `core`: its abstract tests on execution and on results.

Each test bears the names of the abstract tests (`/conf/core/…`) that it stands for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.ogc import (
    ECHO,
    EXCEPTION,
    conforms,
    is_exception,
    links_to,
    parts_of,
    succeeded,
)

BOX = {"bbox": [51.9, 7, 52, 7.1], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
EVERYTHING: dict[str, Any] = {
    "message": "Grüße",
    "number": 4.5,
    "list": [1, 2.5],
    "object": {"value": {"a": {"b": [None, True]}}},
    "bbox": BOX,
    "pause": 0,
}
ASYNC = {"Prefer": "respond-async"}
OURS = "urn:x-fairihub:error:"


Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def echo(ada: httpx.Client) -> Ask:
    """Asks for an echo of these inputs."""

    def ask(inputs: dict[str, Any], headers: dict[str, str] | None = None, **more: Any) -> Any:
        return ada.post(ECHO, json={"inputs": inputs, **more}, headers=headers or {})

    return ask


def monitored(answer: httpx.Response) -> str:
    """The job of a synchronous answer."""
    ((address, _),) = links_to(answer, "monitor")
    return address


def test_job_creation_op_and_default_execution_mode(ada: httpx.Client, echo: Ask) -> None:
    """Without a preference: at once if the process can, else later."""
    answer = echo({"message": "now"})
    assert (answer.status_code, answer.json()) == (200, {"message": "now"})
    assert "Preference-Applied" not in answer.headers
    assert ada.get(monitored(answer)).json()["status"] == "successful"
    body = {"inputs": {"notebook": "none.ipynb"}}
    is_exception(ada.post("processes/execute-notebook/execution", json=body), 404,
                 OURS + "no-such-notebook")  # fmt: skip


def test_job_creation_auto_execution_mode_and_success_async(ada: httpx.Client, echo: Ask) -> None:
    answer = echo({"message": "later", "pause": 0.2}, headers=ASYNC)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (201, "respond-async")
    told = answer.json()
    conforms(told, "statusInfo")
    assert (told["status"], told["type"], told["processID"]) == ("accepted", "process", "echo")
    assert answer.headers["Location"].endswith(f"/jobs/{told['jobID']}")
    status = succeeded(ada, answer)
    conforms(status, "statusInfo")
    assert status["progress"] == 100
    assert ada.get(f"{answer.headers['Location']}/results").json() == {
        "message": "later",
        "pause": 0.2,
    }


@pytest.mark.parametrize(
    ("prefer", "status", "applied"),
    [
        ("respond-async;foo=bar", 201, "respond-async"),
        ("Respond-Async, wait=0", 201, "respond-async, wait=0"),
        ("wait=20", 200, "wait=20"),
        ("respond-async, wait=20", 200, "wait=20"),
        ('return=minimal; foo="a, b", wait="20"', 200, "wait=20"),
        ("wait=x, handling=lenient", 200, None),
        ("respond-sync", 200, None),
    ],
)
def test_prefer(echo: Ask, prefer: str, status: int, applied: str | None) -> None:
    """RFC 7240: what is not understood is ignored, and what was followed is said."""
    answer = echo({"message": "x"}, headers={"Prefer": prefer})
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (status, applied)


def test_several_headers_prefer_are_one(ada: httpx.Client) -> None:
    headers = [("Prefer", "wait=0"), ("Prefer", "respond-async"), ("Prefer", "wait=20")]
    answer = ada.post(ECHO, json={"inputs": {"pause": 1}}, headers=httpx.Headers(headers))
    assert answer.headers["Preference-Applied"] == "respond-async, wait=0"


def test_who_waits_too_briefly_is_told_of_the_job(ada: httpx.Client, echo: Ask) -> None:
    begun = time.monotonic()
    answer = echo({"pause": 3, "message": "x"}, headers={"Prefer": "wait=1"})
    assert 1 <= time.monotonic() - begun < 3
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (201, "wait=1")
    succeeded(ada, answer)


@pytest.mark.parametrize(("mode", "status"), [("sync", 200), ("async", 201), ("auto", 200)])
def test_the_mode_of_older_clients(echo: Ask, mode: str, status: int) -> None:
    assert echo({"message": "x"}, mode=mode).status_code == status


def test_job_creation_request_and_inputs(echo: Ask) -> None:
    for inputs in (EVERYTHING, {}):
        request = {"inputs": inputs, "outputs": {"message": {"transmissionMode": "value"}}}
        conforms(request, "execute")
        assert echo(**request).status_code == 200


def test_job_creation_input_inline_object_bbox_and_array(echo: Ask) -> None:
    answer = echo(EVERYTHING)
    told = answer.json()
    conforms(told, "results")
    assert told["object"] == {"value": {"a": {"b": [None, True]}}, "mediaType": "application/json"}
    assert (told["bbox"], told["list"]) == (BOX, [1, 2.5])
    assert echo({"object": {"bare": 1}}).json()["object"]["value"] == {"bare": 1}
    older = {"crs": "urn:ogc:def:crs:EPSG:6.6:4326", "bbox": [345345345] * 4}
    assert echo({"bbox": older}).json() == {"bbox": older}
    assert echo({"bbox": {"bbox": [1, 2, 3, 4, 5, 6]}}).status_code == 200


def test_job_creation_input_inline_mixed(echo: Ask) -> None:
    """Values that say what they are."""
    said = {"value": "x", "mediaType": "text/plain; charset=utf-8", "encoding": "utf-8"}
    assert echo({"message": said}).json() == {"message": "x"}
    for wrong in ({"value": "x", "mediaType": "image/png"}, {"value": "x", "encoding": "hex"}):
        is_exception(echo({"message": wrong}), 400, OURS + "bad-media-type")


@pytest.mark.parametrize(
    "href",
    ["http://169.254.169.254/latest", "http://localhost:8081/hub/api", "file:///etc/passwd",
     "http://[::ffff:127.0.0.1]/", "http://2130706433/", "data:text/plain,x"],
)  # fmt: skip
def test_job_creation_input_ref_is_refused(ada: httpx.Client, echo: Ask, href: str) -> None:
    """Nothing is ever fetched from an address that somebody names."""
    for name in ("message", "object"):
        told = is_exception(echo({name: {"href": href, "type": "text/plain"}}), 400,
                            OURS + "no-references")  # fmt: skip
        assert name in told["detail"]
    body = {"inputs": {"notebook": {"href": href}}}
    refused = ada.post("processes/execute-notebook/execution", json=body)
    is_exception(refused, 400, OURS + "no-references")


@pytest.mark.parametrize(
    "inputs",
    [
        {"message": 3}, {"message": None}, {"number": "3"}, {"number": True}, {"list": 3},
        {"list": ["x"]}, {"object": []}, {"bbox": [1, 2, 3, 4]}, {"bbox": {"bbox": [1, 2, 3]}},
        {"bbox": {"bbox": [1, 2, 3, 4], "crs": 3}}, {"pause": -1}, {"pause": 61},
        {"message": {"type": "wrong/type"}},
    ],
)  # fmt: skip
def test_job_creation_input_validation(echo: Ask, inputs: dict[str, Any]) -> None:
    told = is_exception(echo(inputs), 400, OURS + "bad-input")
    assert told["input"] in inputs


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b'{"inputs": {"surprise": 1}}', "application/json", 400, "unknown-input"),
        (b'{"invalid-execute-request": "true"}', "application/json", 400, "unknown-input"),
        (b"{}", "application/json", 400, "no-inputs"),
        (b'{"inputs": {}, "outputs": {"nothing": {}}}', "application/json", 400, "unknown-input"),
        (b'{"inputs": {}, "outputs": []}', "application/json", 400, "bad-outputs"),
        (b'{"inputs": {}, "response": "cooked"}', "application/json", 400, "bad-response"),
        (b'{"inputs": {}, "mode": []}', "application/json", 400, "bad-mode"),
        (b"{", "application/json", 400, "bad-json"),
        (b"<xml/>", "application/xml", 415, "unsupported-type"),
        (b"inputs=1", "application/x-www-form-urlencoded", 415, "unsupported-type"),
        (b'{"inputs": {"message": "' + b"x" * 2**21 + b'"}}', "application/json", 413, "too-large"),
    ],
)
def test_job_creation_request_is_checked(
    ada: httpx.Client, body: bytes, kind: str, status: int, code: str
) -> None:
    answer = ada.post(ECHO, content=body, headers={"Content-Type": kind})
    is_exception(answer, status, OURS + code)


def test_job_creation_default_outputs_and_sync_document(echo: Ask) -> None:
    """Left out, all outputs are meant; what has no value is not there."""
    assert set(echo(EVERYTHING, response="document").json()) == set(EVERYTHING)
    assert set(echo(EVERYTHING, outputs={}).json()) == set(EVERYTHING)
    some = echo({"message": "x", "number": 1}, outputs={"number": {}, "list": {}})
    assert some.json() == {"number": 1}


def test_job_creation_sync_raw_value_one(echo: Ask) -> None:
    one = {"response": "raw", "outputs": {"message": {"transmissionMode": "value"}}}
    answer = echo({"message": "Grüße"}, **one)
    assert (answer.status_code, answer.text) == (200, "Grüße")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert monitored(answer)
    as_json = echo({"message": "Grüße"}, headers={"Accept": "application/json"}, **one)
    assert (as_json.headers["Content-Type"], as_json.json()) == ("application/json", "Grüße")
    box = echo({"bbox": BOX}, response="raw", outputs={"bbox": {}})
    assert (box.headers["Content-Type"], box.json()) == ("application/json", BOX)


def test_job_creation_sync_raw_value_multi(echo: Ask) -> None:
    answer = echo(EVERYTHING, response="raw", outputs={"message": {}, "object": {}, "list": {}})
    assert parts_of(answer) == {
        "message": ("text/plain", None, "Grüße".encode()),
        "list": ("application/json", None, b"[1, 2.5]"),
        "object": ("application/json", None, b'{"a": {"b": [null, true]}}'),
    }


def test_job_creation_sync_raw_ref(ada: httpx.Client, echo: Ask) -> None:
    by_link = {"transmissionMode": "reference"}
    answer = echo(EVERYTHING, response="raw", outputs={"message": by_link, "number": by_link})
    assert (answer.status_code, answer.content) == (204, b"")
    (message, about), (number, _) = links_to(answer, "item")
    assert 'title="message"; type="text/plain"' in about
    assert (ada.get(message).text, ada.get(number).json()) == ("Grüße", 4.5)


def test_job_creation_sync_raw_mixed_multi(ada: httpx.Client, echo: Ask) -> None:
    answer = echo(EVERYTHING, response="raw",
                  outputs={"message": {}, "number": {"transmissionMode": "reference"}})  # fmt: skip
    parts = parts_of(answer)
    assert parts["message"] == ("text/plain", None, "Grüße".encode())
    kind, location, body = parts["number"]
    assert (kind, body) == ("application/json", b"")
    assert ada.get(str(location)).json() == 4.5


def test_output_by_reference_in_a_document(ada: httpx.Client, echo: Ask) -> None:
    told = echo(EVERYTHING, outputs={"bbox": {"transmissionMode": "reference"}}).json()
    conforms(told, "results")
    assert ada.get(told["bbox"]["href"]).json() == BOX


def test_job_results_async_in_every_form(ada: httpx.Client, echo: Ask) -> None:
    """`job-results-async-document`, `-raw-value-one`, `-multi`, `-raw-ref`, `-raw-mixed-multi`."""
    by_link = {"transmissionMode": "reference"}
    asked: list[dict[str, Any]] = [
        {"response": "document"},
        {"response": "raw", "outputs": {"message": {}}},
        {"response": "raw", "outputs": {"message": {}, "number": {}}},
        {"response": "raw", "outputs": {"message": by_link}},
        {"response": "raw", "outputs": {"message": {}, "number": by_link}},
    ]
    answers = []
    for more in asked:
        created = echo(EVERYTHING, headers=ASYNC, **more)
        succeeded(ada, created)
        answers.append(ada.get(f"{created.headers['Location']}/results"))
    document, one, multi, reference, mixed = answers
    conforms(document.json(), "results")
    assert (one.text, set(parts_of(multi))) == ("Grüße", {"message", "number"})
    assert (reference.status_code, len(links_to(reference, "item"))) == (204, 1)
    assert parts_of(mixed)["number"][2] == b""


def test_job_results_sync(ada: httpx.Client, echo: Ask) -> None:
    """What was answered at once can be had again."""
    answer = echo(EVERYTHING)
    assert ada.get(f"{monitored(answer)}/results").json() == answer.json()


def test_job_results_exception_results_not_ready(ada: httpx.Client, echo: Ask) -> None:
    created = echo({"message": "x", "pause": 30}, headers=ASYNC)
    address = created.headers["Location"]
    for path in ("/results", "/results/message"):
        is_exception(ada.get(address + path), 404, EXCEPTION + "result-not-ready")
    ada.delete(address)


def test_job_results_failed(hub: Any, ada: httpx.Client, notebook: Callable[..., str]) -> None:
    """By what it failed: 422 with the reason as the type, later and at once."""
    hub.put("uc1", "ada", notebook("1 / 0"), "fails.ipynb")
    body = {"inputs": {"notebook": "fails.ipynb"}}
    at_once = ada.post(
        "processes/execute-notebook/execution", json=body, headers={"Prefer": "wait=60"}
    )
    told = is_exception(at_once, 422, OURS + "cell-failed")
    assert (told["cell"], told["error"]) == (1, "ZeroDivisionError: division by zero")
    again = is_exception(ada.get(f"{told['instance']}/results"), 422, OURS + "cell-failed")
    assert again == told


def test_a_notebook_is_waited_for_on_request(
    hub: Any, ada: httpx.Client, notebook: Callable[..., str]
) -> None:
    """An extension: the process is asynchronous, and `Prefer: wait` is honoured all the same."""
    cell = "from fairihub_headless.scraps import glue; glue('two', 2)"
    hub.put("uc1", "ada", notebook(cell), "glues.ipynb")
    body = {"inputs": {"notebook": "glues.ipynb"}}
    answer = ada.post(
        "processes/execute-notebook/execution", json=body, headers={"Prefer": "wait=60"}
    )
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=60")
    told = answer.json()
    conforms(told, "results")
    assert told["scraps"]["value"] == {"two": 2}
    assert ada.get(told["notebook"]["href"]).json()["nbformat"] == 4
    raw = ada.post(
        "processes/execute-notebook/execution",
        json={**body, "response": "raw", "outputs": {"notebook": {}}, "mode": "sync"},
    )
    assert raw.headers["Content-Type"] == "application/x-ipynb+json"
    assert "sandbox" in raw.headers["Content-Security-Policy"]
    assert raw.json()["nbformat"] == 4
