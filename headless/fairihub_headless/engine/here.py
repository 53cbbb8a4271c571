"""Who this process is to other engines, in words that no clock can change."""

from __future__ import annotations

import os
import socket
import sys
import time
import uuid
from pathlib import Path

from fairihub_core.processes import started_at
from fairihub_headless.models import EngineRow


def this_engine() -> EngineRow:
    """A new engine, which this process is."""
    pid = os.getpid()
    return EngineRow(str(uuid.uuid4()), host(), pid, started_at(pid) or 0.0, beat=0)


def host() -> str:
    """Among which processes a number means the same: machine, its start, its namespace."""
    parts = [socket.gethostname()]
    if sys.platform == "linux":
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)[:255]


def uptime() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps (Linux)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()
