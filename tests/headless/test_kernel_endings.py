"""A kernel ends as a program does: what its notebook left open is written, exit handlers run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from fairihub_headless.models import Run
from tests.headless.warm_house import until, warm_house_in

LEAVES_OPEN = """
import atexit, os, pathlib
place = os.environ.get("RESULTS_DIRECTORY") or os.getcwd()
left_open = open(place + "/open.csv", "w"); _ = left_open.write("1,2")
_ = atexit.register(lambda: pathlib.Path(place, "exit.txt").write_text("done"))
"""
MORE_LEFT_OPEN = """
import email, threading, time
cycle = [open(place + "/cycle.csv", "w")]; cycle.append(cycle); _ = cycle[0].write("3")
email.left_open = open(place + "/module.csv", "wb"); _ = email.left_open.write(b"4")
late = lambda: (time.sleep(0.3), pathlib.Path(place, "thread.txt").write_text("5"))
threading.Thread(target=late).start()
"""
BY_THE_SHELL = "get_ipython().kernel.control_handlers.clear()"
"""Its control thread, asked to end, now and then waits ten seconds for one that has ended."""
NEVER_ENDS = "import threading, time; threading.Thread(target=time.sleep, args=(300,)).start()"


def left(house: Any, run: Run) -> dict[str, str]:
    results = house.runs.folder(run).files / "results"
    return {path.name: path.read_text() for path in results.iterdir()}


BOTH = {"open.csv": "1,2", "exit.txt": "done"}


@pytest.mark.parametrize("last", ["pass", "1 / 0"])
async def test_of_a_cold_kernel_also_after_a_cell_that_failed(house: Any, last: str) -> None:
    run = await house.ended(await house.submit(LEAVES_OPEN, BY_THE_SHELL, last))
    assert run.state.value == ("failed" if "/" in last else "successful")
    assert left(house, run) == BOTH
    assert "without encryption" not in house.log(run)


async def test_of_a_warm_kernel(tmp_path: Path) -> None:
    async with warm_house_in(tmp_path) as house:
        await house.warmed()
        run = await house.run(LEAVES_OPEN, MORE_LEFT_OPEN, BY_THE_SHELL)
        assert run.environment is not None
        assert run.environment.warm, house.log(run)
        assert "did not end by itself" not in house.log(run)
        assert left(house, run) == {**BOTH, "cycle.csv": "3", "module.csv": "4", "thread.txt": "5"}


def test_of_papermill_for_anyone(
    tmp_path: Path, notebook: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.ipynb").write_text(notebook(LEAVES_OPEN))
    papermill.execute_notebook(
        tmp_path / "in.ipynb", tmp_path / "out.ipynb", engine_name="fairihub",
        progress_bar=False, cwd=tmp_path,
    )  # fmt: skip
    assert {name: (tmp_path / name).read_text() for name in BOTH} == BOTH
    assert "without encryption" not in capfd.readouterr().err
    nbformat.validate(nbformat.read(tmp_path / "out.ipynb", as_version=4))


async def test_one_that_does_not_end_is_killed_and_its_run_is_successful(house: Any) -> None:
    run = await house.ended(await house.submit(LEAVES_OPEN, NEVER_ENDS), seconds=30)
    assert run.state.value == "successful", run.failure


async def test_one_whose_run_is_cancelled_has_no_time_for_it(house: Any) -> None:
    run = await house.submit(LEAVES_OPEN, f"{NEVER_ENDS}\nprint('now')\ntime.sleep(300)")
    await until(lambda: house.runs.folder(run).log.exists() and "now" in house.log(run), "it runs")
    await house.runs.dismiss(run.id, house.caller())
    ended = await house.ended(run)
    assert ended.state.value == "dismissed"
    assert "did not end by itself" not in house.log(ended)


async def test_the_key_of_a_kernel_lies_where_it_goes_with_its_attempt(house: Any) -> None:
    cell = (
        "from ipykernel.kernelapp import IPKernelApp as A; print(A.instance().abs_connection_file)"
    )
    run = await house.ended(await house.submit(cell))
    assert f"{house.runs.folder(run).path}/" in house.log(run)
