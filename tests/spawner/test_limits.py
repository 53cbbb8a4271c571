"""What this machine enforces, tried with processes that want more than they may have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from fairihub_core.cgroups import (
    Hierarchy,
    Mount,
    _delegates,
    files_for,
    folder_of,
    mounts_in,
    own_groups,
)
from fairihub_spawner import limits
from fairihub_spawner.limits import Confinement, confine, enforcement, enforcement_by
from tests.support.waiting import all_ended, eventually

MIB = 2**20
# A server that starts a kernel in a session of its own, as Jupyter does.
AS_A_KERNEL = """
import subprocess, sys
sys.exit(subprocess.run([sys.executable, "-c", sys.argv[1]], start_new_session=True).returncode)
"""
grouped = pytest.mark.skipif(
    enforcement().memory != "enforced", reason="no control group may be made on this machine"
)
quota = pytest.mark.skipif(
    enforcement().cpu != "enforced", reason="no control group for CPU may be made on this machine"
)


@pytest.fixture
def confined():
    """Starts a server-like process under limits; the confinement ends with the test."""
    made: list[Confinement] = []
    servers: list[subprocess.Popen[str]] = []

    def start(kernel: str, memory: int | None = None, cpu: float | None = None) -> subprocess.Popen:
        confinement = confine(f"fairihub-test-{uuid4().hex}", memory, cpu)
        made.append(confinement)
        server = subprocess.Popen(
            [sys.executable, "-c", AS_A_KERNEL, kernel],
            preexec_fn=confinement.enter,
            stdout=subprocess.PIPE,
            text=True,
        )
        servers.append(server)
        return server

    start.made = made
    yield start
    assert all(c.group.end() for c in made)
    assert not [f for c in made for f in c.group.folders if f.exists()]
    for server in servers:
        server.communicate(timeout=20)


@grouped
def test_a_kernel_dies_that_takes_more_memory_than_the_profile_has(confined):
    server = confined(f"x = bytearray({400 * MIB}); print(len(x))", memory=200 * MIB)
    assert server.communicate(timeout=60)[0] == ""
    assert server.returncode not in (0, None)


def test_a_kernel_lives_within_its_limits(confined):
    server = confined(f"x = bytearray({100 * MIB}); print(len(x))", memory=400 * MIB, cpu=1.0)
    assert server.communicate(timeout=60)[0] == f"{100 * MIB}\n"


def test_no_limit_is_no_limit(confined):
    server = confined(f"x = bytearray({400 * MIB}); print(len(x))")
    assert server.communicate(timeout=60)[0] == f"{400 * MIB}\n"


@quota
def test_a_kernel_gets_its_share_of_cpu_and_no_more(confined):
    loop = "import time\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass\n"
    server = confined(loop + "print(time.process_time())", cpu=0.25)
    assert float(server.communicate(timeout=60)[0]) < 2 * 0.25 * 1.5


@grouped
def test_a_group_ends_whatever_hides_in_it(confined):
    hide = "import os, time\nfor _ in range(3): os.fork() or os.setsid()\ntime.sleep(300)"
    confined(hide)
    group = confined.made[0].group
    assert eventually(lambda: len(group.processes()) > 4)
    inside = [psutil.Process(pid) for pid in group.processes()]
    assert group.end()
    assert eventually(lambda: all_ended(inside))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the data of a process")
def test_without_groups_each_process_is_limited(monkeypatch):
    monkeypatch.setattr(limits, "hierarchies", lambda: ())
    confinement = confine("none", 300 * MIB, 1.0)
    assert enforcement().memory == "per-process"
    program = [sys.executable, "-c", AS_A_KERNEL, f"bytearray({400 * MIB})"]
    server = subprocess.run(
        program, preexec_fn=confinement.enter, stderr=subprocess.PIPE, text=True
    )
    assert "MemoryError" in server.stderr


V1 = Hierarchy(Path("/m"), 1, ("memory",))
V1_CPU = Hierarchy(Path("/c"), 1, ("cpu",))
V2 = Hierarchy(Path("/u"), 2, ("memory", "cpu"))


@pytest.mark.parametrize(
    ("hierarchies", "platform", "memory", "cpu", "how"),
    [
        ((V2,), "linux", "enforced", "enforced", "control groups, version 2"),
        ((V1, V1_CPU), "linux", "enforced", "enforced", "control groups, version 1"),
        ((V1,), "linux", "enforced", "none", "control groups, version 1"),
        (
            (V1_CPU,),
            "linux",
            "per-process",
            "enforced",
            "control groups, version 1 and a limit on the data of each process",
        ),
        ((), "linux", "per-process", "none", "a limit on the data of each process"),
        ((), "darwin", "none", "none", "nothing that this machine offers"),
    ],
)
def test_what_is_said_of_a_machine(hierarchies, platform, memory, cpu, how):
    said = enforcement_by(hierarchies, platform)
    assert (said.memory, said.cpu, said.gpu, said.how) == (memory, cpu, "none", how)


@pytest.mark.parametrize(
    ("version", "controller", "value", "files"),
    [
        (1, "memory", 2**30, {"memory.limit_in_bytes": "1073741824",
                              "memory.memsw.limit_in_bytes": "1073741824"}),
        (2, "memory", 2**30, {"memory.max": "1073741824", "memory.swap.max": "0"}),
        (1, "cpu", 1.5, {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "150000"}),
        (2, "cpu", 0.5, {"cpu.max": "50000 100000"}),
        (2, "cpu", 0.001, {"cpu.max": "1000 100000"}),
    ],
)  # fmt: skip
def test_limits_as_the_kernel_wants_them(version, controller, value, files):
    assert {name: text for name, text, _ in files_for(version, controller, value)} == files


@pytest.mark.parametrize(
    ("files", "delegates"),
    [
        ({"cgroup.subtree_control": "memory pids"}, True),
        ({"cgroup.subtree_control": ""}, True),
        ({"cgroup.procs": "12\n"}, False),
        ({"cgroup.procs": "12\n", "cgroup.type": None}, True),
        ({"cgroup.controllers": "pids"}, False),
        ({"cgroup.controllers": None}, False),
    ],
)
def test_version_2_delegates_where_no_process_lives(tmp_path, files, delegates):
    usual = {
        "cgroup.controllers": "cpu memory pids",
        "cgroup.type": "domain",
        "cgroup.procs": "",
        "cgroup.subtree_control": "pids",
    }
    for name, content in {**usual, **files}.items():
        if content is not None:
            (tmp_path / name).write_text(content)
    assert _delegates(tmp_path, "memory") is delegates
    if delegates:
        assert "memory" in (tmp_path / "cgroup.subtree_control").read_text()


MOUNTINFO = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:7 - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 /docker/ab /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory
34 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
"""


