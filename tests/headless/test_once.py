"""A request that is sent twice is one run, whoever of the two is quicker."""

from __future__ import annotations

import asyncio
import os
import uuid
from typing import Any

import httpx
import pytest

from fairihub_core.errors import BadInput, Conflict
from fairihub_headless import once
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import Run
from fairihub_headless.once import Key, key_of
from fairihub_headless.processes.notebook_request import asked_of_notebook
from tests.support.ogc import ECHO

BODY: dict[str, Any] = {"inputs": {"notebook": "work.ipynb"}}
UUID = "0b5b6a1e-6d5c-4c89-8ea2-1c1b0f2d7b11"


def test_a_request_without_a_key_has_none() -> None:
    assert key_of(None, BODY) is None


def test_the_same_request_has_the_same_fingerprint_however_it_is_written() -> None:
    first = key_of("k", {"inputs": {"a": 1, "b": [1.0]}})
    elsewhere = key_of("k", {"inputs": {"a": 1, "b": [1.0]}}, process="echo")
    again = key_of("k", {"inputs": {"b": [1.0], "a": 1}})
    other = key_of("k", {"inputs": {"a": 2, "b": [1.0]}})
    with_notebook = key_of("k", {"inputs": {"a": 1, "b": [1.0]}}, b"{}")
    assert first == again
    assert first is not None
    assert len({first, other, with_notebook, elsewhere}) == 4


def test_a_job_id_is_the_id_if_it_is_a_uuid_and_a_name_otherwise() -> None:
    as_id, as_name = key_of(None, {**BODY, "job_id": UUID.upper()}), key_of(None, {"job_id": "a.b"})
    assert as_id is not None
    assert as_name is not None
    assert (as_id.id, as_name.id, as_name.name) == (UUID, None, "a.b")
    assert as_id.fingerprint == key_of("k", BODY).fingerprint  # type: ignore[union-attr]


@pytest.mark.parametrize("header", ["", "x" * 256, "a\nb", "ü", "\x7f"])
def test_a_key_that_cannot_be(header: str) -> None:
    with pytest.raises(BadInput, match="Idempotency-Key"):
        key_of(header, BODY)


@pytest.mark.parametrize("job_id", ["", "../x", "a/b", ".a", "x" * 65, 7, ["a"], "a b", "ü"])
def test_a_job_id_that_cannot_be(job_id: Any) -> None:
    with pytest.raises(BadInput, match="job_id"):
        key_of(None, {**BODY, "job_id": job_id})


def test_both_is_too_much() -> None:
    with pytest.raises(BadInput, match="not both"):
        key_of("k", {**BODY, "job_id": "a"})


async def send(house: Any, key: Key | None, login: str = "ada") -> Run:
    run: Run = await house.runs.submit(asked_of_notebook(BODY), house.caller(login), key=key)
    return run


@pytest.fixture
def waiting(house: Any, notebook: Any) -> Any:
    """A house where runs wait for ever."""
    house.engine._queue.slots = no_slots()
    for login in ("ada", "bob"):
        house.put(notebook("1"), login=login)
    return house


def no_slots() -> Any:
    from fairihub_headless.engine.queueing import Slots

    return Slots(0, 0)


def folders(house: Any) -> int:
    return len(list((house.places.headless / "runs").glob("*/*")))


@pytest.mark.parametrize("job_id", [None, "night", UUID])
async def test_twenty_at_once_with_one_key_are_one_run(waiting: Any, job_id: str | None) -> None:
    body = BODY if job_id is None else {**BODY, "job_id": job_id}
    key = key_of("k" if job_id is None else None, body)
    runs = await asyncio.gather(*(send(waiting, key) for _ in range(20)))
    assert len({run.id for run in runs}) == 1
    assert (runs[0].id == UUID) is (job_id == UUID)
    assert folders(waiting) == len(waiting.runs.store.waiting()) == 1
    if job_id is not None:
        found = await waiting.runs.own(job_id, waiting.caller())
        assert found.id == runs[0].id


async def test_a_key_is_its_owners_alone(waiting: Any) -> None:
    key = key_of("k", BODY)
    mine = await send(waiting, key)
    directory = waiting.directory.teams[0]
    assert directory.name == "uc1"
    body = {"inputs": {"notebook": "work.ipynb", "team": "uc1"}}
    theirs = await waiting.runs.submit(
        asked_of_notebook(body), waiting.caller("bob"), key=key_of("k", body)
    )
    assert mine.id != theirs.id


async def test_a_key_is_for_one_request(waiting: Any) -> None:
    first = await send(waiting, key_of("k", BODY))
    other = {"inputs": {"notebook": "work.ipynb", "retries": 1}}
    with pytest.raises(Conflict) as told:
        await waiting.runs.submit(
            asked_of_notebook(other), waiting.caller(), key=key_of("k", other)
        )
    assert (told.value.code, told.value.details) == ("key-reused", {"jobID": first.id})
    for job_id in ("night", UUID):
        await send(waiting, key_of(None, {**BODY, "job_id": job_id}))
        named = {**other, "job_id": job_id}
        with pytest.raises(Conflict) as told:
            await waiting.runs.submit(
                asked_of_notebook(named), waiting.caller(), key=key_of(None, named)
            )
        assert told.value.code == "job-id-taken"


async def test_the_id_of_anothers_job_is_taken(waiting: Any) -> None:
    await send(waiting, key_of(None, {**BODY, "job_id": UUID}))
    body = {"inputs": {"notebook": "work.ipynb", "team": "uc1"}, "job_id": UUID}
    with pytest.raises(Conflict) as told:
        await waiting.runs.submit(
            asked_of_notebook(body), waiting.caller("bob"), key=key_of(None, body)
        )
    assert told.value.code == "job-id-taken"
    assert "ada" not in told.value.message


async def test_a_service_that_died_before_it_kept_a_run_leaves_its_id_free(
    waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "_BEING_KEPT", 0.1)
    folder = RunFolder.of(waiting.places.headless, UUID)
    folder.keep_notebook(b"half")
    os.utime(folder.path, (1, 1))
    run = await send(waiting, key_of(None, {**BODY, "job_id": UUID}))
    assert run.id == UUID
    assert waiting.runs.folder(run).notebook.read_bytes() != b"half"


async def test_a_run_whose_answer_was_lost_is_no_other(
    waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = waiting.runs.store.add
    monkeypatch.setattr(waiting.runs.store, "add", lambda *given: add(*given) and add(*given))
    for job_id in ("night", UUID):
        key = key_of(None, {**BODY, "job_id": job_id})
        assert [(await send(waiting, key)).replayed for _ in range(2)] == [False, True]


def test_as_a_client_sees_it(ada: httpx.Client) -> None:
    key, body = {"Idempotency-Key": uuid.uuid4().hex}, {"inputs": {"message": "hi"}}
    headers = {**key, "Prefer": "respond-async"}
    first = ada.post(ECHO, json=body, headers=headers)
    again = ada.post(ECHO, json=body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.headers["Location"] == again.headers["Location"]
    at_once = ada.post(ECHO, json=body, headers=key)
    assert (at_once.status_code, at_once.json()["message"]) == (200, "hi")
    other = ada.post(ECHO, json={"inputs": {"message": "ho"}}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "key-reused")
    named = ada.post(ECHO, json={**body, "job_id": "my-job"}, headers={"Prefer": "respond-async"})
    assert named.status_code == 201
    assert ada.get("jobs/my-job").json()["jobID"] == named.json()["jobID"]
    assert ada.post(ECHO, json=body, headers={"Idempotency-Key": "x" * 256}).status_code == 400
