"""What is answered over HTTP, asked of the application itself: no hub stands before it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fairihub_core.errors import TooLarge
from fairihub_headless.web import delivering, executing, outcomes, streaming
from fairihub_headless.web.executing import Execution
from tests.headless.web_house import opened
from tests.support.ogc import ECHO
from tests.support.runs import EXECUTE


@pytest_asyncio.fixture
async def door(house: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    async with opened(house, monkeypatch) as client:
        yield client


@pytest.fixture
def little_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large is read by a program of its own, which takes its time to begin."""
    monkeypatch.setattr(executing, "MAX_BODY", 1000)


async def slow_body(told: asyncio.Event) -> AsyncIterator[bytes]:
    """As much as takes a place among the large ones; the rest when it is told."""
    yield b" " * 1001
    await told.wait()
    yield b"{}"


async def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{Execution.large_ones} and {outcomes.Archive.being_made} are held")


async def until_held(login: str, count: int) -> None:
    await until(lambda: Execution.large_ones[login] == count)


@pytest.mark.usefixtures("little_is_large")
async def test_no_member_takes_the_places_of_all(door: httpx.AsyncClient) -> None:
    told, large = asyncio.Event(), b" " * 1001 + b"{}"
    held = [asyncio.create_task(door.post(EXECUTE, content=slow_body(told))) for _ in range(2)]
    try:
        await until_held("ada", 2)
        assert (await door.post(EXECUTE, content=large)).json()["code"] == "busy"
        other = await door.post(EXECUTE, content=large, headers={"Who": "bob"})
        assert other.json()["code"] == "no-inputs"
    finally:
        told.set()
    assert {(await answer).json()["code"] for answer in held} == {"no-inputs"}
    await until_held("ada", 0)


@pytest.mark.usefixtures("little_is_large")
async def test_a_place_is_free_while_its_run_is_waited_for(
    door: httpx.AsyncClient, house: Any
) -> None:
    house.runs.settings = house.runs.settings.model_copy(update={"echo": True})
    asked = {"inputs": {"message": "x" * 1001, "pause": 30}}
    waiting = asyncio.create_task(door.post(ECHO, json=asked))
    try:
        while not (jobs := (await door.get("jobs")).json()["jobs"]):
            assert not waiting.done()
            await asyncio.sleep(0.02)
        assert Execution.large_ones["ada"] == 0
        assert not waiting.done()
        await door.delete(f"jobs/{jobs[0]['jobID']}")
        assert (await waiting).json()["code"] == "dismissed"
    finally:
        waiting.cancel()


