"""What an engine does with a run that another held: nothing begins twice, nobody is held up."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairihub_core.clock import now
from fairihub_core.errors import Unavailable
from fairihub_core.places import Places
from fairihub_headless import folders
from fairihub_headless.engine import keeping, processes
from fairihub_headless.engine.attempt import MOVED, STOPPED, Attempt
from fairihub_headless.engine.changes import Changes
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import EngineRow, ExitRecord, Run, RunState, WorkOrder
from fairihub_headless.store.runs import Store
from tests.headless.conftest import settings_of
from tests.support.engines import claimed


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = Store.in_folder(Places(tmp_path).headless)
    yield made
    made.close()


def added(store: Store, root: Path, name: str) -> Run:
    """A run that an engine has claimed, with its place."""
    run = Run(
        id=name, owner="ada", team="uc1", profile="uc1.tiny", notebook="a.ipynb", digest="0",
        created="2026-01-01T00:00:00Z", updated="2026-01-01T00:00:00Z",
    )  # fmt: skip
    folder = RunFolder.of(Places(root).headless, name, 1)
    folder.keep_notebook(b"{}")
    store.add(run)
    claimed(store, name, f"engine-{name}")
    found = store.get(name)
    assert found is not None
    return found


def begun(root: Path, name: str) -> RunFolder:
    """The place of an attempt whose notebook has started."""
    folder = RunFolder.of(Places(root).headless, name, 1)
    folder.work.mkdir(parents=True)
    folder.started.touch()
    return folder


def attempt(store: Store, root: Path, run: Run) -> Attempt:
    folder = RunFolder.of(Places(root).headless, run.id, run.attempt)
    return Attempt(run, folder, store, settings_of(root), Changes())


def keeper(store: Store, root: Path) -> keeping.Keeper:
    made = keeping.Keeper(
        store, settings_of(root), Changes(), Places(root).headless,
        lambda run_id: False, lambda failure: None, lambda run_id: None,
        me=EngineRow("me", "here", 1, 1.0, 0),
    )  # fmt: skip
    store.engines.register(made.me)
    return made


def test_who_holds_a_run_no_more_does_not_remove_that_it_had_started(
    store: Store, tmp_path: Path
) -> None:
    run = added(store, tmp_path, "r1")
    folder = begun(tmp_path, "r1")
    store.engines.bury("engine-r1")
    store.engines.register(EngineRow("other", "host", 1, 1.0, 0))
    assert store.take_over(run, "other") is not None
    late = attempt(store, tmp_path, run)
    late._ending, late._heard = STOPPED, True
    late.record_end()
    assert folder.place.exists() or folder.files.exists()
    assert folder.started.exists()
    found = store.get("r1")
    assert found is not None
    assert (found.engine, found.state) == ("other", RunState.running)


def test_a_place_is_sealed_before_anything_that_takes_time(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = added(store, tmp_path, "r1")
    folder = begun(tmp_path, "r1")
    found: list[bool] = []

    def kill(*told: Any) -> bool:
        found.append(folder.place.exists())
        return True

    monkeypatch.setattr(processes, "kill_run", kill)
    store.engines.bury("engine-r1")
    keeper(store, tmp_path)._look()
    assert found == [False]
    ended = store.get(run.id)
    assert ended is not None
    assert (ended.state, ended.engine) == (RunState.failed, None)


async def test_a_service_that_begins_waits_for_no_run_of_another_and_no_run_for_another(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, go_on = threading.Barrier(3), threading.Event()

    def kill(*told: Any) -> bool:
        both.wait(20)
        return go_on.wait(20)

    monkeypatch.setattr(processes, "kill_run", kill)
    for name in ("r1", "r2"):
        added(store, tmp_path, name)
        store.engines.bury(f"engine-{name}")
    mine = keeper(store, tmp_path)
    mine.settings = mine.settings.model_copy(update={"beat_seconds": 0.1})
    mine.me = EngineRow("mine", "here", 1, 1.0, 0)
    await mine.start()
    try:
        await asyncio.to_thread(both.wait, 20)
    finally:
        go_on.set()
    while {run and run.engine for run in map(store.get, ("r1", "r2"))} != {None}:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await mine.stop(idle=True)


def test_a_run_that_makes_trouble_holds_up_no_other_and_ends_at_last(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [added(store, tmp_path, name) for name in ("bad", "fine")]
    for run in runs:
        begun(tmp_path, run.id)
        store.engines.bury(f"engine-{run.id}")
    whole = Attempt.record_end

    def troubled(self: Attempt, code: int | None = None) -> None:
        if self.run.id == "bad":
            raise ValueError("a text that cannot be kept")
        whole(self, code)

    monkeypatch.setattr(Attempt, "record_end", troubled)
    mine = keeper(store, tmp_path)
    mine._look()
    states = {name: store.get(name) for name in ("bad", "fine")}
    assert {n: r and r.state for n, r in states.items()} == {
        "bad": RunState.running, "fine": RunState.failed,
    }  # fmt: skip
    for _ in range(10):
        asyncio.run(mine.look())
    found = store.get("bad")
    assert found is not None
    assert found.failure is not None
    assert (found.state, found.failure.code) == (RunState.failed, "engine-failed")


def test_an_attempt_whose_next_has_begun_already_shows_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = added(store, tmp_path, "r1")
    folder = RunFolder.of(Places(tmp_path).headless, "r1", 1)
    folder.work.mkdir(parents=True)

    def kept_unheard(hold: Any, *told: Any, **more: Any) -> bool:
        """It was kept, the connection broke, and another engine was quicker than the next try."""
        Store.again(store, hold, *told, **more)
        store.claim("r1", "other")
        return False

    store.engines.register(EngineRow("other", "host", 1, 1.0, 0))
    monkeypatch.setattr(store, "again", kept_unheard)
    early = attempt(store, tmp_path, run)
    early._ending, early._heard = STOPPED, True
    early.record_end()
    assert not folder.files.exists()
    found = store.get("r1")
    assert found is not None
    assert (found.attempt, found.engine) == (2, "other")


@pytest.mark.parametrize("how", ["removed", "another", "in the way"])
def test_a_success_whose_results_cannot_be_shown_is_none(
    store: Store, tmp_path: Path, how: str
) -> None:
    run = added(store, tmp_path, "r1")
    folder = begun(tmp_path, "r1")
    late = attempt(store, tmp_path, run)
    late._made = folder.mark()
    late._heard, late._told = True, ExitRecord(state="successful", finished=now())
    if how == "in the way":
        folder.files.mkdir()
    else:
        folder.work.rename(tmp_path / "elsewhere")
    if how == "another":
        folder.work.mkdir()
    late.record_end()
    found = store.get("r1")
    assert found is not None
    assert (found.state, found.failure) == (RunState.failed, MOVED)


def test_what_is_shown_twice_is_shown_once(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, "r1", 1)
    folder.work.mkdir(parents=True)
    made = folder.mark()
    for mark in (made, made, None):
        folder.publish(mark)
    assert folder.files.is_dir()


@pytest.mark.parametrize("number", [3, 40])
def test_what_is_shown_is_on_the_disk_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    folder = RunFolder.of(tmp_path, "r1", 1)
    (folder.work / "results").mkdir(parents=True)
    (folder.work / "results" / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder.work / "results" / "pipe")
    made = [folder.work / "results" / f"{n}.csv" for n in range(number)]
    for file in made:
        file.write_text("1")
    synced: list[Path] = []

    def sync(path: Path) -> None:
        assert path == folder.path or not folder.files.exists()
        synced.append(path)

    monkeypatch.setattr(folders, "sync_folder", sync)
    monkeypatch.setattr(folders, "_sync_disk_of", sync)
    folder.publish()
    below = [folder.work, folder.work / "results", *made] if number < 16 else [folder.work]
    assert sorted(synced[:-1]) == sorted(below)
    assert synced[-1] == folder.path


def test_a_disk_that_cannot_be_synced_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders._sync_disk_of(tmp_path)
    broken = SimpleNamespace(syncfs=lambda _: -1)
    monkeypatch.setattr(folders.ctypes, "CDLL", lambda *_, **__: broken)
    with pytest.raises(OSError, match="cannot be written to the disk"):
        folders._sync_disk_of(tmp_path)


def test_a_folder_that_another_request_has_just_made_is_not_overwritten(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, "r1")
    folder.keep_notebook(b"first")
    with pytest.raises(Unavailable, match="job_id"):
        folder.keep_notebook(b"second", anew=True)
    assert folder.notebook.read_bytes() == b"first"
    os.utime(folder.path, (1, 1))
    folder.keep_notebook(b"second", anew=True)
    assert folder.notebook.read_bytes() == b"second"


def test_a_seal_stays_and_nothing_is_prepared_or_removed_behind_it(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, "r1", 2)
    folder.files.mkdir(parents=True)
    folder.seal().clear()
    order = WorkOrder(
        run="r1", cwd="/", home="/", notebook_name="n.ipynb", max_output_bytes=9, max_log_bytes=9
    )
    with pytest.raises(FileExistsError):
        folder.prepare(order)
    assert folder.files.is_dir()
    assert not folder.order.exists()


def test_a_place_that_cannot_be_looked_into_may_have_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begun(tmp_path, "r1")
    folder.started.unlink()
    assert not folder.may_have_started()

    def denied(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "lstat", denied)
    assert folder.may_have_started()


def test_a_place_that_a_notebook_has_replaced_counts_as_started(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, "r1", 1)
    folder.path.mkdir(parents=True)
    folder.place.symlink_to(tmp_path)
    assert folder.seal().may_have_started()


def test_a_place_without_rights_is_opened_up_and_what_is_there_shown(
    store: Store, tmp_path: Path
) -> None:
    run = added(store, tmp_path, "r1")
    folder = begun(tmp_path, "r1")
    folder.work.chmod(0)
    folder.place.chmod(0)
    store.engines.bury("engine-r1")
    keeper(store, tmp_path)._look()
    found = store.get(run.id)
    assert found is not None
    assert (found.state, found.engine) == (RunState.failed, None)
    assert folder.files.stat().st_mode & 0o777 == 0o700


class Gone:
    """A worker that has ended well."""

    pid, born, returncode = 1, 1.0, 0

    async def wait(self) -> int:
        return 0

    def close(self) -> None:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all runs are swept up behind")
@pytest.mark.parametrize(
    ("guardian", "swept", "looked"), [(None, False, False), (7, True, False), (7, False, True)]
)
async def test_behind_a_guardian_that_has_not_swept_processes_are_looked_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    guardian: int | None, swept: bool, looked: bool,
) -> None:  # fmt: skip
    """A notebook may have killed it, however the run ended."""
    late = attempt(store, tmp_path, added(store, tmp_path, "r1"))
    late._beside = guardian
    late._told = ExitRecord(state="successful", swept=swept, finished=now())
    found: list[str] = []

    def kill(run_id: str, *told: Any) -> bool:
        found.append(run_id)
        return True

    monkeypatch.setattr(processes, "kill_run", kill)
    assert await late._finish(Gone()) == 0  # type: ignore[arg-type]
    assert found == (["r1"] if looked else [])
