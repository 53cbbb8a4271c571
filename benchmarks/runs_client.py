"""A member's program that asks for runs and waits for their results, as fast as it may."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.runs import EXECUTE

TRIVIAL = "work.ipynb"
PAUSE = 0.01
ENDED = ("successful", "failed", "dismissed")


@dataclass(frozen=True)
class Done:
    """One run as its member saw it."""

    job: str
    seconds: float
    """From the request to the results in hand."""
    status: dict[str, Any]


def run(client: httpx.Client, wait: int = 60, **inputs: Any) -> Done:
    """Asks for a run and for its results in the same request; as long as it is not done, again."""
    began = time.perf_counter()
    body = {"inputs": {"notebook": TRIVIAL, **inputs}}
    answer = client.post(
        EXECUTE, json=body, headers={"Prefer": f"respond-async, wait={wait}"}, timeout=wait + 30
    )
    if answer.status_code not in (200, 201):
        raise SystemExit(f"a run was answered {answer.status_code}: {answer.text[:500]}")
    if answer.status_code == 200:
        took = time.perf_counter() - began
        monitor = answer.links.get("monitor", {}).get("url", "")
        job = monitor.rstrip("/").rpartition("/")[2]
        return Done(job, took, status_of(client, job))
    job = str(answer.json()["jobID"])
    status = ended(client, job)
    if status["status"] == "successful":
        client.get(f"jobs/{job}/results").raise_for_status()
    return Done(job, time.perf_counter() - began, status)


def status_of(client: httpx.Client, job: str) -> dict[str, Any]:
    answer = client.get(f"jobs/{job}")
    answer.raise_for_status()
    return dict(answer.json())


def ended(client: httpx.Client, job: str, seconds: float = 300) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (status := status_of(client, job))["status"] not in ENDED:
        if time.monotonic() > deadline:
            raise SystemExit(f"job {job} does not end: {status}")
        time.sleep(PAUSE)
    return status


def submitted(client: httpx.Client, count: int, at_once: int = 8, **inputs: Any) -> list[str]:
    """As many runs, asked for side by side."""
    body = {"inputs": {"notebook": TRIVIAL, **inputs}}

    def one(_: int) -> str:
        answer = client.post(EXECUTE, json=body, headers={"Prefer": "respond-async"})
        answer.raise_for_status()
        return str(answer.json()["jobID"])

    with ThreadPoolExecutor(at_once) as many:
        return list(many.map(one, range(count)))


def all_ended(client: httpx.Client, jobs: list[str], seconds: float = 600) -> None:
    """Until each is successful; asked seldom, for that work is none of theirs."""
    deadline = time.monotonic() + seconds
    for job in reversed(jobs):  # the last first: the others have mostly ended then
        while (status := status_of(client, job))["status"] not in ENDED:
            if time.monotonic() > deadline:
                raise SystemExit(f"job {job} does not end: {status}")
            time.sleep(0.05)
        if status["status"] != "successful":
            raise SystemExit(f"job {job} did not succeed: {status['message']}")
