"""What was started is found and ended, wherever it went."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from uuid import uuid4

import pytest

from fairihub_core import processes
from tests.support.waiting import eventually

MARK = "FAIRIHUB_TEST_MARK"

# An orphan in a session of its own that ignores being asked to end.
ORPHAN = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(300)
"""


def test_orphans_are_found_by_their_mark_and_ended():
    mark = uuid4().hex
    environment = {**os.environ, MARK: mark}
    subprocess.run([sys.executable, "-c", ORPHAN], env=environment, check=True)
    assert eventually(lambda: processes.marked(MARK, mark))
    processes.end(processes.marked(MARK, mark), grace=0.5)
    assert eventually(lambda: not processes.marked(MARK, mark))
    assert processes.marked(MARK, "another") == []


def test_descendants_are_found_whatever_their_environment():
    inner = "import subprocess; subprocess.run(['sleep', '300'], env={}, start_new_session=True)"
    with subprocess.Popen([sys.executable, "-c", inner]) as server:
        assert eventually(lambda: processes.descendants(server.pid))
        found = processes.descendants(server.pid)
        processes.end(found)
        assert server.wait(20) == 0
    assert not processes.running(found)
    assert processes.descendants(server.pid) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of children by number")
def test_what_has_no_children_costs_no_look_at_all_processes(monkeypatch):
    monkeypatch.setattr(processes, "descendants", lambda pid: pytest.fail("a look at all"))
    with subprocess.Popen(["sleep", "300"]) as alone:
        assert processes.pids_below(alone.pid) == []
        assert alone.pid in processes.pids_below(os.getpid())
        alone.kill()


def test_a_number_used_again_is_another_process():
    began = processes.started_at(os.getpid())
    assert processes.is_still(os.getpid(), began)
    assert not processes.is_still(os.getpid(), began - 60)
    assert not processes.is_still(os.getpid(), None)
    assert not processes.is_still(2**22 + 1, began)


def test_a_clock_that_is_set_makes_no_process_another(monkeypatch):
    with subprocess.Popen(["sleep", "300"]) as process:
        began = processes.started_at(process.pid)
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 1e9, raising=False)
        monkeypatch.setattr("time.time", lambda: 1e9)
        assert processes.is_still(process.pid, began)
        process.kill()


def test_only_what_is_proven_to_have_ended_is_gone(monkeypatch):
    began = processes.started_at(os.getpid()) or 0.0
    assert not processes.is_gone(os.getpid(), began)
    assert processes.is_gone(os.getpid(), began + 1e6)
    with subprocess.Popen(["sleep", "300"]) as child:
        born = processes.started_at(child.pid) or 0.0
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert processes.is_gone(child.pid, born), "a zombie that nobody has counted"
    assert processes.is_gone(child.pid, born)

    def none_left(pid):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("psutil.Process", none_left)
    assert not processes.is_gone(os.getpid(), began)
