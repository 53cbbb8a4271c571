"""Several engines on one database: one dies or is stopped, and the others bring its runs on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fairihub_core.places import Places
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import Run, RunState
from fairihub_headless.store.runs import Store
from tests.headless.conftest import notebook, settings_of
from tests.support.run_witness import processes_of

SHORT = 1.0
"""Seconds between beats where an engine is to be taken for dead soon, on a machine that is busy."""


class Engines:
    """Processes with an engine each, on one database and one data folder."""

    def __init__(self, data: Path, url: str) -> None:
        self.data = data
        self.url = url
        self.store = Store(url)
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, **more: Any) -> subprocess.Popen[str]:
        settings = settings_of(self.data, database=self.url, **more)
        told = json.dumps(settings.model_dump(mode="json"))
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.headless.engine_process", told],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        self.processes.append(process)
        return process

    def name(self, process: subprocess.Popen[str]) -> str:
        """The id of the engine, as soon as it is there."""
        assert process.stdout is not None
        return process.stdout.readline().strip()

    def add(self, name: str, cell: str, **more: Any) -> str:
        content = notebook(cell).encode()
        made = Run(
            id=name, owner="ada", team="uc1", profile="uc1.tiny", notebook="a.ipynb",
            digest=hashlib.sha256(content).hexdigest(),
            created="2026-01-01T00:00:00Z", updated="2026-01-01T00:00:00Z", **more,
        )  # fmt: skip
        self.folder(name).keep_notebook(content)
        self.store.add(made)
        return name

    def folder(self, run_id: str) -> RunFolder:
        return RunFolder.of(Places(self.data).headless, run_id)

    def until(self, run_id: str, true: Callable[[Run], bool], seconds: float = 120) -> Run:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.store.get(run_id)
            assert found is not None
            if true(found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"not so after {seconds} s: {found!r}")

    def ended(self, run_id: str) -> Run:
        return self.until(run_id, lambda r: r.state.ended and r.engine is None)

    def close(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.processes:
            process.wait(30)
            assert process.stdout is not None
            process.stdout.close()
        self.store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engines]:
    places = Places(tmp_path)
    places.headless.mkdir(parents=True)
    url = f"sqlite:///{places.headless / 'runs.sqlite'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres").database())
    made = Engines(tmp_path, url)
    yield made
    made.close()


def counting(file: Path, then: str) -> str:
    """A cell that notes each time that it is begun."""
    return f"open({str(file)!r}, 'a').write('begun\\n')\n{then}"


ASLEEP = "import time\ntime.sleep(600)"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_the_runs_of_an_engine_that_is_gone_are_brought_on_by_another(
    engines: Engines, tmp_path: Path, how: signal.Signals
) -> None:
    marks = {name: tmp_path / f"{name}.txt" for name in ("once", "twice", "fine")}
    first = engines.start(beat_seconds=SHORT)
    name = engines.name(first)
    for run_id, retries in (("once", 0), ("twice", 1)):
        engines.add(run_id, counting(marks[run_id], ASLEEP), retries=retries)
        engines.until(run_id, lambda r: r.environment is not None)
    second = engines.start(beat_seconds=SHORT)
    assert engines.name(second) != name
    first.send_signal(how)
    once = engines.ended("once")
    assert (once.state, once.failure and once.failure.code) == (RunState.failed, "service-stopped")
    assert (engines.folder("once").files / "executed.ipynb").exists()
    twice = engines.until("twice", lambda r: r.attempt == 2 and r.environment is not None)
    assert twice.engine != name
    assert name not in {row.id for row in engines.store.engines.all()}
    if how is signal.SIGSTOP:
        # It wakes up, and learns that it was taken for dead before it does anything.
        first.send_signal(signal.SIGCONT)
        engines.add("fine", counting(marks["fine"], ""))
        engines.ended("fine")
        again = engines.store.get("once")
        assert again == once
        wait_for(lambda: len(engines.store.engines.all()) == 2)
    assert marks["once"].read_text() == "begun\n"
    wait_for(lambda: marks["twice"].read_text() == "begun\nbegun\n")
    assert processes_of("once") == []
    assert engines.store.dismiss("twice", "Cancelled by its owner.")
    assert engines.ended("twice").state is RunState.dismissed
    assert processes_of("twice") == []
    log = engines.folder("twice").log.read_text()
    assert "The run begins again, as attempt 2. The one before failed: The service" in log


def wait_for(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_engines_share_the_queue_and_no_run_is_begun_twice(
    engines: Engines, tmp_path: Path
) -> None:
    names = [f"run{number}" for number in range(8)]
    for name in names:
        engines.add(name, counting(tmp_path / f"{name}.txt", ""))
    both = {engines.name(p) for p in [engines.start(), engines.start()]}
    assert len(both) == 2
    for name in names:
        assert engines.ended(name).state is RunState.successful
        assert (tmp_path / f"{name}.txt").read_text() == "begun\n"


def test_an_engine_that_stops_in_order_leaves_nothing_to_take_over(engines: Engines) -> None:
    first = engines.start()
    engines.name(first)
    engines.add("a", ASLEEP)
    engines.add("b", ASLEEP)
    engines.add("c", "1")
    engines.until("b", lambda r: r.environment is not None)
    first.terminate()
    first.wait(30)
    assert engines.store.engines.all() == []
    assert engines.ended("a").state is RunState.failed
    found = engines.store.get("c")
    assert found is not None
    assert found.state is RunState.accepted
    engines.name(engines.start())
    assert engines.ended("c").state is RunState.successful
