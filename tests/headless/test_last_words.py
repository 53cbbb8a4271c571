"""Who cancels a run is told the truth while it stops, and its log tells who or what ended it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairihub_core.errors import Missing
from fairihub_headless.engine.last_words import say_last
from fairihub_headless.masking import Masker
from fairihub_headless.running import require_left
from fairihub_headless.web.views import status_info
from fairihub_headless.worker.worklog import CappedLog

DEAF = """
import signal, time
for s in (2, 15): signal.signal(s, signal.SIG_IGN)
print('deaf', flush=True)
while True: time.sleep(300)
"""


def last_line(house: Any, run: Any) -> str:
    return str(house.log(run).splitlines()[-1])


async def test_a_run_that_was_dismissed_is_said_to_stop_until_it_has(house: Any) -> None:
    run = await house.submit(DEAF)
    await house.until(run, lambda r: r.environment is not None and "deaf" in house.log(r))
    run = await house.runs.dismiss(run.id, house.caller("olga"))
    said, rules = "Cancelled by olga, an operator of this hub.", house.runs.settings.rules
    assert status_info(run, "", own=True, rules=rules).message == f"{said} It is stopping."
    with pytest.raises(Missing, match="is stopping"):
        require_left(run)
    run = await house.ended(run)
    require_left(run)
    assert status_info(run, "", own=True, rules=rules).message == said
    assert last_line(house, run) == f"[fairihub] {said}"


async def test_a_log_ends_with_what_ended_the_run(house: Any) -> None:
    late = await house.submit("import time; time.sleep(60)", path="a.ipynb", deadline=1)
    well = await house.submit("print('x', end='')", path="b.ipynb")
    late, well = await house.ended(late), await house.ended(well)
    assert house.log(well).endswith("x\n[fairihub] The run has ended: successful.\n")
    assert last_line(house, late) == f"[fairihub] {late.message}"
    assert late.message == "The run took longer than 1 seconds, its own limit, and was ended."
    assert "The run has ended" not in house.log(late)
    killed = await house.ended(await house.submit("import os; os.kill(os.getppid(), 9)"))
    assert last_line(house, killed) == f"[fairihub] {killed.message}"


def test_a_line_of_the_workers_own_begins_a_new_line(tmp_path: Path) -> None:
    log = CappedLog(tmp_path / "log.txt", 2**20, Masker([]))
    for text in ("no end", "[fairihub] not ours\n", "half"):
        log.write(text, "stdout")
    for text in ("ended", "really"):
        log.say(text)
    log.close()
    assert (tmp_path / "log.txt").read_text() == (
        "no end[fairihub] not ours\nhalf\n[fairihub] ended\n[fairihub] really\n"
    )


def test_nothing_but_a_log_that_was_begun_is_written_to(tmp_path: Path) -> None:
    log, link, missing = tmp_path / "log.txt", tmp_path / "link", tmp_path / "missing"
    log.write_text("begun\n")
    link.symlink_to(log)
    empty, within = tmp_path / "empty", tmp_path / "within"
    empty.write_text("")
    within.write_text("begun")
    for path in (log, link, missing, tmp_path, empty, within):
        say_last(path, "ended")
    assert log.read_text() == within.read_text() == "begun\n[fairihub] ended\n"
    assert empty.read_text() == "[fairihub] ended\n"
    assert not missing.exists()
