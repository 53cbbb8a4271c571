"""A run followed through the hub and its proxy: live, resumed, bounded, and by whom."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.headless.conftest import wait_until
from tests.support.runs import EXECUTE

GO_ON = "import os, time\nwhile not os.path.exists({0!r}): time.sleep(0.05)\n"
"""A cell that lasts until a file is there."""


@pytest.fixture
def start(hub: Any, ada: httpx.Client, notebook: Callable[..., str]) -> Callable[..., str]:
    """Starts a run of these cells; its id."""

    def start(*cells: str, **inputs: Any) -> str:
        hub.put("uc1", "ada", notebook(*cells), "follow.ipynb")
        answer = ada.post(EXECUTE, json={"inputs": {"notebook": "follow.ipynb", **inputs}})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    return start


class Following:
    """A stream of events as it comes."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.events: list[tuple[str, str, Any]] = []
        self._lines = answer.iter_lines()

    def __iter__(self) -> Iterator[tuple[str, str, Any]]:
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "event" in fields:
                event = (fields["id"], fields["event"], json.loads(fields["data"]))
                self.events.append(event)
                yield event
                fields = {}

    def until(self, true: Callable[[str, Any], bool]) -> tuple[str, Any]:
        """The first event of which this is true: its id and its data."""
        for place, kind, data in self:
            if true(kind, data):
                return place, data
        raise AssertionError(f"the stream ended before: {self.events[-5:]}")

    def output(self) -> str:
        return "".join(data["text"] for _, kind, data in self.events if kind == "output")


def follow(client: httpx.Client, job: str, **more: Any) -> Any:
    return client.stream("GET", f"jobs/{job}/events", **more)


def test_a_run_is_told_as_it_happens(
    ada: httpx.Client, start: Callable[..., str], tmp_path: Any
) -> None:
    go = str(tmp_path / "go")
    job = start("print('first')", GO_ON.format(go), "print('last')")
    with follow(ada, job) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "no-cache" in answer.headers["Cache-Control"]
        following = Following(answer)
        following.until(
            lambda *_: (
                "first" in following.output()
                and ("cell", {"cell": 1, "cells": 3}) in [event[1:] for event in following.events]
            )
        )
        # Nothing was held back on the way: the notebook waits for this.
        open(go, "w").close()
        _, status = following.until(lambda kind, data: kind == "end")
        assert (status["jobID"], status["status"], status["progress"]) == (job, "successful", 100)
        assert list(following) == []
    assert following.output() == ada.get(f"jobs/{job}/logs").text
    states = [data["status"] for _, kind, data in following.events if kind == "state"]
    assert states[-1] == "running"


@pytest.mark.parametrize("how", ["header", "query"])
def test_whoever_comes_back_gets_the_rest_of_the_output_and_nothing_twice(
    ada: httpx.Client, start: Callable[..., str], tmp_path: Any, how: str
) -> None:
    go = str(tmp_path / "go")
    job = start("print('first')", GO_ON.format(go), "print('läst' * 20_000)")
    with follow(ada, job) as answer:
        before = Following(answer)
        place, _ = before.until(lambda kind, data: kind == "output" and "first" in data["text"])
    open(go, "w").close()
    again = (
        {"headers": {"Last-Event-ID": place}} if how == "header"
        else {"params": {"last_event_id": place}}
    )  # fmt: skip
    with follow(ada, job, **again) as answer:
        after = Following(answer)
        after.until(lambda kind, data: kind == "end")
    assert before.output() + after.output() == ada.get(f"jobs/{job}/logs").text
    assert max(len(data["text"]) for _, kind, data in after.events if kind == "output") <= 16384


def test_the_whole_story_of_a_run_that_has_ended(
    ada: httpx.Client, start: Callable[..., str]
) -> None:
    job = start("print('hello')", "1 / 0")
    wait_until(lambda: ada.get(f"jobs/{job}").json()["status"] == "failed", "it failed")
    with follow(ada, job) as answer:
        told = Following(answer)
        kinds = [kind for _, kind, _ in told]
    assert (kinds[0], kinds[-1]) == ("state", "end")
    assert told.output() == ada.get(f"jobs/{job}/logs").text
    assert told.events[-1][2]["failure"]["code"] == "cell-failed"
    with follow(ada, job, headers={"Last-Event-ID": told.events[-1][0]}) as answer:
        assert "output" not in [kind for _, kind, _ in Following(answer)]


