"""`fairihub run` where the service, or this computer, does not do as it should."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from fairihub.cli import main
from tests.support.pretended_runs import STATUS, Answer, Server, told


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    """A service where every run succeeds, has glued a value, and has left a file."""
    server = Server()
    server.answers = answers
    monkeypatch.setenv("FAIRIHUB_URL", server.url)
    monkeypatch.setenv("FAIRIHUB_TOKEN", "token")
    before = signal.getsignal(signal.SIGINT)
    yield server
    signal.signal(signal.SIGINT, before)
    server.close()


def answers(request: BaseHTTPRequestHandler) -> Answer:
    path = request.path.partition("?")[0]
    if path.endswith("/results/scraps"):
        return told(200, sum=42)
    if "/results/" in path:
        return told(404, code="no-such-output", detail="It brought none.")
    if path.endswith("/files"):
        return told(200, files=[{"name": "a", "size": 4, "type": "x", "href": ""}], links=[])
    if path.endswith("/events"):
        return (
            200,
            {"Content-Type": "text/event-stream"},
            b"event: end\ndata: %s\n\n" % (json.dumps(STATUS).encode()),
        )
    if path.endswith("/files/a"):
        return 200, {}, b"data"
    return told(201 if request.command == "POST" else 200, **STATUS)


def failing(path: str, answer: Answer) -> Callable[[BaseHTTPRequestHandler], Answer]:
    return lambda request: answer if request.path.endswith(path) else answers(request)


def test_a_folder_that_cannot_be_made_is_refused_before_anything_runs(server, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["run", "x.ipynb", "--download", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert server.asked == []


@pytest.mark.parametrize("clash", ["a", "results"])
def test_a_download_that_fails_is_no_failed_run(server, tmp_path, capsys, clash):
    """Exit code 1 would say so; what it has glued is printed even so."""
    (tmp_path / "a").mkdir()
    if clash == "results":
        server.answers = failing("/results/scraps", told(410, code="expired", detail="It is gone."))
    assert main(["run", "x.ipynb", "--download", str(tmp_path)]) == 3
    said = capsys.readouterr()
    assert said.out == ("sum: 42\n" if clash == "a" else "")
    assert ("cannot be written" if clash == "a" else "It is gone.") in said.err


def test_an_empty_id_is_wrong_use(server, capsys):
    assert main(["runs", "show", ""]) == 2
    assert "is no id of a run" in capsys.readouterr().err


def test_several_runs_are_cancelled_whatever_becomes_of_one(server, capsys):
    def answer(request: BaseHTTPRequestHandler) -> Answer:
        if request.path.endswith("/gone"):
            return told(404, code="no-such-job", detail="There is none.")
        if "/jobs?" in request.path:
            assert "status=accepted" in request.path
            jobs = [{**STATUS, "jobID": "waits", "status": "accepted"}]
            return told(200, jobs=jobs, numberMatched=1, numberReturned=1, links=[])
        ended = "dismissed" if request.command == "DELETE" else "running"
        name = request.path.rpartition("/")[2].partition("?")[0]
        return told(200, **STATUS | {"jobID": name, "status": ended})

    server.answers = answer
    assert main(["runs", "cancel", "one", "gone", "two", "--status", "waiting"]) == 2
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"{name} cancelled" for name in ("one", "two", "waits")]
    assert said.err == "fairihub: gone: There is none.\n"
    ended = [path.rpartition("/")[2] for method, path, _ in server.asked if method == "DELETE"]
    assert ended == [f"{name}?if=running" for name in ("one", "two", "waits")]
    assert main(["runs", "cancel"]) == 2


def test_a_report_that_cannot_be_written(server, tmp_path, capsys):
    assert main(["runs", "download", "a-job", "--report", str(tmp_path)]) == 3
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["run", "x.ipynb"], ["runs", "again", "a-job"]])
@pytest.mark.parametrize("key", [None, "mine"])
def test_whoever_interrupts_the_request_learns_its_key(server, capsys, command, key):
    def answer(request: BaseHTTPRequestHandler) -> Answer:
        if request.command == "POST":
            signal.raise_signal(signal.SIGINT)
        return answers(request)

    server.answers = answer
    assert main([*command, *(["--key", key] if key else [])]) == 3
    sent = next(headers for method, _, headers in server.asked if method == "POST")
    said = capsys.readouterr().err
    assert f"--key {sent['Idempotency-Key']}" in said
    assert key is None or sent["Idempotency-Key"] == key


def test_an_answer_that_is_none_leaves_the_key(server, capsys):
    server.answers = lambda _: (200, {}, b"<html>")
    assert main(["run", "x.ipynb", "--key", "mine"]) == 3
    assert "--key mine" in capsys.readouterr().err


def test_people_are_shown_what_was_cancelled_and_ask_for_it_so(server, capsys):
    def answer(request: BaseHTTPRequestHandler) -> Answer:
        jobs = [{**STATUS, "status": "dismissed"}]
        return told(200, jobs=jobs, numberMatched=1, numberReturned=1, links=[])

    server.answers = answer
    assert main(["runs", "--status", "cancelled"]) == 0
    assert "a-job  cancelled " in capsys.readouterr().out
    assert "status=dismissed" in server.asked[-1][1]
    assert main(["runs", "--status", "cancelled", "--format", "json"]) == 0
    assert '"status": "dismissed"' in capsys.readouterr().out
