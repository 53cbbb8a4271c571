"""A disk that fills up under a run: the run fails with a word for it, and the service lives on."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairihub_headless.engine import retrying
from fairihub_headless.folders import RunFolder
from fairihub_headless.masking import Masker
from fairihub_headless.models import RunState, WorkOrder
from fairihub_headless.worker.worklog import CappedLog
from tests.headless.conftest import eventually
from tests.support.run_witness import processes_of

_SIZE = 24 * 2**20


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own, where everything of the house lies."""
    place = tmp_path_factory.mktemp("disk")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "fairihub-test", str(place)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("a disk of one's own is root's to make")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture(autouse=True)
def _any_room_will_do(house: Any) -> None:
    house.runs.settings = house.runs.settings.model_copy(update={"min_free_bytes": 0})
    house.engine._settings = house.runs.settings


FILL = (
    "import os\nhome = os.environ['HOME']\n"
    "with open(home + '/ballast', 'wb', buffering=0) as file:\n"
    "  size = 2**20\n"
    "  while size:\n"
    "    try: file.write(b'x' * size)\n"
    "    except OSError: size //= 2\n"
    "print('filled', flush=True)\n"
)


async def given_up(run: Any) -> None:
    """Until no process of the run is left: none that could still write."""
    await eventually(lambda: not processes_of(run.id), "its worker has ended")


async def freed(house: Any, run: Any) -> Any:
    """The run, once somebody has made room."""
    await given_up(run)
    assert (await house.runs.own(run.id, house.caller())).state is not RunState.successful
    (house.places.home("uc1", "ada") / "ballast").unlink()
    return await house.ended(run)


async def test_a_disk_that_is_full_at_saving_fails_the_run_and_no_other(house: Any) -> None:
    run = await house.submit("print('first')", FILL, "print('y' * 500_000)")
    home = house.places.home("uc1", "ada")
    await eventually(lambda: (home / "ballast").exists() and _free(home) == 0, "the disk is full")
    run = await freed(house, run)
    assert (run.state, run.failure.code) == (RunState.failed, "no-room"), run.failure
    again = await house.ended(await house.submit("print('fine')", path="again.ipynb"))
    assert again.state is RunState.successful, again.failure


async def test_what_fails_for_want_of_room_itself_is_told_as_its_failure(house: Any) -> None:
    run = await house.submit(
        "import os\nwith open(os.environ['RESULTS_DIRECTORY'] + '/big', 'wb') as f:\n"
        "  for i in range(40): f.write(b'x' * 2**20)"
    )
    await eventually(lambda: _free(house.places.headless) <= 2**17, "the disk is full")
    await given_up(run)
    for big in house.places.headless.rglob("big"):
        big.unlink()
    run = await house.ended(run)
    assert run.failure.code in ("cell-failed", "no-room"), run.failure
    again = await house.ended(await house.submit("print('fine')", path="again.ipynb"))
    assert again.state is RunState.successful, again.failure


async def test_a_run_that_finds_no_room_to_begin_waits_until_there_is_some(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, tries = RunFolder.prepare, []

    def full_at_first(folder: RunFolder, order: WorkOrder) -> None:
        tries.append(folder.attempt)
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        prepare(folder, order)

    monkeypatch.setattr(RunFolder, "prepare", full_at_first)
    monkeypatch.setattr(retrying, "_FULL_PAUSE", 0.1)
    run = await house.ended(await house.submit("print(1)"))
    assert (run.state, run.attempt, run.lost) == (RunState.successful, 2, 1)
    assert run.waited == 1


async def test_results_that_cannot_be_shown_as_a_whole_are_no_success(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunFolder, "publish", full)
    run = await house.ended(await house.submit("print(1)"))
    assert (run.state, run.failure.code) == (RunState.failed, "no-room")
    assert not house.runs.folder(run).files.exists()


async def test_a_log_that_finds_no_room_says_so_and_takes_what_comes() -> None:
    log = CappedLog(Path("/dev/full"), 2**20, Masker([]))
    for _ in range(10):
        log.write("words\n" * 1000)
    log.close()
    assert log.trouble is not None
    assert log.trouble.errno == errno.ENOSPC


async def test_a_run_whose_log_found_no_room_is_no_success(house: Any) -> None:
    run = await house.submit("import time; time.sleep(2); print('lost')", path="a.ipynb")
    log = house.runs.folder(run).log
    log.unlink(missing_ok=True)
    log.symlink_to("/dev/full")
    run = await house.ended(run)
    assert (run.state, run.failure.code) == (RunState.failed, "no-room"), run.failure


def _free(place: Path) -> int:
    about = os.statvfs(place)
    return about.f_bavail * about.f_frsize
