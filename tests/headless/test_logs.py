"""The log of a job: parts of it, its end, and while it grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.headless.conftest import wait_until
from tests.headless.test_following import EXECUTE, GO_ON


@pytest.fixture(scope="module")
def job(hub: Any, ada: httpx.Client, notebook: Callable[..., str]) -> str:
    """A run that printed ten lines, “zeile 0 ü” and so on, and ended."""
    hub.put("uc1", "ada", notebook("for n in range(10): print('zeile', n, 'ü')"), "logs.ipynb")
    answer = ada.post(EXECUTE, json={"inputs": {"notebook": "logs.ipynb"}})
    job = str(answer.json()["jobID"])
    wait_until(lambda: ada.get(f"jobs/{job}").json()["status"] == "successful", "it ended")
    return job


@pytest.fixture(scope="module")
def notebook() -> Callable[..., str]:
    from tests.headless.conftest import notebook

    return notebook


@pytest.fixture(scope="module")
def whole(ada: httpx.Client, job: str) -> bytes:
    content = ada.get(f"jobs/{job}/logs").content
    assert "zeile 9 ü\n".encode() in content
    return content


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-3", slice(0, 4)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-6", slice(-6, None)),
        ("bytes=0-99999999", slice(0, None)),
    ],
)
def test_a_part_by_its_bytes(
    ada: httpx.Client, job: str, whole: bytes, asked: str, part: slice
) -> None:
    answer = ada.get(f"jobs/{job}/logs", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, whole[part])
    start, stop, _ = part.indices(len(whole))
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(whole)}"


def test_a_part_that_is_not_there(ada: httpx.Client, job: str, whole: bytes) -> None:
    answer = ada.get(f"jobs/{job}/logs", headers={"Range": f"bytes={len(whole)}-"})
    assert (answer.status_code, answer.json()["code"]) == (416, "no-such-range")
    assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({"offset": 5}, slice(5, None)),
        ({"offset": 5, "limit": 7}, slice(5, 12)),
        ({"limit": 7}, slice(0, 7)),
        ({"limit": 0}, slice(0, 0)),
        ({"offset": 10**9}, slice(0, 0)),
        ({"tail": 0}, slice(0, 0)),
        ({"tail": 10**6}, slice(0, None)),
    ],
)
def test_a_part_by_the_query(
    ada: httpx.Client, job: str, whole: bytes, query: dict[str, int], part: slice
) -> None:
    answer = ada.get(f"jobs/{job}/logs", params=query)
    assert (answer.status_code, answer.content) == (200, whole[part])
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_its_last_lines_and_where_they_stand(ada: httpx.Client, job: str, whole: bytes) -> None:
    answer = ada.get(f"jobs/{job}/logs", params={"tail": 2})
    assert answer.content == b"".join(whole.splitlines(keepends=True)[-2:])
    start = len(whole) - len(answer.content)
    assert answer.headers["Fairihub-Log-Range"] == f"{start}-{len(whole)}/{len(whole)}"


@pytest.mark.parametrize(
    "query", ["tail=x", "tail=-1", "offset=-1", "limit=1.5", "tail=1&offset=2", "tail=1&limit=2"]
)
def test_a_query_that_makes_no_sense(ada: httpx.Client, job: str, query: str) -> None:
    answer = ada.get(f"jobs/{job}/logs?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-query")


def test_who_has_it_gets_it_not_again(ada: httpx.Client, job: str) -> None:
    tag = ada.get(f"jobs/{job}/logs").headers["ETag"]
    again = ada.get(f"jobs/{job}/logs", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    head = ada.head(f"jobs/{job}/logs")
    assert (head.status_code, head.headers["ETag"], head.content) == (200, tag, b"")


def test_while_it_grows(
    hub: Any, ada: httpx.Client, notebook: Callable[..., str], tmp_path: Any
) -> None:
    go = tmp_path / "go"
    hub.put(
        "uc1", "ada", notebook("print('one')", GO_ON.format(str(go)), "print('two')"), "g.ipynb"
    )
    job = ada.post(EXECUTE, json={"inputs": {"notebook": "g.ipynb"}}).json()["jobID"]
    wait_until(lambda: "one\n" in ada.get(f"jobs/{job}/logs").text, "its first line is there")
    first = ada.get(f"jobs/{job}/logs")
    go.touch()
    wait_until(lambda: ada.get(f"jobs/{job}").json()["status"] == "successful", "it ended")
    rest = ada.get(f"jobs/{job}/logs", headers={"Range": f"bytes={len(first.content)}-"})
    assert rest.status_code == 206
    assert first.content + rest.content == ada.get(f"jobs/{job}/logs").content
    changed = ada.get(f"jobs/{job}/logs", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_before_it_begins(
    hub: Any, ada: httpx.Client, notebook: Callable[..., str], tmp_path: Any
) -> None:
    go = tmp_path / "go"
    hub.put("uc1", "ada", notebook(GO_ON.format(str(go))), "w.ipynb")
    body = {"inputs": {"notebook": "w.ipynb"}}
    jobs = [ada.post(EXECUTE, json=body).json()["jobID"] for _ in range(12)]
    last = ada.get(f"jobs/{jobs[-1]}/logs")
    waiting = ada.get(f"jobs/{jobs[-1]}").json()["status"] == "accepted"
    go.touch()
    assert waiting
    assert (last.status_code, last.content) == (200, b"")
    for job in jobs:
        ada.delete(f"jobs/{job}")
