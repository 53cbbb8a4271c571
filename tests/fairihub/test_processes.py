"""What was started ends with us, however deep it hides."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

STUBBORN = """
import os, signal, subprocess, sys, time
from pathlib import Path
from fairihub import processes
from fairihub_core.processes import adopt_orphans
adopt_orphans()
grandchild = (
    "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid();"
    "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
)
code = (
    "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1], sys.argv[2]])"
)
child = processes.start(
    [sys.executable, "-c", code, grandchild, sys.argv[1]],
    environment=dict(os.environ), folder=Path("."), log=Path(os.devnull),
)
while not Path(sys.argv[1]).is_file() or not Path(sys.argv[1]).read_text():
    time.sleep(0.02)
child.wait()
MODE = sys.argv[2]
if MODE == "end":
    print(processes.end_descendants(patience=0.5))
"""


def test_an_orphan_in_its_own_session_that_ignores_the_signal_ends(tmp_path: Path):
    where = tmp_path / "pid"
    run = subprocess.run(
        [sys.executable, "-c", STUBBORN, str(where), "end"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "python" in run.stdout
    assert not psutil.pid_exists(int(where.read_text()))


def test_what_we_started_ends_when_we_are_killed(tmp_path: Path):
    code = (
        "import os, sys, time; from pathlib import Path; from fairihub import processes;"
        "p = processes.start([sys.executable, '-c', 'import time; time.sleep(60)'],"
        "environment=dict(os.environ), folder=Path('.'), log=Path(os.devnull));"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        deadline = time.monotonic() + 10
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives us orphans")
def test_what_is_adopted_is_counted_when_it_ends():
    code = (
        "import subprocess, sys, psutil; from fairihub import processes;"
        "from fairihub_core.processes import adopt_orphans; adopt_orphans();"
        "p = subprocess.Popen(['sh', '-c', '(sleep 0.1 &) ; sleep 0.5; exit 7']);"
        "code = processes.waited(p); print(code, psutil.Process().children())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == ("7 []\n", "")
