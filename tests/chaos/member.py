"""A member's program that goes on asking whatever happens to the service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.chaos.ledger import Accepted, Left
from tests.support.runs import EXECUTE

GIVE_UP = 300.0
"""Seconds after which a service that does not take a run is down for good."""


class Refused(Exception):
    """The service answered what no retry mends."""


class Member:
    """Asks with an idempotency key until there is an answer; remembers what was accepted."""

    def __init__(self, clients: Callable[[], httpx.Client], name: str, seed: int) -> None:
        self._clients = clients
        self._name = name
        self._seed = seed
        self._lock = threading.Lock()
        self.accepted: list[Accepted] = []
        self.asked_again = 0
        """How often an answer did not come and the same was asked for again."""

    def submit(self, numbers: Iterable[int], side_by_side: int = 4) -> None:
        with ThreadPoolExecutor(side_by_side) as many:
            list(many.map(self._one, numbers))

    def _one(self, number: int) -> None:
        drawn = Random(self._seed * 1_000_003 + number)  # noqa: S311
        retries = drawn.choice((0, 0, 0, 1, 2))
        inputs = {
            "notebook": "chaos.ipynb",
            "parameters_json": {"number": number, "pause": round(drawn.uniform(0, 0.6), 3)},
            "retries": retries,
        }
        headers = {"Idempotency-Key": f"{self._name}-{number}", "Prefer": "respond-async"}
        job = self._insisting(inputs, headers)
        answered = {job}
        if drawn.random() < 0.1:  # the answer was lost on the way, a client may think
            answered.add(self._insisting(inputs, headers))
        with self._lock:
            self.accepted += [Accepted(number, job, retries) for job in answered]

    def _insisting(self, inputs: dict[str, Any], headers: dict[str, str]) -> str:
        deadline = time.monotonic() + GIVE_UP
        with self._clients() as client:
            while time.monotonic() < deadline:
                try:
                    answer = client.post(
                        EXECUTE, json={"inputs": inputs}, headers=headers, timeout=30
                    )
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.status_code in (200, 201):
                    return str(answer.json()["jobID"])
                if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                    raise Refused(f"{answer.status_code}: {answer.text[:500]}")
                with self._lock:
                    self.asked_again += 1
                time.sleep(0.2)
        raise Refused("the service takes no runs any more")

    def seen(self) -> list[Left]:
        """Every run in the member's list, with what it shows."""
        with ThreadPoolExecutor(4) as many, self._clients() as client:
            return list(many.map(lambda job: self._left(client, job), listed(client)))

    def _left(self, client: httpx.Client, job: dict[str, Any]) -> Left:
        place = f"jobs/{job['jobID']}"
        files = {}
        if job["status"] == "successful":
            for entry in client.get(f"{place}/files").json().get("files", []):
                answer = client.get(f"{place}/files/{entry['name']}")
                files[entry["name"]] = answer.content if answer.status_code == 200 else b""
        return Left(
            job=job["jobID"],
            number=job["parameters"].get("parameters_json", {}).get("number", -1),
            state=job["status"],
            code=(job.get("failure") or {}).get("code"),
            attempt=job.get("attempt", 0),
            results=client.get(f"{place}/results").status_code,
            files=files,
        )


def listed(client: httpx.Client) -> list[dict[str, Any]]:
    """All jobs, page by page."""
    found: list[dict[str, Any]] = []
    query = "limit=100"
    while True:
        answer = client.get(f"jobs?{query}")
        answer.raise_for_status()
        page = answer.json()
        found += page["jobs"]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            return found
        query = urlsplit(following[0]).query
