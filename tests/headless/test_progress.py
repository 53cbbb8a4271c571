"""What a notebook reports of its progress, on its way to whoever follows the run."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

import fairihub_headless
from fairihub_core.clock import now
from fairihub_headless.engine.changes import Event, Progress
from fairihub_headless.line import Line, Reported, read
from fairihub_headless.models import ExitRecord, RunState
from fairihub_headless.reporting import PROGRESS_TYPE, taken_out
from tests.headless.conftest import SECRET, House


def said(reading: int) -> list[Reported]:
    with os.fdopen(reading, "rb") as file:
        return [found for raw in file if isinstance(found := read(raw), Reported)]


def test_reports_come_at_most_ten_times_a_second_and_the_last_for_certain(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    line = Line(writing, tmp_path / "started")
    begun = time.monotonic()
    for number in range(2001):
        line.report(number / 2000, f"{number}")
    lasted = time.monotonic() - begun
    deadline = time.monotonic() + 20
    while line._report is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.close(writing)
    found = said(reading)
    assert found[0] == Reported(0.0, "0")
    assert found[-1] == Reported(1.0, "2000")
    assert len(found) <= 3 + 10 * lasted


def test_a_report_that_waits_is_said_before_the_end(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    line = Line(writing, tmp_path / "started")
    line.report(0.1)
    line.report(0.2, "x" * 5000)
    line.end(ExitRecord(state="successful", finished=now()))
    assert [(r.fraction, len(r.message)) for r in said(reading)] == [(0.1, 0), (0.2, 1000)]


def test_every_cell_is_said(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    line = Line(writing, tmp_path / "started")
    for done in range(4):
        line.cells(done, 3)
    os.close(writing)
    with os.fdopen(reading) as file:
        assert [json.loads(raw)["done"] for raw in file] == [0, 1, 2, 3]


def display(data: dict[str, Any]) -> dict[str, Any]:
    return {"data": data}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"fraction": 0.25, "message": "a"}, (0.25, "a")),
        ({"fraction": 1}, (1.0, "")),
        ({"fraction": -3}, (0.0, "")),
        ({"fraction": 7.5, "message": None}, (1.0, "")),
        ({"fraction": 0.5, "message": " a\x1b[31m\nb\t\u202e "}, (0.5, "a [31m b")),
        ({"fraction": 0.5, "message": "x" * 10**6}, (0.5, "x" * 4000)),
        ({"fraction": True}, None),
        ({"fraction": "0.5"}, None),
        ({"fraction": float("nan")}, None),
        ({"fraction": float("inf")}, None),
        ({"message": "a"}, None),
        ("50 %", None),
        (None, None),
        ([0.5], None),
    ],
)
def test_what_a_kernel_may_send(told: Any, found: tuple[float, str] | None) -> None:
    content = display({PROGRESS_TYPE: told, "text/plain": "x"})
    assert taken_out(content) == found
    assert content == display({"text/plain": "x"})


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_a_fraction_is_from_0_to_1(fraction: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        fairihub_headless.progress(fraction)


def test_outside_of_a_notebook_nothing_happens(capsys: pytest.CaptureFixture[str]) -> None:
    fairihub_headless.progress(0.5, "half")
    assert list(fairihub_headless.track(range(3))) == [0, 1, 2]
    assert list(fairihub_headless.track([])) == []
    assert list(fairihub_headless.track(iter("ab"), total=2)) == ["a", "b"]
    with pytest.raises(TypeError):
        list(fairihub_headless.track(iter("ab")))
    assert capsys.readouterr() == ("", "")


async def test_what_a_notebook_reports_reaches_its_followers(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = (
        "from fairihub_headless import progress, track\n"
        "import os\nprogress(0.25, 'reading ' + os.environ['DEEP_KEY'])",
        # As a kernel of another language says it.
        "from IPython.display import display\n"
        f"display({{'{PROGRESS_TYPE}': {{'fraction': 0.5, 'message': 'half'}}}}, raw=True)",
        f"display({{'{PROGRESS_TYPE}': 'nonsense', 'text/plain': 'shown'}}, raw=True)",
        "for n in track(range(5), 'tiles'): pass",
    )
    found: list[Progress] = []
    tell = house.engine.changes.tell

    def note(run_id: str, event: Event) -> None:
        found.extend([event] if isinstance(event, Progress) else [])
        tell(run_id, event)

    monkeypatch.setattr(house.engine.changes, "tell", note)
    run = await house.ended(await house.submit(*cells))
    assert run.state is RunState.successful, run.failure
    assert (found[0].fraction, found[0].message[:8]) == (0.25, "reading ")
    assert SECRET not in str(found)
    assert found[-1] == Progress(1.0, "tiles 5/5")
    executed = house.runs.folder(run).files / "executed.ipynb"
    outputs = [cell["outputs"] for cell in json.loads(executed.read_text())["cells"]]
    assert [len(some) for some in outputs] == [0, 0, 1, 0]
    assert PROGRESS_TYPE not in json.dumps(outputs)
