"""What a notebook reports of its progress, on its way to whoever follows the run."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from fairihub_headless.line import Line, Reported, read


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
    line._say_report()
    os.close(writing)
    assert [(r.fraction, len(r.message)) for r in said(reading)] == [(0.1, 0), (0.2, 1000)]


def test_every_cell_is_said(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    line = Line(writing, tmp_path / "started")
    for done in range(4):
        line.cells(done, 3)
    os.close(writing)
    with os.fdopen(reading) as file:
        assert [json.loads(raw)["done"] for raw in file] == [0, 1, 2, 3]
