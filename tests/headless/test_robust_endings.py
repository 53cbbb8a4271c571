"""Runs whose notebooks fork, go deaf, kill, close and delete: each ends as what it was."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from fairihub_headless.folders import RunFolder
from fairihub_headless.models import RunState, WorkOrder
from tests.support.run_witness import processes_of


async def clean(house: Any, run: Any) -> None:
    """No process of the run is left, within the time that a guardian takes to clear up."""
    deadline = time.monotonic() + 10
    while processes_of(run.id):
        assert time.monotonic() < deadline, processes_of(run.id)
        await asyncio.sleep(0.1)


async def test_another_notebook_than_was_asked_for_is_not_executed(
    house: Any, notebook: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = RunFolder.prepare

    def exchanged(folder: RunFolder, order: WorkOrder) -> None:
        folder.notebook.write_text(notebook("print('another')"))
        prepare(folder, order)

    monkeypatch.setattr(RunFolder, "prepare", exchanged)
    run = await house.ended(await house.submit("print('mine')"))
    assert (run.state, run.failure.code) == (RunState.failed, "notebook-changed")
    assert "another\n" not in house.log(run)


FORK = "import os, signal, subprocess, sys, threading, time\n"
LEAVING = {
    "fork": "pid = os.fork()\nif pid == 0: time.sleep(300); os._exit(0)",
    "double fork": "if os.fork() == 0:\n  os.setsid()\n  if os.fork(): os._exit(0)\n"
    "  os.close(0); os.close(1); os.close(2)\n  signal.signal(15, signal.SIG_IGN)\n"
    "  time.sleep(300)\n",
    "without a mark": "subprocess.Popen(['sleep', '300'], env={}, start_new_session=True)",
    "multiprocessing": "import multiprocessing\n"
    "p = multiprocessing.get_context('fork').Process(target=time.sleep, args=(300,)); p.start()",
    "threads": "for i in range(50): threading.Thread(target=time.sleep, args=(300,)).start()",
    "holds the log": "subprocess.Popen(['sleep', '300'], stdout=2, stderr=2, pass_fds=(1, 2))",
    "a storm": "for i in range(40):\n  if os.fork() == 0:\n    os.setsid()\n"
    "    if os.fork() == 0: time.sleep(300)\n    os._exit(0)",
}


@pytest.mark.parametrize("cell", LEAVING.values(), ids=LEAVING)
async def test_nothing_that_a_notebook_leaves_outlives_its_run(house: Any, cell: str) -> None:
    before = {p.pid for p in psutil.process_iter()}
    run = await house.ended(await house.submit(FORK + cell, "print('done')"), seconds=60)
    assert run.state is RunState.successful, run.failure
    await clean(house, run)
    sleeping = [
        p for p in psutil.process_iter(["name", "cmdline"])
        if p.pid not in before and p.info["cmdline"] == ["sleep", "300"]
        and p.status() != psutil.STATUS_ZOMBIE
    ]  # fmt: skip
    assert sleeping == []


ENDINGS = {
    "os._exit": ("os._exit(0)", "kernel-died", 2),
    "killed": ("os.kill(os.getpid(), 9)", "kernel-died", 2),
    "crashed": ("import ctypes; ctypes.string_at(0)", "kernel-died", 2),
    "SystemExit": ("raise SystemExit(3)", "cell-failed", 2),
    "words": ("sys.exit('no data today')", "cell-failed", 2),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "cell-failed", 2),
    "own error": (
        "class Odd(BaseException):\n  def __str__(self): raise RuntimeError('odd')\nraise Odd",
        "cell-failed",
        2,
    ),
    "kills its worker": ("os.kill(os.getppid(), 9); time.sleep(60)", "worker-died", None),
    "kills all it can": ("os.killpg(os.getpgid(os.getppid()), 9); time.sleep(60)",
                         "worker-died", None),
}  # fmt: skip


@pytest.mark.parametrize(("cell", "code", "number"), ENDINGS.values(), ids=ENDINGS)
async def test_an_end_within_a_cell_is_a_failure(
    house: Any, cell: str, code: str, number: int | None
) -> None:
    run = await house.submit("print('first')", FORK + cell, "print('never')")
    run = await house.ended(run)
    assert run.state is RunState.failed
    assert (run.failure.code, run.failure.cell) == (code, number)
    if number is not None:
        kept = json.loads((house.runs.folder(run).files / "executed.ipynb").read_text())
        assert "first" in json.dumps(kept["cells"][0]["outputs"])
        assert [c["metadata"]["papermill"]["status"] for c in kept["cells"]] == [
            "completed", "failed", "pending",
        ]  # fmt: skip
    await clean(house, run)


@pytest.mark.parametrize("cell", ["import sys; sys.exit()", "raise SystemExit(0)"])
async def test_a_notebook_may_end_itself_well(house: Any, cell: str) -> None:
    run = await house.ended(await house.submit("print(1)", cell, "print('never')"))
    assert (run.state, "ended itself in cell 2 of 3" in run.message) == (RunState.successful, True)
    assert "never" not in house.log(run)


CLOSING = {
    "own streams": "os.close(0); os.close(1); os.close(2)",
    "Python's": "sys.stdout.close(); sys.stderr.close()",
    "all that is open but the kernel's": "os.closerange(0, 3); sys.stdin.close()",
}


@pytest.mark.parametrize("cell", CLOSING.values(), ids=CLOSING)
async def test_a_notebook_that_closes_its_streams_reaches_its_end(house: Any, cell: str) -> None:
    run = await house.ended(await house.submit(FORK + cell, "x = 1"), seconds=60)
    assert run.state.ended
    await clean(house, run)


DEAF = {
    "signals": "for s in (1, 2, 3, 15): signal.signal(s, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\nwhile True:\n  try: time.sleep(300)\n"
    "  except BaseException: pass",
    "C code": "import ctypes\nfor s in (1, 2, 3, 15): signal.signal(s, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\ntime.sleep(0.5)\nctypes.PyDLL(None).sleep(300)",
    "stopped": "print('deaf', flush=True)\ntime.sleep(0.5)\nos.kill(os.getpid(), signal.SIGSTOP)",
}


@pytest.mark.parametrize("cell", DEAF.values(), ids=DEAF)
async def test_a_deaf_kernel_is_ended_within_the_graces_and_what_it_did_is_kept(
    house: Any, cell: str
) -> None:
    run = await house.submit("print('first')", FORK + cell)
    run = await house.until(run, lambda r: "deaf" in _log(house, r))
    await asyncio.sleep(1)
    begun = time.monotonic()
    await house.runs.dismiss(run.id, house.caller())
    run = await house.ended(run)
    assert time.monotonic() - begun < 3 * house.runs.settings.cancel_grace_seconds + 3
    assert run.state is RunState.dismissed
    kept = (house.runs.folder(run).files / "executed.ipynb").read_text()
    assert "first" in kept
    assert "deaf" in json.dumps(json.loads(kept)["cells"][1]["outputs"])
    await clean(house, run)


PLACE = "import os, pathlib, shutil\nr = pathlib.Path(os.environ['RESULTS_DIRECTORY'])\n"


@pytest.mark.parametrize(
    ("cell", "successful"),
    [
        ("shutil.rmtree(r)", True),
        ("shutil.rmtree(r.parent)", False),
        ("shutil.rmtree(r.parent.parent.parent, ignore_errors=True)", False),
        ("shutil.rmtree(r); os.symlink('/etc', r)", True),
        ("(r / 'passwd').symlink_to('/etc/passwd'); os.mkfifo(r / 'pipe'); "
         "os.link(__import__('sys').executable, r / 'x') if False else None", True),
        ("(r.parent.parent / 'exit.json').mkdir()", True),
    ],
)  # fmt: skip
async def test_a_run_that_deletes_or_replaces_its_folder_hurts_only_itself(
    house: Any, cell: str, successful: bool
) -> None:
    run = await house.ended(await house.submit(PLACE + cell, "print('on')"), seconds=60)
    assert run.state.ended
    if successful:
        assert run.state is RunState.successful, run.failure
    folder = house.runs.folder(run)
    from fairihub_headless.results.left import files_of

    assert not [f for f in files_of(folder, "executed.ipynb") if "passwd" in f.name]
    again = await house.ended(await house.submit("print('fine')", path="again.ipynb"))
    assert again.state is RunState.successful, again.failure


def _log(house: Any, run: Any) -> str:
    path = house.runs.folder(run).log
    return str(path.read_text()) if path.exists() else ""
