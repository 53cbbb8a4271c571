"""What bounds the memory and processors of a kernel, and what is said of one that has died."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from fairihub_core.cgroups import Group
from fairihub_core.processes import pids_below
from fairihub_core.units import human_bytes
from fairihub_headless.models import Failure, WorkOrder
from fairihub_headless.worker.kernels import Kernel


def confine(kernel: Kernel, order: WorkOrder, say: Callable[[str], None]) -> bool:
    """Puts the kernel, and all that it has started, into the run's control group, if it can."""
    if not order.group:
        return False
    above = [os.getpid(), *([kernel.guardian] if kernel.guardian else ())]
    try:
        _group(order).take([pid for parent in above for pid in pids_below(parent)])
    except OSError as problem:
        say(f"The system does not bound memory and processors of this run: {problem.strerror}.")
        return False
    return True


def killed_for_memory(order: WorkOrder) -> int:
    """How many processes of the run the system has ended since they wanted too much memory."""
    return _group(order).killed_for_memory()


def of_memory(failure: Failure, order: WorkOrder) -> str | None:
    """What is said beside a failure if the system ended another process than the kernel for memory.

    It chooses the largest: of a notebook that has others work for it, that is one of theirs.
    """
    if failure.code == "out-of-memory" or not order.mem_limit or not killed_for_memory(order):
        return None
    limit = human_bytes(order.mem_limit)
    return f"The system ended a process of this run, which wanted more than its {limit} of memory."


def why_it_died(
    kernel: Kernel | None, order: WorkOrder, cell: int, cells: int, killed: int = 0
) -> Failure:
    """Memory is named only if that was it, as the system says.

    Args:
        killed: how many the system had ended for memory before that cell.
        cell: the one that was executed, counted from 0.
        cells: of so many; 0 if none had begun.
    """
    code = None if kernel is None else kernel.ended_with
    where = f"in cell {cell + 1} of {cells}" if cells else "at its start"
    wanted_more = code == -signal.SIGKILL and killed_for_memory(order) > killed
    if wanted_more and order.mem_limit:
        kind = "out-of-memory"
        message = f"The run wanted more than its {human_bytes(order.mem_limit)} of memory {where}."
    else:
        kind, message = "kernel-died", f"The kernel {_how(code)} {where}."
    return Failure(
        code=kind, message=message, cell=cell + 1 if cells else None, cells=cells or None
    )


def _group(order: WorkOrder) -> Group:
    return Group(tuple(map(Path, order.group)))


def _how(code: int | None) -> str:
    if code is None:
        return "did not answer"
    if code >= 0:
        return f"ended by itself, with exit code {code},"
    try:
        return f"was ended by signal {-code}, {signal.Signals(-code).name},"
    except ValueError:
        return f"was ended by signal {-code}"
