"""OGC API Processes 1.0: the abstract tests of the smaller classes, class by class."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.support.ogc import ECHO, EXCEPTION, conforms, is_exception, succeeded

ASYNC = {"Prefer": "respond-async"}


# ogc-process-description


@pytest.mark.parametrize("process", ["execute-notebook", "echo"])
def test_json_encoding_and_definitions(ada: httpx.Client, process: str) -> None:
    """`json-encoding`, `inputs-def`, `input-def`, `input-mixed-type`, `outputs-def`, …"""
    told = ada.get(f"processes/{process}").json()
    conforms(told, "process")
    for name, described in told["inputs"].items():
        conforms(described, "inputDescription")
        assert all(described[part] for part in ("title", "description")), name
        for kind in described["schema"].get("oneOf", [described["schema"]]):
            conforms(kind, "schema")
    for described in told["outputs"].values():
        conforms(described, "outputDescription")


def test_the_description_is_the_callers(ada: httpx.Client, bob: httpx.Client) -> None:
    """Their teams and profiles, with ceilings; a team is required of whoever has several."""
    hers = ada.get("processes/execute-notebook").json()["inputs"]
    his = bob.get("processes/execute-notebook").json()["inputs"]
    assert (hers["team"]["schema"]["enum"], hers["team"]["minOccurs"]) == (["uc1"], 0)
    assert (his["team"]["schema"]["enum"], his["team"]["minOccurs"]) == (["uc1", "uc2"], 1)
    assert his["profile"]["schema"]["enum"] == ["uc1.small", "uc2.small", "small"]
    assert "uc1.small: 1 core, 2 GiB" in hers["profile"]["description"]
    assert hers["deadline"]["schema"]["maximum"] == 24 * 3600
    assert hers["retries"]["schema"]["default"] == 0


# json, html


def test_json_definition_and_html_content(ada: httpx.Client) -> None:
    """Every resource with a schema, in both forms."""
    created = ada.post(ECHO, json={"inputs": {"message": "x"}}, headers=ASYNC)
    job = f"jobs/{succeeded(ada, created)['jobID']}"
    for path, schema in (
        ("", "landingPage"), ("conformance", "confClasses"), ("processes", "processList"),
        ("processes/echo", "process"), ("processes/execute-notebook", "process"),
        ("jobs", "jobList"), (job, "statusInfo"), (f"{job}/results", "results"),
    ):  # fmt: skip
        plain = ada.get(path, headers={"Accept": "application/json"})
        assert plain.headers["Content-Type"] == "application/json"
        conforms(plain.json(), schema)
        for page in (ada.get(path, headers={"Accept": "text/html"}), ada.get(f"{path}?f=html")):
            assert page.status_code == 200, path
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
            assert page.text.startswith("<!doctype html>") or "<html" in page.text
    problem = ada.get("jobs/none", headers={"Accept": "text/html"})
    assert (problem.status_code, "There is no job" in problem.text) == (404, True)


# dismiss


def test_job_dismiss_op_and_success(ada: httpx.Client) -> None:
    created = ada.post(ECHO, json={"inputs": {"pause": 60}}, headers=ASYNC)
    address = created.headers["Location"]
    dismissed = ada.delete(address)
    assert dismissed.status_code == 200
    conforms(dismissed.json(), "statusInfo")
    assert dismissed.json()["status"] == "dismissed"
    is_exception(ada.delete(address), 410, "urn:x-fairihub:error:dismissed")
    is_exception(ada.get(f"{address}/results"), 410, "urn:x-fairihub:error:dismissed")
    assert ada.get(address).json()["status"] == "dismissed"
    is_exception(ada.delete("jobs/none"), 404, EXCEPTION + "no-such-job")
    assert "dismiss" in ada.get("processes/echo").json()["jobControlOptions"]


# job-list


def test_job_list_op_success_and_limit(ada: httpx.Client) -> None:
    for number in range(3):
        ada.post(ECHO, json={"inputs": {"number": number}})
    told = ada.get("jobs", params={"limit": 2}).json()
    conforms(told, "jobList")
    assert len(told["jobs"]) == told["numberReturned"] == 2
    following = next(link["href"] for link in told["links"] if link["rel"] == "next")
    more = ada.get(following).json()
    conforms(more, "jobList")
    assert {j["jobID"] for j in more["jobs"]}.isdisjoint(j["jobID"] for j in told["jobs"])


def test_status_response(ada: httpx.Client) -> None:
    ada.post(ECHO, json={"inputs": {}})
    told = ada.get("jobs", params={"status": "successful", "limit": 1000}).json()
    assert {job["status"] for job in told["jobs"]} == {"successful"}


def test_processid_definition_and_response(ada: httpx.Client) -> None:
    ada.post(ECHO, json={"inputs": {}})
    echoes = ada.get("jobs", params={"processID": "echo", "limit": 1000}).json()["jobs"]
    assert {job["processID"] for job in echoes} == {"echo"}
    others = ada.get("jobs", params={"processID": "execute-notebook"}).json()["jobs"]
    assert {job["processID"] for job in others} <= {"execute-notebook"}


def test_datetime_definition_and_response(ada: httpx.Client) -> None:
    job = ada.get(ada.post(ECHO, json={"inputs": {}}).links["monitor"]["url"]).json()
    ids = [
        {
            j["jobID"]
            for j in ada.get("jobs", params={"datetime": when, "limit": 1000}).json()["jobs"]
        }
        for when in (f"{job['created'][:10]}T00:00:00Z/..", "../2001-01-01T00:00:00Z")
    ]
    assert [job["jobID"] in found for found in ids] == [True, False]


def test_duration_definition_and_response(ada: httpx.Client) -> None:
    for pause in (0, 1.5):
        ada.post(ECHO, json={"inputs": {"pause": pause}})
    for name, fits in (("minDuration", (1.0).__le__), ("maxDuration", (1.0).__ge__)):
        asked = {name: 1, "processID": "echo", "limit": 1000}
        jobs = ada.get("jobs", params=asked).json()["jobs"]
        assert jobs
        assert all(fits(lasted(job)) for job in jobs)


def lasted(job: dict[str, Any]) -> float:
    begun, ended = (datetime.fromisoformat(job[key]) for key in ("started", "finished"))
    return (ended - begun).total_seconds()


def test_type_definition_and_response(ada: httpx.Client) -> None:
    ada.post(ECHO, json={"inputs": {}})
    jobs = ada.get("jobs", params={"type": "process"}).json()["jobs"]
    assert {job["type"] for job in jobs} == {"process"}
