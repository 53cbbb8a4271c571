"""Who this process is to other engines, in words that no clock can change."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from pathlib import Path

from fairihub_core.processes import started_at
from fairihub_headless.engine.leases import EngineRow

_TOLERANCE = 3.0


def this_engine() -> EngineRow:
    """A new engine, which this process is."""
    pid = os.getpid()
    return EngineRow(str(uuid.uuid4()), host(), pid, born(pid) or 0.0, beat=0)


def host() -> str:
    """Among which processes a number means the same: machine, its start, its namespace."""
    parts = [socket.gethostname()]
    if sys.platform == "linux":
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)[:255]


def lives(pid: int, since: float) -> bool:
    """Whether that process of this host still runs; one that is stopped does."""
    begins = born(pid)
    return begins is not None and abs(begins - since) < (0.05 if _ticks() else _TOLERANCE)


def born(pid: int) -> float | None:
    """Seconds from the machine's start to the process's, where they can be had; None if gone."""
    if not _ticks():
        return started_at(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # Behind the name, which may hold anything.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _ticks() -> bool:
    return sys.platform == "linux"