def test_mounts_are_read():
    assert [(str(m.point), m.root, m.version, m.options) for m in mounts_in(MOUNTINFO)] == [
        ("/sys/fs/cgroup/cpu", "/", 1, ("rw", "cpu", "cpuacct")),
        ("/sys/fs/cgroup/memory", "/docker/ab", 1, ("rw", "memory")),
        ("/sys/fs/cgroup/unified", "/", 2, ("rw", "nsdelegate")),
    ]


def test_our_own_groups_are_read():
    assert own_groups("4:memory:/a:b\n2:cpu,cpuacct:/\n0::/user.slice\n") == {
        "memory": "/a:b",
        "cpu": "/",
        "cpuacct": "/",
        "": "/user.slice",
    }


@pytest.mark.parametrize(
    ("root", "path", "folder"),
    [
        ("/", "/a/b", "a/b"),
        ("/", "/", ""),
        ("/docker/ab", "/docker/ab", ""),
        ("/docker/ab", "/docker/ab/a/b", "a/b"),
        ("/docker/ab", "/docker/abc", ""),
        ("/", "/unseen", ""),
    ],
)
def test_a_container_sees_a_part_of_the_tree(tmp_path, root, path, folder):
    (tmp_path / "a/b").mkdir(parents=True)
    assert folder_of(Mount(tmp_path, root, 1, ()), path) == tmp_path / folder
