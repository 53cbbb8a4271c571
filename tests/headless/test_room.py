"""What a run leaves takes so much of the disk and no more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fairihub_headless.engine.room import Room, used_by
from fairihub_headless.models import RunState


def test_the_room_of_results_is_bounded(tmp_path: Path) -> None:
    assert Room(tmp_path / "gone", 1).look() is None
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "link").symlink_to("/usr")
    assert Room(tmp_path, 100_000).look() is None
    (tmp_path / "deep" / "a").write_bytes(os.urandom(200_000))
    room = Room(tmp_path, 100_000)
    failure = room.look()
    assert failure is not None
    assert (failure.code, room.look()) == ("results-too-large", None)  # not each second


async def test_a_run_that_writes_too_much_is_ended(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairihub_headless.engine.room._EVERY", 0.0)
    settings = house.runs.settings.model_copy(update={"max_results_bytes": 2**20})
    house.engine._settings = settings
    run = await house.submit(
        "import os, pathlib, time\n"
        "pathlib.Path(os.environ['RESULTS_DIRECTORY'], 'a').write_bytes(bytes(4 * 2**20))\n"
        "time.sleep(60)"
    )
    run = await house.ended(run)
    assert run.failure.code == "results-too-large"


def test_a_file_with_many_names_takes_its_room_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(os.urandom(200_000))
    (tmp_path / "day").mkdir()
    for number in range(20):
        (tmp_path / "day" / str(number)).hardlink_to(tmp_path / "a")
    assert 200_000 <= used_by(tmp_path, 10**9) < 400_000


async def test_what_a_run_wrote_at_last_or_beside_its_results_counts(house: Any) -> None:
    settings = house.runs.settings.model_copy(update={"max_results_bytes": 2**20})
    house.engine._settings = settings
    run = await house.submit(
        "import os, pathlib\n"
        "place = pathlib.Path(os.environ['RESULTS_DIRECTORY']).parent\n"
        "(place / 'beside').write_bytes(bytes(4 * 2**20))"
    )
    run = await house.ended(run)
    assert (run.state, run.failure.code) == (RunState.failed, "results-too-large")
    assert house.log(run).splitlines()[-1] == f"[fairihub] {run.message}"
