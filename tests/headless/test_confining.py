"""The memory and processors of a run are bounded; what is said of a dead kernel is so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from fairihub_core.cgroups import Group, hierarchies
from fairihub_headless.engine import attempt, groups
from fairihub_headless.engine.usage import Usage
from fairihub_headless.models import Failure, Run, WorkOrder
from fairihub_headless.worker.confining import of_memory, why_it_died
from tests.headless.warm_house import until, warm_house_in
from tests.support.runs import NOON

KNOWN = {controller for h in hierarchies() for controller in h.controllers}
EATER = """
import time
held = [bytearray(60 * 2**20) for _ in range(8)]
for block in held: block[::4096] = b'x' * len(block[::4096])
time.sleep(60)
"""
BREEDS = """
import subprocess, sys
eat = "held = bytearray(600 * 2**20); held[::4096] = b'x' * len(held[::4096])"
subprocess.run([sys.executable, '-c', eat], check=True)
"""
SPIN = """
import time
begun, end = time.process_time(), time.monotonic() + 0.8
while time.monotonic() < end: pass
assert time.process_time() - begun < 0.4
"""
HIDES = "import subprocess\nsubprocess.Popen(['sleep', '987.6'], env={}, start_new_session=True)"


def left_groups(run: Any) -> list[Path]:
    return [folder for folder in groups.group_of(run).folders if folder.exists()]


@pytest.mark.skipif("memory" not in KNOWN, reason="no control group for memory on this machine")
async def test_a_kernel_that_wants_too_much_dies_and_its_worker_says_so(house: Any) -> None:
    run = await house.submit("print('first')", EATER, mem_limit="200Mi")
    run = await house.ended(run)
    assert (run.failure.code, run.failure.cell) == ("out-of-memory", 2)
    assert run.message == "The run wanted more than its 200 MiB of memory in cell 2 of 2."
    assert "first" in (house.runs.folder(run).files / "executed.ipynb").read_text()
    assert left_groups(run) == []


@pytest.mark.skipif("cpu" not in KNOWN, reason="no control group for CPU on this machine")
async def test_a_kernel_cold_or_warm_has_its_share_of_the_processors(tmp_path: Path) -> None:
    async with warm_house_in(tmp_path) as house:
        for warm in (False, True):
            run = await house.run(SPIN, cpu_limit=0.25)
            assert run.state.value == "successful", run.failure
            assert run.environment.warm is warm
            await until(lambda: bool(house.launcher.kernels()), "a fork server of kernels lives")


@pytest.mark.skipif(not KNOWN, reason="no control group on this machine")
async def test_what_hides_in_the_group_of_a_run_ends_with_it(house: Any) -> None:
    sleeper = f"{HIDES}\nimport os; os.kill(os.getppid(), 9)"
    run = await house.ended(await house.submit(sleeper))
    assert run.failure.code == "worker-died"
    assert not [p for p in psutil.process_iter(["cmdline"]) if "987.6" in (p.info["cmdline"] or ())]
    assert left_groups(run) == []


@pytest.mark.skipif(not KNOWN, reason="no control group on this machine")
def test_the_group_of_a_service_that_was_begun_elsewhere_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(
        id=str(uuid4()), owner="ada", team="uc1", profile="uc1.small", notebook="a.ipynb",
        digest="0", created=NOON, updated=NOON, attempt=1,
    )  # fmt: skip
    above = hierarchies()[0].folder / f"fairihub-trial-{uuid4().hex[:8]}"
    folder = above / f"fairihub-run-{run.id}-{run.attempt}"
    folder.mkdir(parents=True)
    try:
        assert groups.group_of(run).folders == (folder,)
        assert groups.group_of(run).end()
        assert groups.group_of(run).folders == ()
    finally:
        above.rmdir()


async def test_without_groups_the_sum_is_watched(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "hierarchies", lambda: ())
    run = await house.ended(await house.submit(EATER, mem_limit="300Mi"))
    assert (run.failure.code, "its 300 MiB of" in run.message) == ("out-of-memory", True)


async def test_the_sum_is_watched_where_the_kernel_could_not_be_put_into_its_group(
    house: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(attempt, "group_for", lambda run: Group((tmp_path / "gone",)))
    run = await house.ended(await house.submit(EATER, mem_limit="300Mi"))
    assert (run.failure.code, "its 300 MiB of" in run.message) == ("out-of-memory", True)
    assert "The system does not bound memory and processors of this run" in house.log(run)


def test_one_look_at_all_processes_serves_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    usage, looks = Usage(), []
    look = usage._look
    monkeypatch.setattr(usage, "_look", lambda: looks.append(1) or look())
    with subprocess.Popen(["sleep", "30"]) as child:
        assert 0 < usage.below(os.getpid()) == usage.below(os.getpid())
        assert usage.below(child.pid) == 0
        child.kill()
    assert looks == [1]


def order_in(group: Path, kills: int) -> WorkOrder:
    (group / "memory.oom_control").write_text(f"oom_kill_disable 0\noom_kill {kills}\n")
    return WorkOrder(
        run="r", cwd="", home="", notebook_name="", mem_limit=2**30, group=(str(group),),
        max_output_bytes=1, max_log_bytes=1,
    )  # fmt: skip


class Ended:
    def __init__(self, code: int | None) -> None:
        self.ended_with = code


@pytest.mark.parametrize(
    ("code", "before", "kills", "kind", "message"),
    [
        (-11, 0, 1, "kernel-died", "The kernel was ended by signal 11, SIGSEGV, in cell 2 of 3."),
        (-9, 0, 0, "kernel-died", "The kernel was ended by signal 9, SIGKILL, in cell 2 of 3."),
        (-9, 1, 1, "kernel-died", "The kernel was ended by signal 9, SIGKILL, in cell 2 of 3."),
        (-9, 1, 2, "out-of-memory", "The run wanted more than its 1 GiB of memory in cell 2 of 3."),
        (0, 0, 1, "kernel-died", "The kernel ended by itself, with exit code 0, in cell 2 of 3."),
        (None, 0, 0, "kernel-died", "The kernel did not answer in cell 2 of 3."),
    ],
)
def test_memory_is_named_only_if_that_was_it(
    tmp_path: Path, code: int | None, before: int, kills: int, kind: str, message: str
) -> None:
    order = order_in(tmp_path, kills)
    failure = why_it_died(Ended(code), order, 1, 3, before)  # type: ignore[arg-type]
    assert (failure.code, failure.message, failure.cell) == (kind, message, 2)


def test_a_child_that_was_ended_for_memory_is_told_of_beside_the_failure(tmp_path: Path) -> None:
    failed = Failure(code="cell-failed", message="Cell 1 of 1 failed: BrokenProcessPool.")
    said = "The system ended a process of this run, which wanted more than its 1 GiB of memory."
    assert of_memory(failed, order_in(tmp_path, 0)) is None
    assert of_memory(failed, order_in(tmp_path, 1)) == said
    known = failed.model_copy(update={"code": "out-of-memory"})
    assert of_memory(known, order_in(tmp_path, 1)) is None


@pytest.mark.skipif("memory" not in KNOWN, reason="no control group for memory on this machine")
async def test_a_run_says_that_a_child_of_its_kernel_wanted_too_much(house: Any) -> None:
    run = await house.submit(BREEDS, mem_limit="200Mi")
    run = await house.ended(run)
    assert run.failure.code == "cell-failed"
    assert run.message.endswith("which wanted more than its 200 MiB of memory.")
    assert "[fairihub] The system ended a process of this run" in house.log(run)


async def test_the_end_of_a_kernel_is_told_as_it_was(house: Any) -> None:
    ended = await house.submit("import os; os._exit(0)", path="a.ipynb")
    killed = await house.submit("import os; os.kill(os.getpid(), 15)", path="b.ipynb")
    ended, killed = await house.ended(ended), await house.ended(killed)
    assert ended.message == "The kernel ended by itself, with exit code 0, in cell 1 of 1."
    assert killed.message == "The kernel was ended by signal 15, SIGTERM, in cell 1 of 1."
    said = [killed.message, "The run has ended: failed."]
    assert house.log(killed).splitlines()[-2:] == [f"[fairihub] {words}" for words in said]
