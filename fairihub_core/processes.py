"""Finds and ends processes, wherever they went: into sessions of their own, away from parents."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_TOLERANCE = 0.05 if sys.platform == "linux" else 3.0
"""Seconds by which the time of a start may differ when it is asked for again."""
_LONGEST_UP = 1e9
"""More seconds than a machine runs without a new start."""
_GONE = (psutil.Error, OSError)
"""Processes of others, and those that are just ending, tell nothing."""


def adopt_orphans() -> None:
    """Makes descendants whose parent dies ours, so that they can still be found (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def started_at(pid: int) -> float | None:
    """What tells the process from all that had or will have its number; None if there is none.

    Also None for a zombie that nobody has counted. On Linux it is counted from the start of the
    machine, and that start is part of it: a clock that is set changes nothing.
    """
    try:
        process = psutil.Process(pid)
        if not running([process]):
            return None
        return _since_boot(pid) if sys.platform == "linux" else float(process.create_time())
    except _GONE:
        return None


def _since_boot(pid: int) -> float:
    # The name, which ends with the last bracket, may hold anything.
    words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return _boot() + int(words[19]) / os.sysconf("SC_CLK_TCK")


@functools.cache
def _boot() -> float:
    """A number for this start of the machine, far from those of others."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    return int(boot[:3], 16) * _LONGEST_UP


def is_still(pid: int, began: float | None) -> bool:
    """Whether `pid` is still the process that began then: numbers are used again."""
    begins = started_at(pid)
    return begins is not None and began is not None and abs(begins - began) < _TOLERANCE


def is_gone(pid: int, began: float) -> bool:
    """Whether there is proof that the process has ended; what cannot be read proves nothing."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        begins = _since_boot(pid) if sys.platform == "linux" else float(process.create_time())
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return True
    except _GONE:
        return False
    return abs(begins - began) >= _TOLERANCE


def descendants(pid: int) -> list[psutil.Process]:
    """The processes that `pid` started, and theirs."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except _GONE:
        return []


def pids_below(pid: int) -> list[int]:
    """The numbers of what `pid` started, and theirs; on Linux without a look at all processes."""
    if not os.path.exists(f"/proc/{pid}/task/{pid}/children"):  # has ended, or is not told of
        return [process.pid for process in descendants(pid)]
    found, left = [], [pid]
    while left:
        with contextlib.suppress(OSError):
            children = _children_of(left.pop())
            found += children
            left += children
    return found


def marked(variable: str, mark: str) -> list[psutil.Process]:
    """Every process of this user whose environment bears that mark, whoever its parent is.

    Descendants inherit it, orphans too.

    Raises:
        OSError: there are too many open files to look.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(variable) == mark:
                found.append(process)
        except _GONE as problem:
            if isinstance(problem, OSError) and problem.errno in (errno.EMFILE, errno.ENFILE):
                raise
    return found


def running(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie only waits to be counted."""
    found = []
    for process in processes:
        with contextlib.suppress(*_GONE):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Signals each, but never another process that has got its number since."""
    for process in processes:
        with contextlib.suppress(*_GONE):
            process.send_signal(number)


def end(processes: Iterable[psutil.Process], grace: float = 2.0) -> None:
    """Asks each to end, and kills those that do not within `grace` seconds. Blocks."""
    asked = list(processes)
    send(asked, signal.SIGTERM)
    _, left = psutil.wait_procs(asked, timeout=grace)
    send(left, signal.SIGKILL)
    psutil.wait_procs(left, timeout=grace)


def _childless() -> bool:
    """Whether nothing at all is below us; False if the system does not tell. Takes no time."""
    try:
        return not _children_of(os.getpid())
    except OSError:
        return False


def _children_of(pid: int) -> list[int]:
    found: list[int] = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
            found += map(int, file.read().split())
    return found


def kill_descendants() -> None:
    """Ends everything below us. Again and again: one may fork, or leave us its children."""
    for _ in range(20):
        if _childless():
            return
        left = running(descendants(os.getpid()))
        if not left:
            return
        send(left, signal.SIGKILL)
        psutil.wait_procs(left, timeout=1)
