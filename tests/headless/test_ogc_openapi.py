"""OGC API Processes 1.0, class `oas30`; and the service against its own document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from fairihub_headless.web.openapi import openapi_document
from fairihub_headless.web.routes import ROUTES
from tests.support.ogc import ECHO, link_of, links_to
from tests.support.runs import EXECUTE

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "8"))
"""For each operation and phase; more by hand."""


def test_oas_definition_1_and_2(ada: httpx.Client) -> None:
    """A document in OpenAPI 3.0, by its media type, and valid."""
    answer = ada.get(link_of(ada.get("").json(), "service-desc"), headers={"Accept": OPENAPI})
    assert answer.headers["Content-Type"] == OPENAPI
    problems = [e.message[:300] for e in OpenAPIV30SpecValidator(answer.json()).iter_errors()]
    assert problems == []


def test_completeness_and_exception_codes() -> None:
    """Every operation tells its answers and errors."""
    document = openapi_document(ROUTES, "http://hub/", "Runs", "/")
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            statuses = set(told["responses"])
            assert {"401", "403", "503", "default"} <= statuses, (method, path)
            assert ("404" in statuses) == ("{" in path), (method, path)
            assert any(status.startswith("2") for status in statuses), (method, path)
    execute = document["paths"]["/processes/{processID}/execution"]["post"]
    assert {"200", "201", "204", "400", "404", "413", "415", "422", "429"} <= set(
        execute["responses"]
    )
    assert {p["name"] for p in execute["parameters"]} == {
        "processID",
        "Prefer",
        "Idempotency-Key",
    }
    assert set(execute["responses"]["201"]["headers"]) == {
        "Location",
        "Preference-Applied",
        "Idempotent-Replayed",
    }
    assert "Retry-After" in execute["responses"]["429"]["headers"]
    results = document["paths"]["/jobs/{jobID}/results"]["get"]["responses"]
    assert {"200", "204", "404", "410", "422", "500"} <= set(results)


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("get", "/jobs/{jobID}/files/{name}", {"200", "206", "304", "307", "410", "416"}),
        ("get", "/jobs/{jobID}/logs", {"200", "206", "304", "410", "416"}),
        ("get", "/jobs/{jobID}/results", {"200", "204", "303", "410"}),
        ("post", "/processes/{processID}/execution", {"200", "201", "303", "409", "410"}),
        ("get", "/jobs/{jobID}/files", {"410"}),
        ("get", "/jobs/{jobID}/files.zip", {"410", "429"}),
        ("get", "/jobs/{jobID}/report", {"410", "422"}),
        ("get", "/jobs/{jobID}/events", {"429"}),
        ("post", "/jobs/{jobID}/again", {"201", "409", "410"}),
        ("put", "/jobs/{jobID}/pin", {"409", "410"}),
    ],
)
def test_every_answer_is_told(method: str, path: str, statuses: set[str]) -> None:
    told = openapi_document(ROUTES, "http://hub/", "Runs", "/")["paths"][path][method]
    assert statuses <= set(told["responses"])


def test_what_is_read_is_told() -> None:
    document = openapi_document(ROUTES, "http://hub/", "Runs", "/")
    heard = {
        (told["operationId"], parameter["name"]): parameter["schema"]
        for methods in document["paths"].values()
        for told in methods.values()
        for parameter in told["parameters"]
    }
    assert {
        ("repeat", "Idempotency-Key"),
        ("getFile", "Range"),
        ("getLogs", "Range"),
        ("followJob", "Last-Event-ID"),
    } <= set(heard)
    assert heard["getProcesses", "limit"]["default"] == 100
    asked = document["components"]["schemas"]["ExecuteNotebook"]["properties"]
    assert "format" in asked["outputs"]["properties"]["notebook"]["properties"]


def test_security_and_oas_impl(ada: httpx.Client) -> None:
    document = ada.get("openapi").json()
    assert all(
        told["security"][0] == {"token": []}
        for methods in document["paths"].values()
        for told in methods.values()
    )
    bodies = document["components"]["schemas"]
    team = bodies["ExecuteNotebook"]["properties"]["inputs"]["properties"]["team"]
    assert team["enum"] == ["uc1"]
    assert bodies["ExecuteEcho"]["example"]["inputs"]["message"] == "Hello"
    ids = document["paths"]["/processes/{processID}"]["get"]["parameters"][0]["schema"]["enum"]
    assert ids == ["execute-notebook", "echo"]


def test_the_service_is_as_its_document_says(
    hub: Any, ada: httpx.Client, notebook: Callable[..., str], tmp_path: Path
) -> None:
    """Schemathesis asks all that the document allows, and much that it does not: no 5xx, and
    every answer as it is described."""
    document = ada.get("openapi").json()
    del document["paths"]["/jobs/{jobID}/events"]  # a stream does not end by itself
    hub.put("uc1", "ada", notebook("print('here')"))
    jobs = [
        ada.post(
            EXECUTE, json={"inputs": {"notebook": "work.ipynb"}}, headers={"Prefer": "wait=60"}
        ),
        ada.post(ECHO, json={"inputs": {"message": "x"}}),
    ]
    ids = [links_to(answer, "monitor")[0][0].rpartition("/")[2] for answer in jobs]
    for methods in document["paths"].values():
        for told in methods.values():
            for parameter in told["parameters"]:
                if parameter["name"] == "jobID":
                    parameter["schema"] = {"type": "string", "enum": ids}
    try:
        asked = asked_by_schemathesis(document, hub.headless, ada, tmp_path)
    finally:
        unfinished = {"status": "accepted,running", "limit": 1000}
        for job in ada.get("jobs", params=unfinished).json()["jobs"]:
            ada.delete(f"jobs/{job['jobID']}")
    assert asked.returncode == 0, f"{asked.stdout[-6000:]}\n{asked.stderr[-2000:]}"


def asked_by_schemathesis(
    document: dict[str, Any], address: str, client: httpx.Client, folder: Path
) -> subprocess.CompletedProcess[str]:
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_headers_conformance,response_schema_conformance"
    )
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(file)),
            *("--url", address, "--checks", checks, "--phases", "coverage,fuzzing"),
            # One worker: two threads that parse at once make CPython 3.11 fail (gh-106905).
            *("--max-examples", str(EXAMPLES), "--seed", "7", "--workers", "1"),
            *("-H", client.headers["Authorization"].join(("Authorization: ", ""))),
            *("-H", "Prefer: wait=1", "--request-timeout", "20", "--no-color"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
