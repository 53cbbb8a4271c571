"""Runs with real kernels: success, failure, limits, and the end of all that a run started."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairihub_core.errors import Missing, Unavailable
from fairihub_core.teams import TeamDirectory
from fairihub_headless.callers import Caller
from fairihub_headless.models import RunState
from fairihub_headless.processes.notebook_request import asked_of_notebook
from fairihub_headless.results.left import file_of, files_of, glued_in
from tests.support.run_witness import processes_of
from tests.support.runs import GLUE


async def test_a_run_leaves_values_files_a_copy_and_no_secrets(
    house: Any, notebook: Callable[..., str], secret: str
) -> None:
    cell = (
        GLUE + "import os, pathlib\n"
        "glue('total', {'a': a, 'n': [1, 2]})\n"
        "from IPython.display import HTML\nglue('page', HTML('<b>x</b>'), display=True)\n"
        "pathlib.Path(os.environ['RESULTS_DIRECTORY'], 'out.txt').write_text('hi')\n"
        "print(os.getcwd(), os.environ['DEEP_KEY'], api_token)\n"
        "print([n for n in os.environ if n.startswith('JUPYTERHUB') or n == 'FAIRIHUB_SERVICE'])\n"
        "print(os.environ['HOME'], os.environ['FAIRIHUB_PROFILE'])\n"
        "import subprocess; subprocess.Popen(['sleep', '300'], start_new_session=True)"
    )
    house.put(notebook(cell, parameters="a = 1\napi_token = ''"), "deep/work.ipynb")
    run = await house.submit(
        path="deep/work.ipynb",
        parameters_json={"a": 5, "api_token": "caller-canary"},
        output_filename="mine",
        output_dirname="night",
    )
    run = await house.ended(run)
    assert (run.state, run.progress, run.cell, run.cells) == (RunState.successful, 100, 3, 3)
    folder = house.runs.folder(run)
    assert (folder.path / "glued.json").is_file()  # no service reads the notebook for it
    found = glued_in(folder, "mine.ipynb")
    assert found.scraps == {"total": {"a": 5, "n": [1, 2]}}
    assert found.displays["page"]["text/html"] == "<b>x</b>"
    assert (folder.files / "results" / "out.txt").read_text() == "hi"
    home = house.places.home("uc1", "ada")
    assert (home / "job-output" / "night" / "mine.ipynb").is_file()
    log = house.log(run)
    assert f"{home / 'deep'} [hidden] [hidden]" in log
    assert f"[]\n{home} uc1.small" in log
    for text in (log, (folder.files / "mine.ipynb").read_text(), run.model_dump_json()):
        assert secret not in text
    assert "caller-canary" not in log
    assert not folder.order.exists()
    assert processes_of(run.id) == []


async def test_a_failed_cell_is_told_with_its_traceback_and_the_rest_is_kept(house: Any) -> None:
    run = await house.submit("print('first')", "1 / 0", "print('never')")
    run = await house.ended(run)
    assert run.state is RunState.failed
    failure = run.failure
    assert (failure.code, failure.cell, failure.cells) == ("cell-failed", 2, 3)
    assert failure.error == "ZeroDivisionError: division by zero"
    assert "1 / 0" in failure.traceback
    assert "\x1b" not in failure.traceback
    partial = json.loads((house.runs.folder(run).files / "executed.ipynb").read_text())
    assert [len(cell["outputs"]) for cell in partial["cells"]] == [1, 1, 0]


async def test_a_dead_kernel_and_a_missing_one_are_told(house: Any) -> None:
    died = await house.submit("import os; os._exit(3)", path="a.ipynb")
    missing = await house.submit("1", path="b.ipynb", kernel="no-such")
    died, missing = await house.ended(died), await house.ended(missing)
    assert (died.state, died.failure.code, died.failure.cell) == (
        RunState.failed, "kernel-died", 1,
    )  # fmt: skip
    assert (missing.failure.code, "python3" in missing.message) == ("no-such-kernel", True)


async def test_a_flood_is_cut_and_a_memory_eater_is_ended(house: Any) -> None:
    flood = await house.submit("for i in range(20480): print('x' * 1023)", path="a.ipynb")
    eater = await house.submit(
        "import time\nheld = [bytearray(100 * 2**20) for i in range(6)]\n"
        "for block in held: block[::4096] = b'x' * len(block[::4096])\ntime.sleep(60)",
        path="b.ipynb", profile="tiny",
    )  # fmt: skip
    flood, eater = await house.ended(flood), await house.ended(eater)
    assert flood.state is RunState.successful, flood.failure
    folder = house.runs.folder(flood)
    assert (folder.files / "executed.ipynb").stat().st_size < 2 * 2**20
    assert "of output: from here on it is left out" in (folder.files / "executed.ipynb").read_text(
        "utf-8"
    )
    assert folder.log.stat().st_size < 1.1 * 2**20
    assert "The log is cut here" in house.log(flood)
    assert eater.state is RunState.failed
    assert eater.failure.code == "out-of-memory" or "MemoryError" in eater.failure.error


GRANDCHILD = (
    "import subprocess, time, sys\n"
    "child = \"import subprocess,time; subprocess.Popen(['sleep','300'],start_new_session=True);"
    'time.sleep(300)"\n'
    "subprocess.Popen([sys.executable, '-c', child], start_new_session=True)\n"
    "time.sleep(1); print('sleeping', flush=True)\n"
)


@pytest.mark.parametrize("deaf", [False, True])
async def test_dismissing_ends_the_kernel_and_its_grandchildren(house: Any, deaf: bool) -> None:
    ignore = "import signal\nfor s in (2, 15): signal.signal(s, signal.SIG_IGN)\n" if deaf else ""
    run = await house.submit(ignore + GRANDCHILD + "while True:\n  time.sleep(300)")
    run = await house.until(run, lambda r: "sleeping" in _log(house, r))
    assert len(processes_of(run.id)) >= 4
    begun = time.monotonic()
    dismissed = await house.runs.dismiss(run.id, house.caller())
    assert dismissed.state is RunState.dismissed
    run = await house.ended(run)
    assert time.monotonic() - begun < 10
    assert (run.state, processes_of(run.id)) == (RunState.dismissed, [])
    assert (house.runs.folder(run).files / "executed.ipynb").is_file()


def _log(house: Any, run: Any) -> str:
    path = house.runs.folder(run).log
    return str(path.read_text()) if path.exists() else ""


async def test_a_waiting_run_is_dismissed_before_it_starts(house: Any) -> None:
    runs = [await house.submit("import time; time.sleep(1)", path=f"{n}.ipynb") for n in range(3)]
    last = await house.runs.dismiss(runs[2].id, house.caller())
    assert last.state is RunState.dismissed
    assert [(await house.ended(r)).state.value for r in runs] == [
        "successful", "successful", "dismissed",
    ]  # fmt: skip
    assert not house.runs.folder(last).files.exists()


async def test_a_run_ends_at_its_deadline(house: Any) -> None:
    house.engine._settings = house.runs.settings.model_copy(update={"max_hours": 3 / 3600})
    run = await house.ended(await house.submit("import time; time.sleep(100)"))
    assert (run.state, run.failure.code) == (RunState.failed, "deadline")


async def test_a_stop_of_the_service_ends_what_runs_and_keeps_what_waits(house: Any) -> None:
    runs = [await house.submit("import time; time.sleep(100)", path=f"{n}.ipynb") for n in range(3)]
    await house.until(runs[0], lambda r: r.environment is not None)
    await house.until(runs[1], lambda r: r.environment is not None)
    await asyncio.wait_for(house.engine.stop(), 20)
    states = [(await house.runs.own(r.id, house.caller())) for r in runs]
    assert [s.state.value for s in states] == ["failed", "failed", "accepted"]
    assert states[0].failure.code == "service-stopped"
    assert [processes_of(r.id) for r in runs] == [[], [], []]


async def test_runs_of_a_removed_member_end_after_the_grace(house: Any) -> None:
    house.grace(3600)
    runs = [await house.submit("import time; time.sleep(100)", path=f"{n}.ipynb") for n in range(3)]
    await house.until(runs[1], lambda r: r.environment is not None)
    teams, house.directory = house.directory, TeamDirectory(teams=house.directory.teams[1:])
    late = await house.runs.submit(
        asked_of_notebook({"inputs": {"notebook": "0.ipynb"}}), Caller("ada", "", teams)
    )
    await house.looked()
    states = [await house.runs.own(run.id, house.caller()) for run in [*runs, late]]
    assert [s.state.value for s in states] == ["running", "running", "accepted", "accepted"]
    house.grace(0)
    house.engine.wake()
    ended = [await house.ended(run) for run in [*runs, late]]
    assert {run.state for run in ended} == {RunState.failed}
    assert {run.failure.code for run in ended} == {"no-team"}
    assert ended[2].started is None


async def test_a_waiting_run_of_a_member_who_is_back_in_time_goes_on(
    house: Any, notebook: Callable[..., str]
) -> None:
    house.grace(3600)
    house.put(notebook("print('back')"))
    teams, house.directory = house.directory, TeamDirectory(teams=house.directory.teams[1:])
    run = await house.runs.submit(
        asked_of_notebook({"inputs": {"notebook": "work.ipynb"}}), Caller("ada", "", teams)
    )
    await house.looked()
    assert (await house.runs.own(run.id, house.caller())).state is RunState.accepted
    house.directory = teams
    house.engine.wake()
    assert (await house.ended(run)).state is RunState.successful


SWAP = "import os, pathlib\nr = os.path.dirname(os.environ['RESULTS_DIRECTORY'])\n"


@pytest.mark.parametrize("place", ["work", "run"])
async def test_a_run_that_puts_a_link_in_the_place_of_its_folder_reaches_nothing(
    house: Any, tmp_path: Path, place: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "files").mkdir(parents=True)
    for folder in (elsewhere, elsewhere / "files"):
        (folder / "canary.txt").write_text("canary")
    up = "" if place == "work" else "r = os.path.dirname(r)\n"
    run = await house.submit(
        f"{SWAP}{up}os.rename(r, r + '.x'); os.symlink({str(elsewhere)!r}, r)",
        output_dirname="night",
    )
    run = await house.ended(run)
    assert (run.state, run.failure.code) == (RunState.failed, "engine-failed")
    assert "moved, replaced or removed" in run.message
    assert sorted(p.name for p in elsewhere.rglob("*")) == ["canary.txt", "canary.txt", "files"]
    folder = house.runs.folder(run)
    assert files_of(folder, "executed.ipynb") == []
    with pytest.raises(Unavailable):
        glued_in(folder, "executed.ipynb")
    with pytest.raises(Missing):
        file_of(folder, "canary.txt")
    delivered = house.places.home("uc1", "ada") / "job-output" / "night" / "executed.ipynb"
    assert "os.symlink" in delivered.read_text()


async def test_another_folder_in_the_place_of_the_results_is_not_shown(house: Any) -> None:
    run = await house.submit(f"{SWAP}os.rename(r, r + '.x'); os.mkdir(r)\n"
                             "pathlib.Path(r, 'canary.txt').write_text('x')")  # fmt: skip
    run = await house.ended(run)
    assert files_of(house.runs.folder(run), "executed.ipynb") == []


SPOIL = {
    "folder": "os.mkdir(r + '/exit.json')",
    "forged": "open(r + '/exit.json', 'w').write('{\"state\": \"successful\", "
    '"finished": "2026-01-01T00:00:00Z"}\'); 1 / 0',
    "forged and killed": "open(r + '/exit.json', 'w').write('{\"state\": \"successful\", "
    '"finished": "2026-01-01T00:00:00Z"}\'); os.kill(os.getppid(), 9)',
}


@pytest.mark.parametrize(
    ("how", "state", "code"),
    [
        ("folder", "successful", None),
        ("forged", "failed", "cell-failed"),
        ("forged and killed", "failed", "worker-died"),
    ],
)
async def test_a_run_that_spoils_its_records_ends_as_it_did(
    house: Any, how: str, state: str, code: str | None
) -> None:
    spoil = f"{SWAP}r = os.path.dirname(r)\n{SPOIL[how]}"
    run = await house.ended(await house.submit(spoil, "import time; time.sleep(1)"))
    assert (run.state.value, run.failure and run.failure.code) == (state, code)