@pytest.mark.parametrize("place", ["-1", "x", "1.5", "9" * 40, "0x1"])
def test_a_place_that_was_never_told(
    ada: httpx.Client, start: Callable[..., str], place: str
) -> None:
    job = start("1")
    answer = ada.get(f"jobs/{job}/events", params={"last_event_id": place})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-query")


def test_who_is_no_longer_a_member_follows_no_longer(
    hub: Any, start: Callable[..., str], ada: httpx.Client, tmp_path: Any, notebook: Any
) -> None:
    hub.team("uc9", "eva")
    with hub.client("eva") as eva:
        go = str(tmp_path / "go")
        hub.put("uc9", "eva", notebook(GO_ON.format(go)))
        wait_until(lambda: eva.get("jobs").status_code == 200, "eva is let in")
        job = eva.post(EXECUTE, json={"inputs": {"notebook": "work.ipynb"}}).json()["jobID"]
        with follow(eva, job) as answer:
            following = Following(answer)
            following.until(lambda kind, data: kind == "cell")
            hub.team("uc9", "tom")
            _, why = following.until(lambda kind, data: kind == "refused")
            assert why["code"] == "no-team"
            assert list(following) == []


def test_runs_of_others_are_followed_by_nobody(hub: Any, start: Callable[..., str]) -> None:
    job = start("1")
    with hub.client("bob") as bob:
        assert bob.get(f"jobs/{job}/events").status_code == 404
    with hub.client("olga") as olga, follow(olga, job) as answer:
        assert Following(answer).until(lambda kind, data: kind == "end")[1]["jobID"] == job


def test_a_client_of_http_1_0_reads_until_the_connection_ends(
    hub: Any, ada: httpx.Client, start: Callable[..., str]
) -> None:
    job = start("print('hello')")
    place = urlsplit(hub.service_url)
    with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
        connection.sendall(
            f"GET /services/headless/jobs/{job}/events HTTP/1.0\r\nConnection: keep-alive\r\n"
            f"Authorization: {ada.headers['Authorization']}\r\n\r\n".encode()
        )
        told = b""
        while part := connection.recv(65536):
            told += part
    assert told.startswith(b"HTTP/1.1 200")
    assert b"event: end\n" in told
    assert b"hello" in told


def test_a_reader_that_takes_nothing_holds_no_memory_and_hinders_nobody(
    hub: Any, ada: httpx.Client, start: Callable[..., str]
) -> None:
    import psutil

    job = start("for n in range(90): print('x' * 100_000)")
    process = psutil.Process(hub.beside.pid)
    wait_until(lambda: ada.get(f"jobs/{job}").json()["status"] == "successful", "it ended")
    before = process.memory_info().rss
    place = urlsplit(hub.service_url)
    request = (
        f"GET /services/headless/jobs/{job}/events HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {ada.headers['Authorization']}\r\n\r\n"
    )
    slow = [socket.create_connection((place.hostname, place.port)) for _ in range(20)]
    try:
        for connection in slow:
            connection.sendall(request.encode())
        begun = time.monotonic()
        with follow(ada, job) as answer:
            told = Following(answer)
            told.until(lambda kind, data: kind == "end")
        assert len(told.output()) > 8_000_000
        assert time.monotonic() - begun < 30
        # 20 readers of 9 MB each would be 180.
        assert process.memory_info().rss - before < 60 * 2**20
    finally:
        for connection in slow:
            connection.close()


def test_one_member_follows_so_many_runs_and_no_more(
    hub: Any, ada: httpx.Client, start: Callable[..., str], tmp_path: Any
) -> None:
    go = str(tmp_path / "go")
    job = start(GO_ON.format(go))
    place = urlsplit(hub.service_url)
    request = (
        f"GET /services/headless/jobs/{job}/events HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {ada.headers['Authorization']}\r\n\r\n"
    ).encode()
    open_ones = []
    try:
        for _ in range(50):
            connection = socket.create_connection((place.hostname, place.port), timeout=30)
            connection.sendall(request)
            assert connection.recv(12) == b"HTTP/1.1 200"
            open_ones.append(connection)
        refused = ada.get(f"jobs/{job}/events")
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-followers")
        open_ones.pop().close()

        def let_in() -> bool:
            with follow(ada, job) as answer:
                return bool(answer.status_code == 200)

        wait_until(let_in, "a seat is free again")
    finally:
        open(go, "w").close()
        for connection in open_ones:
            connection.close()


def test_a_follower_that_goes_is_no_defect(hub: Any) -> None:
    told = (hub.folder / "service.log").read_text()
    assert "/events" in told
    assert "defect" not in told
    assert "Traceback" not in told
