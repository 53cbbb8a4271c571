"""Finds and ends processes, wherever they went: into sessions of their own, away from parents."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterable

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_CLOCK_STEP = 3.0
"""Seconds by which the time of a start may differ when it is asked for again."""
_GONE = (psutil.Error, OSError)
"""Processes of others, and those that are just ending, tell nothing."""


def adopt_orphans() -> None:
    """Makes descendants whose parent dies ours, so that they can still be found (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def started_at(pid: int) -> float | None:
    """When the process began; None if there is none, or only a zombie that nobody has counted."""
    try:
        process = psutil.Process(pid)
        return float(process.create_time()) if running([process]) else None
    except _GONE:
        return None


def is_still(pid: int, began: float | None) -> bool:
    """Whether `pid` is still the process that began then: numbers are used again."""
    begins = started_at(pid)
    return begins is not None and began is not None and abs(begins - began) < _CLOCK_STEP


def descendants(pid: int) -> list[psutil.Process]:
    """The processes that `pid` started, and theirs."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except _GONE:
        return []


def marked(variable: str, mark: str) -> list[psutil.Process]:
    """Every process of this user whose environment bears that mark, whoever its parent is.

    Descendants inherit it, orphans too.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(*_GONE):
            if process.pid != os.getpid() and process.environ().get(variable) == mark:
                found.append(process)
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


def kill_descendants() -> None:
    """Ends everything below us. Again and again: one may fork, or leave us its children."""
    for _ in range(20):
        left = running(descendants(os.getpid()))
        if not left:
            return
        send(left, signal.SIGKILL)
        psutil.wait_procs(left, timeout=1)
