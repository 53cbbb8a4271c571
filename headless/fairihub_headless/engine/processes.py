"""Finding and ending every process of a run, also those that hide from their parents."""

from __future__ import annotations

import contextlib
import signal
import time

import psutil

from fairihub_core.processes import descendants, is_still, marked, running, send

MARK = "JOB_NAME"
"""Every process of a run carries the run's id under this name in its environment."""


def tree_of(pid: int, began: float) -> list[psutil.Process]:
    """The process and all below it; nothing if the pid belongs to another by now."""
    with contextlib.suppress(psutil.Error):
        if is_still(pid, began):
            return [psutil.Process(pid), *descendants(pid)]
    return []


def kill_run(run_id: str, pid: int | None, began: float | None) -> bool:
    """Ends every process of a run; True when none is left. Blocks for seconds at worst."""
    for attempt in range(20):
        tree = tree_of(pid, began) if pid is not None and began is not None else []
        left = running({*tree, *marked(MARK, run_id)})
        if not left:
            return True
        send(left, signal.SIGKILL)
        time.sleep(min(0.05 * (attempt + 1), 0.3))
    return False


def memory_of(pid: int, began: float) -> int:
    """Bytes of memory that the process and all below it hold."""
    total = 0
    for process in tree_of(pid, began):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total
