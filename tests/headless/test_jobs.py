"""The list of jobs as a client reads it: filters, order, and pages by their links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.headless.conftest import notebook, wait_until
from tests.headless.test_following import EXECUTE


@pytest.fixture(scope="module")
def lena(hub: Any) -> Iterator[httpx.Client]:
    """A member whose runs are these, the newest first: rain-4 (failed), and rain-3 to rain-0."""
    hub.team("uc7", "lena", "lars", admins=("luis",))
    with hub.client("lena") as client:
        wait_until(lambda: client.get("jobs").status_code == 200, "lena is let in")
        for number in range(5):
            cell = "raise KeyError('drought')" if number == 4 else "1"
            hub.put("uc7", "lena", notebook(cell), f"rain-{number}.ipynb")
            body = {"inputs": {"notebook": f"rain-{number}.ipynb"}}
            assert client.post(EXECUTE, json=body).status_code == 201

        def ended() -> bool:
            jobs = client.get("jobs", params={"status": "accepted,running"}).json()
            return bool(jobs["numberMatched"] == 0)

        wait_until(ended, "all have ended")
        yield client


@pytest.fixture
def names(lena: httpx.Client) -> Callable[..., str]:
    def names(address: str = "jobs", **query: Any) -> str:
        answer = lena.get(address, params=query or None)
        assert answer.status_code == 200, answer.text
        jobs = answer.json()["jobs"]
        return " ".join(job["parameters"]["notebook"].removesuffix(".ipynb") for job in jobs)

    return names


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "rain-4 rain-3 rain-2 rain-1 rain-0"),
        ({"status": "failed"}, "rain-4"),
        ({"status": ["failed", "successful"]}, "rain-4 rain-3 rain-2 rain-1 rain-0"),
        ({"q": "RAIN 3"}, "rain-3"),
        ({"q": "drought"}, "rain-4"),
        ({"processID": "echo"}, ""),
        ({"datetime": "../2020-01-01"}, ""),
        ({"datetime": "2020-01-01/.."}, "rain-4 rain-3 rain-2 rain-1 rain-0"),
        ({"minDuration": 3600}, ""),
        ({"pinned": "true"}, ""),
        ({"sort": "created", "limit": 2}, "rain-0 rain-1"),
        ({"sort": "-notebook", "limit": 2}, "rain-4 rain-3"),
        ({"limit": 2, "offset": 2}, "rain-2 rain-1"),
    ],
)
def test_which_jobs(names: Callable[..., str], query: dict[str, Any], found: str) -> None:
    assert names(**query) == found


@pytest.mark.parametrize("sort", ["-created", "created", "duration", "-status", "notebook"])
def test_the_links_lead_through_all_of_them_and_back(lena: httpx.Client, sort: str) -> None:
    whole = [job["jobID"] for job in lena.get("jobs", params={"sort": sort}).json()["jobs"]]
    pages = [lena.get("jobs", params={"sort": sort, "limit": 2}).json()]
    while following := way(pages[-1], "next"):
        pages.append(lena.get(following).json())
    assert [job["jobID"] for page in pages for job in page["jobs"]] == whole
    assert [page["numberReturned"] for page in pages] == [2, 2, 1]
    assert {page["numberMatched"] for page in pages} == {5}
    back = lena.get(str(way(pages[-1], "prev"))).json()
    assert [job["jobID"] for job in back["jobs"]] == whole[2:4]
    first = lena.get(str(way(back, "prev"))).json()
    assert [job["jobID"] for job in first["jobs"]] == whole[:2]
    assert way(first, "prev") is None


def way(page: Any, rel: str) -> str | None:
    return next((link["href"] for link in page["links"] if link["rel"] == rel), None)


@pytest.mark.parametrize(
    "query", ["status=done", "sort=owner", "cursor=x", "datetime=x", "limit=0"]
)
def test_a_query_that_cannot_be_read(lena: httpx.Client, query: str) -> None:
    answer = lena.get(f"jobs?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-query")


def test_a_cursor_shows_nobody_what_is_not_theirs(hub: Any, lena: httpx.Client) -> None:
    further = str(way(lena.get("jobs?limit=2").json(), "next"))
    with hub.client("lars") as lars, hub.client("luis") as luis:
        for address in (further, f"{further}&owner=lena", f"{further}&team=uc7"):
            assert lars.get(address).json()["jobs"] == []
        assert luis.get(further).json()["jobs"] == []
        assert luis.get(f"{further}&team=uc7").json()["numberReturned"] == 2
