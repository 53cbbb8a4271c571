"""The client where the service is away, slow or hostile: a server that answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timezone
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from fairihub_headless.client import Job, Results, RunsClient, RunsError
from fairihub_headless.client.following import _Following
from fairihub_headless.client.models import State, StatusInfo
from tests.support.pretended_runs import STATUS, Answer, Server, in_turn, told


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def runs(server) -> Iterator[RunsClient]:
    with RunsClient(server.url, "secret-token", timeout=5, patience=5) as client:
        yield client


def job_of(runs: RunsClient) -> Job:
    return Job(runs._transport, StatusInfo.model_validate(STATUS))


def test_a_submission_is_sent_again_with_the_same_key(server, runs):
    server.answers = in_turn((503, {}, b"<html>"), (502, {}, b""), told(201, **STATUS))
    assert runs.run("x.ipynb").id == "a-job"
    keys = [headers["Idempotency-Key"] for _, _, headers in server.asked]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    runs.run("x.ipynb")
    assert server.asked[-1][2]["Idempotency-Key"] != keys[0]


def test_results_are_taken_one_by_one_whatever_their_request_chose(server, runs):
    """`/results` has the form that the request asked for: raw, in parts, or of some alone."""
    outputs = {"scraps": {"v": 1}, "displays": {"d": {"text/plain": "x"}}, "files": [{"href": "f"}]}

    def answer(request: BaseHTTPRequestHandler) -> Answer:
        name = request.path.rpartition("/results/")[2]
        if name not in outputs:
            return told(404, code="no-such-output", detail="It brought none.")
        return 200, {}, json.dumps(outputs[name]).encode()

    server.answers = answer
    found = job_of(runs).results()
    assert {name: getattr(found, name) for name in outputs} == outputs
    assert found.notebook is not None
    assert found.notebook["href"].endswith("/jobs/a-job/results/notebook")
    outputs.clear()
    assert job_of(runs).results() == Results()
    server.answers = lambda _: told(422, code="cell-failed", detail="Cell 1 failed.")
    with pytest.raises(RunsError, match="Cell 1"):
        job_of(runs).results()


def test_a_busy_service_is_asked_when_it_says(server, runs):
    server.answers = in_turn(
        (429, {"Retry-After": "1"}, b'{"code": "too-many-requests"}'), told(200, **STATUS)
    )
    assert runs.job("a-job").id == "a-job"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, b'{"code": "too-many-runs", "detail": "500 wait"}', "too-many-runs"),
        (503, b'{"code": "no-catalogue", "detail": "none"}', "no-catalogue"),
        (400, b'{"code": "bad-input"}', "bad-input"),
        (500, b"Traceback", "hub-refused"),
        (418, b'["code"]', "hub-refused"),
        (302, b"", "bad-hub-url"),
    ],
)
def test_what_waiting_does_not_mend_is_said_at_once(server, runs, status, body, code):
    server.answers = lambda _: (status, {"Location": "https://elsewhere.example/"}, body)
    with pytest.raises(RunsError) as refused:
        runs.job("a-job")
    assert (refused.value.code, refused.value.status) == (code, status)
    assert len(server.asked) == 1


def test_a_hub_that_stays_away_is_given_up(server, runs):
    server.answers = lambda _: (503, {}, b"")
    with pytest.raises(RunsError) as refused:
        runs.job("a-job")
    assert refused.value.status == 503
    assert len(server.asked) > 2


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
def test_a_parameter_that_is_none_of_jsons_is_not_sent(server, runs, value):
    with pytest.raises(RunsError) as refused:
        runs.run("x.ipynb", {"a": value})
    assert refused.value.code == "bad-parameters"
    assert server.asked == []


def test_days_and_moments_are_sent_as_the_notebook_declares_them(server, runs):
    server.answers = lambda _: told(201, **STATUS)
    noon = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
    for start in (runs.run, lambda _, given: job_of(runs).again(given)):
        start("x.ipynb", {"day": date(2026, 11, 22), "when": [noon]})
        assert json.loads(server.sent)["inputs"]["parameters_json"] == {
            "day": "2026-11-22", "when": ["2026-11-22T12:00:00+00:00"],
        }  # fmt: skip


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_cannot_be_the_id_of_a_run_is_not_asked_for(server, runs, name):
    with pytest.raises(RunsError) as refused:
        runs.job(name)
    assert (refused.value.code, refused.value.status) == ("no-such-job", 404)
    assert server.asked == []


def test_a_cancellation_whose_answer_was_lost_is_done(server, runs):
    left = [told(200, **STATUS | {"status": "running"}), (502, {}, b""),
            told(410, code="dismissed", detail="It was dismissed before.")]  # fmt: skip
    server.answers = in_turn(*left, told(200, **STATUS | {"status": "dismissed"}))
    assert job_of(runs).cancel().status is State.dismissed
    methods = [(method, path.rpartition("/")[2]) for method, path, _ in server.asked]
    assert methods[1:-1] == [("DELETE", "a-job?if=running")] * 2


def test_what_has_ended_meanwhile_is_not_cancelled(server, runs):
    """A run that has succeeded keeps its results, whoever still takes it for running."""
    server.answers = lambda _: told(200, **STATUS)
    job = Job(runs._transport, StatusInfo.model_validate(STATUS | {"status": "running"}))
    assert job.cancel().status is State.successful
    assert [method for method, _, _ in server.asked] == ["GET"]


def files(*names: str, size: int = 4) -> Answer:
    entries = [
        {"name": n, "size": size, "type": "x", "href": "http://evil.example/"} for n in names
    ]
    return told(200, files=entries, links=[])


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "C:evil", ".hidden", "a\0b", "", "~/x"],
)
def test_no_file_is_ever_written_out_of_the_folder(server, runs, tmp_path, name):
    def answers(request: BaseHTTPRequestHandler) -> Answer:
        return files("fine", name) if request.path.endswith("/files") else (200, {}, b"evil")

    server.answers = answers
    folder = tmp_path / "in"
    with pytest.raises(RunsError) as refused:
        job_of(runs).download(folder)
    assert refused.value.code == "bad-file-name"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_no_link_in_the_folder_leads_out_of_it(server, runs, tmp_path):
    def answers(request: BaseHTTPRequestHandler) -> Answer:
        return files("out/evil") if request.path.endswith("/files") else (200, {}, b"evil")

    server.answers = answers
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunsError) as refused:
        job_of(runs).download(tmp_path / "in")
    assert refused.value.code == "bad-file-name"
    assert list((tmp_path / "elsewhere").iterdir()) == []


CONTENT = bytes(range(256)) * 400


def cutting(pieces: int) -> Callable[[BaseHTTPRequestHandler], Answer]:
    """Sends what is asked for of a file, and loses the connection after so many bytes."""

    def answers(request: BaseHTTPRequestHandler) -> Answer:
        if request.path.endswith("/files"):
            return files("data.bin", size=len(CONTENT))
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        rest = CONTENT[start:]
        request.close_connection = True
        headers = {"Content-Length": str(len(rest))}
        return (206 if start else 200), headers, rest[:pieces]

    return answers


def test_a_download_goes_on_where_it_was_cut_off(server, runs, tmp_path):
    server.answers = cutting(30_000)
    (path,) = job_of(runs).download(tmp_path)
    assert path.read_bytes() == CONTENT
    ranges = [headers.get("Range") for _, path, headers in server.asked if "data" in path]
    assert ranges == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


def test_the_next_call_goes_on_after_one_that_gave_up(server, runs, tmp_path):
    def dead(request: BaseHTTPRequestHandler) -> Answer:
        if "Range" in request.headers:
            return 503, {}, b""
        return cutting(30_000)(request)

    server.answers = dead
    with pytest.raises(RunsError):
        job_of(runs).download(tmp_path)
    assert not (tmp_path / "data.bin").exists(), "whole or not at all"
    server.asked.clear()
    server.answers = cutting(10**6)
    job_of(runs).download(tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert server.asked[-1][2]["Range"] == "bytes=30000-"


@pytest.mark.parametrize("changed", [{"attempt": 2}, {"finished": "2026-11-22T01:00:00Z"}])
def test_a_download_does_not_go_on_with_another_content(server, runs, tmp_path, changed):
    """Of the same id and sizes, as where the hub was restored from what was kept of it."""
    server.answers = lambda request: (
        (503, {}, b"") if "Range" in request.headers else cutting(30_000)(request)
    )
    with pytest.raises(RunsError):
        job_of(runs).download(tmp_path)
    server.asked.clear()
    server.answers = cutting(10**6)
    Job(runs._transport, StatusInfo.model_validate(STATUS | changed)).download(tmp_path)
    assert [h.get("Range") for _, path, h in server.asked if "data" in path] == [None]
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


def test_the_token_is_not_shown_to_a_store_of_objects(server, runs, tmp_path):
    store = Server()
    store.answers = lambda _: (200, {}, b"data")
    elsewhere = {"Location": f"{store.url}/bucket/a?signature=x"}

    def answers(request: BaseHTTPRequestHandler) -> Answer:
        return files("a") if request.path.endswith("/files") else (307, elsewhere, b"")

    server.answers = answers
    (path,) = job_of(runs).download(tmp_path)
    store.close()
    assert path.read_bytes() == b"data"
    ((_, asked, headers),) = store.asked
    assert asked == "/bucket/a?signature=x"
    assert "secret-token" not in str(headers)


def test_a_next_page_elsewhere_is_asked_for_here(server, runs):
    first = {"jobs": [STATUS], "numberMatched": 2, "numberReturned": 1}
    onward = [{"href": "http://evil.example/jobs?cursor=abc&status=failed", "rel": "next"}]
    server.answers = in_turn(told(200, **first, links=onward), told(200, **first, links=[]))
    assert len(list(runs.jobs())) == 2
    assert server.asked[-1][1] == "/services/headless/jobs?cursor=abc&status=failed"


def test_a_stream_that_is_none_is_not_believed(server, runs):
    def answers(request: BaseHTTPRequestHandler) -> Answer:
        if request.path.endswith("/events"):
            return 200, {"Content-Type": "text/event-stream"}, b"event: end\ndata: [1]\n\n"
        return (200, {}, b"") if request.path.endswith("/logs") else told(200, **STATUS)

    server.answers = answers
    assert job_of(runs).wait().status.value == "successful"
    assert [event.job.jobID for event in job_of(runs).follow() if hasattr(event, "job")] == [
        "a-job"
    ]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_page_of_somebody_else_is_no_answer(server, runs, body):
    server.answers = lambda _: (200, {"Content-Type": "application/json"}, body)
    for ask in (
        lambda: runs.run("x.ipynb"),
        lambda: runs.job("a-job"),
        lambda: next(runs.jobs()),
        lambda: job_of(runs).files,
        job_of(runs).cancel,
        runs.processes,
        runs.process,
    ):
        with pytest.raises(RunsError) as refused:
            ask()
        assert (refused.value.code, refused.value.status) == ("bad-answer", 200)


def test_what_this_computer_refuses_is_an_error_of_the_client(server, runs, tmp_path):
    def answers(request: BaseHTTPRequestHandler) -> Answer:
        return files("a") if request.path.endswith("/files") else (200, {}, b"data")

    server.answers = answers
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    job = job_of(runs)
    refusals: list[tuple[Callable[[Path], object], Path]] = [
        (job.download, tmp_path / "file"),
        (job.download, tmp_path / "file" / "below"),
        (job.download_zip, tmp_path / "folder"),
        (job.download_report, tmp_path / "folder"),
        (job.download_report, tmp_path / "file" / "report.html"),
    ]
    for ask, target in refusals:
        with pytest.raises(RunsError, match="cannot be written") as refused:
            ask(target)
        assert (refused.value.code, refused.value.status) == ("cannot-write", None)


def test_what_a_new_connection_tells_late_is_not_told_again(runs):
    def told(attempt, *cells):
        following._job = StatusInfo.model_validate(STATUS | {"attempt": attempt - 1})
        changed = following._stands(following._job.model_copy(update={"attempt": attempt}))
        assert len(list(changed)) == 1
        return [e.done for cell in cells for e in following._done(cell, 3)]

    following = _Following(runs._transport, "jobs/a-job", None)
    assert told(1, 0, 1, 0, 2) == [0, 1, 2]
    assert told(2, 0, 0, 1) == [0, 1]
