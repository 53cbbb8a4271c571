"""The mark of a run tells whose a process is, but not of which attempt."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

import psutil
import pytest

from fairihub_core.processes import started_at
from fairihub_headless.engine.processes import kill_run
from fairihub_headless.models import GUARD, MARK

SLEEPS = "import time; time.sleep(60)"


@pytest.fixture
def run_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture(params=[MARK, GUARD])
def process(request: pytest.FixtureRequest, run_id: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that bears the run's mark, or guards one that does."""
    environment = {**os.environ, request.param: run_id}
    process = subprocess.Popen([sys.executable, "-c", SLEEPS], env=environment)
    yield process
    process.kill()
    process.wait()


def test_what_bears_the_mark_of_ones_own_run_is_ended(
    process: subprocess.Popen[bytes], run_id: str
) -> None:
    kill_run(run_id, None, None)
    process.wait(10)  # psutil may have asked for its end already, so that none is known


def test_who_cannot_look_has_not_seen_that_nothing_is_left(
    process: subprocess.Popen[bytes], run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where too many files are open: at first, then no more."""
    environ, asked = psutil.Process.environ, []

    def troubled(self: psutil.Process) -> dict[str, str]:
        asked.append(self.pid)
        if self.pid == process.pid and asked.count(self.pid) == 1:
            raise OSError(errno.EMFILE, "Too many open files")
        return environ(self)

    monkeypatch.setattr(psutil.Process, "environ", troubled)
    kill_run(run_id, None, None)
    process.wait(10)


def test_an_engine_that_stood_still_ends_nothing_of_a_later_attempt(
    process: subprocess.Popen[bytes], run_id: str
) -> None:
    """The run is another's by now; only one's own worker is still one's own."""
    worker = subprocess.Popen([sys.executable, "-c", SLEEPS])
    assert kill_run(run_id, worker.pid, started_at(worker.pid), lambda: False)
    assert worker.wait(10) == -9
    assert process.poll() is None
