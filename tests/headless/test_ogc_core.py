"""OGC API Processes 1.0, class `core`: its abstract tests on what the service says of itself.

Each test bears the names of the abstract tests (`/conf/core/…`) that it stands for.
"""

from __future__ import annotations

import httpx
import pytest

from tests.support.ogc import CONF, EXCEPTION, REL, conforms, is_exception, link_of


def test_landingpage_op_and_success(ada: httpx.Client) -> None:
    answer = ada.get("")
    assert answer.status_code == 200
    landing = answer.json()
    conforms(landing, "landingPage")
    for rel in ("service-desc", "service-doc", REL + "conformance", REL + "processes",
                REL + "job-list"):  # fmt: skip
        assert ada.get(link_of(landing, rel)).status_code == 200


def test_api_definition_op_and_success(ada: httpx.Client) -> None:
    for link in ada.get("").json()["links"]:
        if link["rel"].startswith("service-"):
            answer = ada.get(link["href"], headers={"Accept": link["type"]})
            assert answer.headers["Content-Type"].startswith(link["type"])


def test_conformance_op_and_success(ada: httpx.Client) -> None:
    told = ada.get("conformance").json()
    conforms(told, "confClasses")
    assert {CONF + name for name in ("core", "ogc-process-description", "json", "html", "oas30",
                                     "job-list", "dismiss")} <= set(told["conformsTo"])  # fmt: skip
    assert CONF + "callback" not in told["conformsTo"]


def test_http(ada: httpx.Client) -> None:
    head = ada.head("processes")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == ada.get("processes").headers["Content-Type"]
    options = ada.options("processes/echo/execution")
    assert (options.status_code, options.headers["Allow"]) == (204, "POST, OPTIONS")
    refused = ada.put("processes")
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS"
    is_exception(refused, 405, "urn:x-fairihub:error:no-such-method")
    is_exception(
        ada.get("processes", headers={"Accept": "image/png"}), 406,
        "urn:x-fairihub:error:not-acceptable",
    )  # fmt: skip
    for accept in ("*/*", "application/*;q=0.5", "text/html", "application/geo+json", ""):
        assert ada.get("conformance", headers={"Accept": accept}).status_code == 200
    assert "Access-Control-Allow-Origin" not in ada.get("", headers={"Origin": "http://x"}).headers


def test_process_list_and_success(ada: httpx.Client) -> None:
    told = ada.get("processes").json()
    conforms(told, "processList")
    assert [p["id"] for p in told["processes"]] == ["execute-notebook", "echo"]


def test_pl_limit_definition_response_and_links(ada: httpx.Client) -> None:
    first = ada.get("processes", params={"limit": 1}).json()
    assert [p["id"] for p in first["processes"]] == ["execute-notebook"]
    second = ada.get(link_of(first, "next")).json()
    assert [p["id"] for p in second["processes"]] == ["echo"]
    assert ada.get(link_of(second, "prev")).json()["processes"] == first["processes"]
    is_exception(ada.get("processes", params={"limit": 0}), 400, "urn:x-fairihub:error:bad-query")


@pytest.mark.parametrize("process", ["execute-notebook", "echo"])
def test_process_and_success(ada: httpx.Client, process: str) -> None:
    told = ada.get(f"processes/{process}").json()
    assert told["id"] == process
    assert link_of(told, REL + "execute").endswith(f"processes/{process}/execution")
    conforms(told, "process")


def test_process_exception_no_such_process(ada: httpx.Client) -> None:
    body = {"inputs": {}}
    for answer in (ada.get("processes/none"), ada.post("processes/none/execution", json=body)):
        is_exception(answer, 404, EXCEPTION + "no-such-process")


def test_job_exception_no_such_job(ada: httpx.Client, bob: httpx.Client) -> None:
    """The job of another is said of as one that never was."""
    created = ada.post("processes/echo/execution", json={"inputs": {"message": "mine"}},
                       headers={"Prefer": "respond-async"})  # fmt: skip
    job = created.json()["jobID"]
    for path in ("jobs/none", f"jobs/{job}"):
        for answer in (bob.get(path), bob.get(f"{path}/results"), bob.delete(path),
                       bob.get(f"{path}/results/message")):  # fmt: skip
            told = is_exception(answer, 404, EXCEPTION + "no-such-job")
            assert told["detail"] == f"There is no job “{path[5:]}” for you."
