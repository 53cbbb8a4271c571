"""The client against a real hub: starts, follows, fetches, repeats and ends runs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from fairihub_headless.client import (
    CellDone,
    Job,
    Output,
    RunsClient,
    RunsError,
    State,
    StatusChanged,
)

GLUE = (
    "from fairihub_headless.scraps import glue\n"
    "import os, pathlib\n"
    "glue('sum', a + 1)\n"
    "out = pathlib.Path(os.environ['RESULTS_DIRECTORY'])\n"
    "(out / 'deep').mkdir()\n"
    "(out / 'deep' / 'data.bin').write_bytes(bytes(range(256)) * 4096)\n"
    "print('grüße')\n"
)
LONG = "import time\nprint('begun', flush=True)\ntime.sleep(100)"


@pytest.fixture
def runs(hub) -> Iterator[RunsClient]:
    """The client of ada, who is in one team."""
    with RunsClient(hub.url, hub.token("ada"), patience=20) as client:
        yield client


@pytest.fixture
def summing(hub, notebook) -> str:
    """A notebook in ada's home that glues `a + 1` and leaves a file."""
    hub.put("uc1", "ada", notebook(GLUE, parameters="a = 1"), "sums/sum.ipynb")
    return "sums/sum.ipynb"


def test_a_run_from_its_start_to_its_files(runs, summing, tmp_path):
    job = runs.run(summing, {"a": 41}, profile="uc1.small", priority="high")
    assert (job.info.team, job.info.priority) == ("uc1", "high")
    seen = list(job.follow())
    assert isinstance(seen[0], StatusChanged)
    assert isinstance(seen[-1], StatusChanged)
    assert (seen[-1].job.status, job.status) == (State.successful, State.successful)
    cells = [event for event in seen if isinstance(event, CellDone)]
    assert cells[-1].done == cells[-1].cells > 1
    printed = "".join(event.text for event in seen if isinstance(event, Output))
    assert printed == job.logs()
    assert "grüße" in printed
    assert job.results().scraps == {"sum": 42}
    names = [file.name for file in job.files]
    assert names[1:] == ["results/deep/data.bin"]
    fetched = job.download(tmp_path / "new")
    assert [path.relative_to(tmp_path / "new").as_posix() for path in fetched] == names
    assert fetched[1].read_bytes() == bytes(range(256)) * 4096
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == sorted([names[0], "results"])


def test_a_file_of_this_computer_is_sent(runs, notebook, tmp_path):
    mine = tmp_path / "mine.ipynb"
    content = json.loads(notebook(GLUE, parameters="a = 1"))
    content["cells"][0]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "x" * 4_000_000}
    ]
    mine.write_text(json.dumps(content))
    job = runs.run(mine, {"a": 2})
    assert job.info.source.kind == "upload"
    assert job.wait(60).status is State.successful
    assert job.results().scraps == {"sum": 3}
    assert job.files[0].name == "mine.ipynb"


@pytest.mark.parametrize(
    ("content", "code"), [(None, "no-such-file"), ("{", "no-notebook"), ("[]", "no-notebook")]
)
def test_a_file_of_this_computer_that_is_no_notebook(runs, tmp_path, content, code):
    if content is not None:
        (tmp_path / "x.ipynb").write_text(content)
    with pytest.raises(RunsError) as refused:
        runs.run(tmp_path / "x.ipynb")
    assert refused.value.code == code


def test_a_run_that_fails_says_where_and_why(runs, hub, notebook):
    hub.put("uc1", "ada", notebook("1", "1 / 0"), "fails.ipynb")
    job = runs.run("fails.ipynb")
    ended = job.wait(60)
    assert ended.status is State.failed
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.cell) == ("cell-failed", 2)
    with pytest.raises(RunsError) as failed:
        job.results()
    assert failed.value.code == "cell-failed"
    assert failed.value.details["cell"] == 2
    assert "ZeroDivisionError" in failed.value.details["traceback"]


def test_what_is_refused_is_told_in_the_services_words(runs):
    for ask, code, status in (
        (lambda: runs.run("nowhere.ipynb"), "no-such-notebook", 404),
        (lambda: runs.run("x.ipynb", colour="red"), "unknown-input", 400),
        (lambda: runs.job("nobody-knows"), "no-such-job", 404),
        (lambda: runs.job("../processes"), "no-such-job", 404),
        (lambda: runs.process("other"), "no-such-process", 404),
    ):
        with pytest.raises(RunsError) as refused:
            ask()
        assert (refused.value.code, refused.value.status) == (code, status)
        assert refused.value.message


def test_a_run_is_cancelled_and_found_again(runs, hub, notebook):
    hub.put("uc1", "ada", notebook(LONG), "long.ipynb")
    job = runs.run("long.ipynb")
    for event in job.follow():
        if isinstance(event, StatusChanged) and event.job.status is State.running:
            break
    with pytest.raises(RunsError) as late:
        job.wait(0.3)
    assert late.value.code == "not-ended"
    assert job.cancel().status is State.dismissed
    assert runs.job(job.id).status is State.dismissed
    assert job.id in [found.id for found in runs.jobs(status=State.dismissed)]
    assert job.id not in [found.id for found in runs.jobs(status=["successful", "failed"])]


def test_the_list_goes_over_all_pages(runs, summing, monkeypatch):
    monkeypatch.setattr("fairihub_headless.client.runs._PAGE", 1)
    started = [runs.run(summing).id for _ in range(3)]
    found = [job.id for _, job in zip(range(3), runs.jobs(), strict=False)]
    assert found == started[::-1]
    for job_id in started:
        runs.job(job_id).wait(60)


def test_the_processes(runs):
    assert "execute-notebook" in [each.id for each in runs.processes()]
    assert "notebook" in runs.process().inputs


def test_a_token_that_is_none(hub):
    with RunsClient(hub.url, "nonsense") as client, pytest.raises(RunsError) as refused:
        list(client.jobs())
    assert (refused.value.code, refused.value.status) == ("signed-out", 401)


def test_nobody_sees_the_runs_of_others(hub, runs, summing):
    job: Job = runs.run(summing)
    with RunsClient(hub.url, hub.token("bob")) as bob, pytest.raises(RunsError) as refused:
        bob.job(job.id)
    assert refused.value.code == "no-such-job"
    job.wait(60)
