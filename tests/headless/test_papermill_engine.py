"""`papermill --engine fairihub`, as anyone uses it who has no service."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from fairihub_headless.worker.alone import Alone

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def executed(tmp_path: Path, notebook: Callable[..., str]) -> Callable[..., Any]:
    """What papermill makes of a notebook with these cells; `out.ipynb` is where it was saved."""

    def execute(*cells: str, declared: str | None = None, **options: Any) -> Any:
        (tmp_path / "in.ipynb").write_text(notebook(*cells, parameters=declared))
        return papermill.execute_notebook(
            tmp_path / "in.ipynb",
            tmp_path / "out.ipynb",
            engine_name="fairihub",
            **{"progress_bar": False, **options},
        )

    return execute


def saved(tmp_path: Path) -> Any:
    found = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    nbformat.validate(found)
    return found


def texts(executed: Any) -> list[str]:
    return ["".join(out.get("text", "") for out in cell.outputs) for cell in executed.cells]


def test_parameters_folder_outputs_and_events(executed: Any, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    told: list[dict[str, Any]] = []
    made = executed(
        "import os, sys; print(a, os.getcwd()); print('err', file=sys.stderr)", declared="a = 1",
        **{"parameters": {"a": 7}, "cwd": tmp_path / "there", "events": told.append,
           "stdout_file": (out := io.StringIO()), "stderr_file": (err := io.StringIO())},
    )  # fmt: skip
    assert texts(made)[2] == f"7 {tmp_path / 'there'}\nerr\n"
    assert (out.getvalue(), err.getvalue()) == (f"7 {tmp_path / 'there'}\n", "err\n")
    assert texts(saved(tmp_path)) == texts(made)
    kinds = [event["event"] for event in told]
    assert (kinds[0], kinds[-1], kinds.count("cell")) == ("saved", "end", 3)
    assert not psutil.pid_exists(next(e["pid"] for e in told if e["event"] == "kernel"))


def test_a_failure_is_saved_and_raised_with_its_events(executed: Any, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        executed("print('first')", "1 / 0", "print('never')", events=events)
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    failed = next(line for line in lines if line["event"] == "failed")
    assert (failed["cell"], failed["cells"]) == (2, 3)
    assert failed["error"].startswith("ZeroDivisionError")
    kept = saved(tmp_path)
    assert "first" in "".join(
        texts(nbformat.from_dict({"cells": [c for c in kept.cells if c.cell_type == "code"]}))
    )
    states = [c.metadata.papermill.status for c in kept.cells if c.cell_type == "code"]
    assert states == ["completed", "failed", "pending"]


@pytest.mark.parametrize(
    ("cell", "options", "error"),
    [
        ("import os; os._exit(3)", {}, DeadKernelError),
        ("import time; print('x', flush=True); time.sleep(60)", {"execution_timeout": 2},
         CellTimeoutError),
    ],
)  # fmt: skip
def test_a_cell_whose_kernel_or_time_ended_is_never_called_completed(
    executed: Any, tmp_path: Path, cell: str, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        executed("1", cell, **options)
    kept = saved(tmp_path)
    assert [c.metadata.papermill.status for c in kept.cells] == ["completed", "failed"]
    assert kept.metadata.papermill.exception is True


def test_it_is_saved_on_a_timer_while_a_cell_is_silent(executed: Any, tmp_path: Path) -> None:
    waits = (
        "print('before', flush=True)\nimport pathlib, time\n"
        f"while 'before\\\\n' not in pathlib.Path({str(tmp_path / 'out.ipynb')!r}).read_text(): "
        "time.sleep(0.1)\n"
    )
    executed(waits, autosave_every=0.3)
    assert texts(saved(tmp_path)) == ["before\n"]


def test_without_saves_on_the_way_it_is_saved_once(executed: Any, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    executed("1", request_save_on_cell_execute=False, events=told.append)
    assert [event["event"] for event in told].count("saved") == 0
    assert (tmp_path / "out.ipynb").is_file()


def test_an_option_that_nobody_knows_is_refused(executed: Any) -> None:
    with pytest.raises(TypeError, match="no option autosave_evry"):
        executed("1", autosave_evry=3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_saves_and_leaves_no_process(
    tmp_path: Path, notebook: Callable[..., str], number: signal.Signals
) -> None:
    cell = (
        "import subprocess, time, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "print(child.pid, flush=True)\ntime.sleep(300)"
    )
    (tmp_path / "in.ipynb").write_text(notebook(cell))
    command = [sys.executable, "-m", "papermill", "--engine", "fairihub", "--log-output"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "in.ipynb", "out.ipynb"], cwd=tmp_path, stdout=log, stderr=log
        )
    deadline = time.monotonic() + 60
    while not (pids := [int(w) for w in (tmp_path / "log").read_text().split() if w.isdigit()
                        and psutil.pid_exists(int(w)) and int(w) > 1]):  # fmt: skip
        assert time.monotonic() < deadline, (tmp_path / "log").read_text()
        time.sleep(0.1)
    ours = psutil.Process(process.pid).children(recursive=True)
    assert len(ours) >= 2
    os.kill(process.pid, number)
    assert process.wait(30) != 0
    _, alive = psutil.wait_procs(ours, timeout=5)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []
    assert str(pids[0]) in "".join(texts(saved(tmp_path)))


def test_a_closed_terminal_interrupts_too_unless_the_program_outlives_it() -> None:
    usual = signal.getsignal(signal.SIGHUP)
    told: list[int] = []
    try:
        for handler in (signal.SIG_DFL, signal.SIG_IGN):
            signal.signal(signal.SIGHUP, handler)
            with Alone(None, 0, None, None).interrupted_by(told.append):
                assert (signal.getsignal(signal.SIGHUP) == signal.SIG_DFL) is False
                os.kill(os.getpid(), signal.SIGHUP)
        assert told == [signal.SIGHUP]
    finally:
        signal.signal(signal.SIGHUP, usual)


def test_what_a_cell_overwrites_takes_no_room_and_no_time(executed: Any) -> None:
    made = executed(
        "for i in range(3000): print(f'{i:5}' * 200, end='\\r')\nprint('end')",
        "print('x' * 90_000 + '\\b' * 89_999 + 'y')",
        "from IPython.display import clear_output\n"
        "for i in range(100): clear_output(); print('z' * 20_000)",
        max_output_bytes=200_000,
    )
    first, second, third = texts(made)
    assert first.endswith("end\n")
    assert len(first) < 2000
    assert second == "xy\n"
    assert third == "z" * 20_000 + "\n"


def test_ten_thousand_cells_are_saved_in_linear_time(notebook: Callable[..., str]) -> None:
    """papermill writes the notebook twice for each cell; here, what is done at a cell is not more
    in a longer notebook."""
    from fairihub_headless.worker.notebook_engine import Manager

    took = {}
    for cells in (1_000, 10_000):
        node = nbformat.reads(notebook(*["1"] * cells), as_version=4)
        node.metadata["papermill"] = {}
        witness = _Silent()
        manager = Manager(node, witness)
        began = time.process_time()
        manager.notebook_start()
        for index, cell in enumerate(node.cells):
            manager.cell_start(cell, index)
            manager.cell_complete(cell, cell_index=index)
        manager.notebook_complete()
        took[cells] = time.process_time() - began
        assert witness.saves == 2
    assert took[10_000] < 30 * max(took[1_000], 0.01), took


class _Silent:
    max_output_bytes = None
    save_every = 0.0
    saves = 0

    def began(self, *_: Any) -> None: ...
    def cell_started(self, *_: Any) -> None: ...
    def save(self, notebook: Any, *, last: bool = False) -> None:
        self.saves += 1