async def test_a_body_that_never_ends_costs_its_connection(
    door: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "_BODY_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection(door.base_url.host, door.base_url.port)
    head = f"POST {door.base_url.path}{EXECUTE} HTTP/1.1\r\nHost: hub\r\n"
    writer.write(f"{head}Content-Length: 4000000\r\n\r\n".encode() + b" " * (3 * 2**20))
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()
    await until_held("ada", 0)


async def test_far_too_much_is_answered(door: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 2**20

    answer = await door.post(
        EXECUTE, content=pieces(), headers={"Content-Length": str(100 * 2**20)}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


@pytest.fixture
async def job(door: httpx.AsyncClient, house: Any) -> str:
    """An echo that has ended."""
    house.runs.settings = house.runs.settings.model_copy(update={"echo": True})
    await door.post(ECHO, json={"inputs": {"message": "here"}})
    return str((await door.get("jobs")).json()["jobs"][0]["jobID"])


async def test_a_key_is_for_one_process(door: httpx.AsyncClient, job: str) -> None:
    key, body = {"Idempotency-Key": "k", "Prefer": "respond-async"}, {"inputs": {}}
    assert (await door.post(ECHO, json=body, headers=key)).status_code == 201
    answer = await door.post(EXECUTE, json=body, headers=key)
    assert answer.json()["code"] == "key-reused"


async def test_a_run_is_pinned_and_dismissed_by_the_name_that_it_was_given(
    door: httpx.AsyncClient, house: Any
) -> None:
    house.runs.settings = house.runs.settings.model_copy(update={"echo": True})
    for name in ("nightly-1", "nightly-2"):
        asked = {"inputs": {"pause": 30 if name == "nightly-1" else 0}, "job_id": name}
        job = (await door.post(ECHO, json=asked, headers={"Prefer": "respond-async"})).json()
        told = [(await door.put(f"jobs/{name}/pin")), (await door.delete(f"jobs/{name}"))]
        assert [(t.status_code, t.json()["jobID"]) for t in told] == [(200, job["jobID"])] * 2
        again = await door.delete(f"jobs/{name}")
        assert (again.status_code, again.json()["code"]) == (410, "dismissed")


async def test_a_filter_that_is_not_known_lists_nothing(door: httpx.AsyncClient, job: str) -> None:
    assert (await door.get("jobs?state=failed")).json()["code"] == "bad-query"
    assert len((await door.get("jobs?token=x")).json()["jobs"]) == 1


async def test_a_condition_that_is_not_known_dismisses_nothing(
    door: httpx.AsyncClient, job: str
) -> None:
    assert (await door.delete(f"jobs/{job}?iff=running")).json()["code"] == "bad-query"
    assert (await door.delete(f"jobs/{job}?if=running&token=x")).json()["code"] == "job-ended"
    assert (await door.get(f"jobs/{job}/results")).status_code == 200


async def test_a_word_that_is_no_text_names_nothing(door: httpx.AsyncClient, job: str) -> None:
    for word in ("%00", "%ff", "%1f"):
        for name in ("q", "processID", "owner"):
            assert not (await door.get(f"jobs?{name}={word}")).json().get("jobs"), (name, word)
        assert (await door.get(f"jobs/{word}")).json()["code"] == "no-such-job"


async def test_head_tells_of_the_whole_and_leads_nowhere(
    door: httpx.AsyncClient, house: Any, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = {"Range": "bytes=0-1"}
    file = f"jobs/{job}/files/outputs.json"
    whole = len((await door.get(file)).content)
    assert (await door.get(file, headers=part)).status_code == 206
    told = await door.head(file, headers=part)
    assert (told.status_code, told.headers["Content-Length"]) == (200, str(whole))
    assert (await door.head(f"jobs/{job}/logs", headers=part)).status_code == 200
    for streamed in (f"jobs/{job}/files.zip", f"jobs/{job}/events"):
        told = await door.head(streamed)
        assert told.status_code == 200
        assert not told.headers.keys() & {"etag", "content-length"}
    tags = {(await ask(file)).headers["ETag"] for ask in (door.get, door.head)}
    assert len(tags) == 1

    async def signed(*_: Any) -> str:
        return "http://bucket/signed-for-get"

    monkeypatch.setattr(house.runs, "address_of", signed)
    assert (await door.get(file)).status_code == 307
    assert (await door.head(file)).status_code == 200


async def test_what_a_notebook_brought_is_handed_out(door: httpx.AsyncClient, house: Any) -> None:
    cell = "from fairihub_headless import glue\nglue('bbox', [1, 2, 3, 4])"
    run = await house.ended(await house.submit(cell))
    results = f"jobs/{run.id}/results"
    told = (await door.get(results)).json()
    assert told["scraps"]["value"] == {"bbox": [1, 2, 3, 4]}, "a form that no content changes"
    notebook, file = await door.get(f"{results}/notebook"), told["notebook"]["href"]
    assert notebook.content == (await door.get(file)).content
    head = await door.head(f"{results}/notebook")
    assert head.headers["Content-Length"] == str(len(notebook.content))
    assert "ETag" not in head.headers
    assert not outcomes.Results.being_taken


async def test_a_run_whose_results_cannot_be_given_is_named(
    door: httpx.AsyncClient, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise TooLarge("too-large", "Much too large.")

    house.runs.settings = house.runs.settings.model_copy(update={"echo": True})
    monkeypatch.setattr(delivering, "document_of", refuse)
    answer = await door.post(ECHO, json={"inputs": {"message": "here"}})
    (job,) = (await door.get("jobs")).json()["jobs"]
    assert answer.status_code == 413
    assert answer.json()["instance"].endswith(f"jobs/{job['jobID']}")
    assert answer.headers["Link"] == f"<{answer.json()['instance']}>; rel=monitor"


async def test_only_a_run_with_a_notebook_has_a_report(door: httpx.AsyncClient, job: str) -> None:
    answer = await door.get(f"jobs/{job}/report")
    assert answer.json()["code"] == "no-such-file"
    assert "/" not in answer.json()["detail"]
    links = [link["href"] for link in (await door.get(f"jobs/{job}")).json()["links"]]
    assert not [href for href in links if href.endswith("/report")]


async def test_every_answer_says_until_when_a_run_is_kept(
    door: httpx.AsyncClient, job: str
) -> None:
    told = [(await door.get("jobs")).json()["jobs"][0], (await door.get(f"jobs/{job}")).json()]
    told.append((await door.delete(f"jobs/{job}")).json())
    assert len({status["expires"] for status in told[:2]}) == 1
    assert all(status["expires"] for status in told)


async def test_so_many_reports_at_once_and_no_more(
    door: httpx.AsyncClient, house: Any, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any) -> Any:
        time.sleep(0.3)
        return SimpleNamespace(page=b"<title></title></head><body>", failed=False)

    monkeypatch.setattr(house.runs, "reports", SimpleNamespace(of=slow))
    asked = [door.get(f"jobs/{job}/report") for _ in range(4)]
    statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert sorted(statuses) == [200, 200, 429, 429]
    assert not outcomes.Report.being_made


async def test_a_request_that_is_sent_again_is_said_to_be(
    door: httpx.AsyncClient, job: str
) -> None:
    key, body = {"Idempotency-Key": "k", "Prefer": "respond-async"}, {"inputs": {"number": 7}}
    first, again = [await door.post(ECHO, json=body, headers=key) for _ in range(2)]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["jobID"] == first.json()["jobID"]


async def test_so_many_archives_at_once_and_no_more(door: httpx.AsyncClient, job: str) -> None:
    asked = [door.get(f"jobs/{job}/files.zip") for _ in range(8)]
    statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert 429 in statuses
    assert 200 in statuses
    await until(lambda: not outcomes.Archive.being_made)
