"""Finding and ending every process of a run, also those that hide from their parents."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable

import psutil

from fairihub_core.processes import descendants, is_still, marked, running, send
from fairihub_headless.models import GUARD, MARK

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


def kill_run(
    run_id: str, pid: int | None, began: float | None, ours: Callable[[], bool] = lambda: True
) -> bool:
    """Ends every process of a run; True when none is left. Blocks for seconds at worst.

    Args:
        ours: whether the run is still the caller's. The mark tells of the run, not of the attempt:
            an engine that stood still finds another's processes by it. It is asked once they are
            found, so that those of a later attempt are never among what is killed.
    """
    for attempt in range(20):
        time.sleep(min(0.05 * attempt, 0.3))
        tree = tree_of(pid, began) if pid is not None and began is not None else []
        try:
            left = running({*tree, *marked(MARK, run_id)})
        except OSError:  # who cannot look has not seen that there is nothing
            continue
        if left and not ours():
            left = running(tree)
            if not left:
                return True
        if not left:
            return _cleared_up(run_id, ours)
        send(left, signal.SIGKILL)
    return False


def _cleared_up(run_id: str, ours: Callable[[], bool]) -> bool:
    """Guardians end by themselves once nothing is left below them; one that cannot is ended."""
    try:
        guardians = marked(GUARD, run_id)
    except OSError:
        return False
    if guardians and not ours():
        return True
    _, left = psutil.wait_procs(guardians, timeout=_CLEARING_UP)
    send(left, signal.SIGKILL)
    _, left = psutil.wait_procs(left, timeout=_CLEARING_UP)
    return not left
