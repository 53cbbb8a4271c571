"""Starts processes so that none outlives us, and ends all of them, whatever became of them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from fairihub_core.processes import descendants, kill_descendants, send

_PR_SET_PDEATHSIG = 1


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    inherits: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Starts `command` in a session of its own, its output appended to `log`.

    A Ctrl-C in the terminal reaches us alone, so that we end things in their order.

    Args:
        inherits: file descriptors of ours that it has too.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherits,
            preexec_fn=_dying_with(os.getpid()),
        )


def _dying_with(parent: int) -> Callable[[], None] | None:
    """If we are killed outright, the child is asked to end and cleans up behind itself (Linux)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask_for_death_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask_for_death_signal


def end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Asks `process` to end and waits up to `patience` seconds for it."""
    if process.poll() is not None:
        return
    process.terminate()
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def waited(process: subprocess.Popen[bytes]) -> int:
    """The code of `process` when it has ended; orphans that came to us are counted meanwhile."""
    while sys.platform == "linux" and process.returncode is None:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if ended is None or ended.si_pid == process.pid:
            break
        os.waitpid(ended.si_pid, 0)
    return process.wait()


def end_descendants(patience: float = 3.0) -> list[str]:
    """Ends every process below us; returns the names of those that had to be killed."""
    below = descendants(os.getpid())
    send(below, signal.SIGTERM)
    _, alive = psutil.wait_procs(below, timeout=patience if below else 0)
    killed = [_name(process) for process in alive]
    kill_descendants()
    return killed


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return "?"
