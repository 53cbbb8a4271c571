"""Finding and ending every process of a run, also those that hide from their parents."""

from __future__ import annotations

import contextlib
import signal
import time

import psutil

from fairihub_core.processes import descendants, is_still, marked, running, send

MARK = "JOB_NAME"
"""Every process of a run carries the run's id under this name in its environment."""

GUARD = "FAIRIHUB_GUARD"
"""Under this name, the processes that clear up behind forked ones of a run."""
_CLEARING_UP = 3.0


def tree_of(pid: int, began: float) -> list[psutil.Process]:
    """The process and all below it; nothing if the pid belongs to another by now."""
    with contextlib.suppress(psutil.Error):
        if is_still(pid, began):
            return [psutil.Process(pid), *descendants(pid)]
    return []


def ask_to_end(pid: int, began: float, seconds: float) -> None:
    """Lets a worker keep what there is, and waits for so long at most. Blocks."""
    tree = tree_of(pid, began)
    send(tree, signal.SIGTERM)
    until = time.monotonic() + seconds
    while running(tree) and time.monotonic() < until:
        time.sleep(0.05)


def kill_run(run_id: str, pid: int | None, began: float | None) -> bool:
    """Ends every process of a run; True when none is left. Blocks for seconds at worst."""
    for attempt in range(20):
        tree = tree_of(pid, began) if pid is not None and began is not None else []
        left = running({*tree, *marked(MARK, run_id)})
        if not left:
            return _cleared_up(run_id)
        send(left, signal.SIGKILL)
        time.sleep(min(0.05 * (attempt + 1), 0.3))
    return False


def _cleared_up(run_id: str) -> bool:
    """Guardians end by themselves once nothing is left below them; one that cannot is ended."""
    guardians = marked(GUARD, run_id)
    _, left = psutil.wait_procs(guardians, timeout=_CLEARING_UP)
    send(left, signal.SIGKILL)
    _, left = psutil.wait_procs(left, timeout=_CLEARING_UP)
    return not left


def memory_of(pid: int, began: float, beside: int | None = None) -> int:
    """Bytes of memory that the process and all below it hold, and all below `beside`."""
    total = 0
    for process in [*tree_of(pid, began), *(descendants(beside) if beside else ())]:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total
