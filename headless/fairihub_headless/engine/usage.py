"""How much memory the processes of runs hold, where the system itself does not bound it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

import psutil

_AGE = 0.9
"""Seconds for which one look at all processes serves every run."""


class Usage:
    """Looks at the processes of this machine once a second, for all runs together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._children: dict[int, list[int]] = {}
        self._held: dict[int, int] = {}

    def below(self, *pids: int) -> int:
        """The bytes of memory that all below these processes hold. Blocks."""
        with self._lock:
            if time.monotonic() - self._looked >= _AGE:
                self._look()
            total, left = 0, [child for pid in pids for child in self._children.get(pid, ())]
            while left:
                pid = left.pop()
                total += self._held[pid]
                left += self._children.get(pid, ())
            return total

    def _look(self) -> None:
        self._children, self._held = defaultdict(list), {}
        for process in psutil.process_iter(["ppid", "memory_info"]):
            about = process.info["memory_info"]
            self._children[process.info["ppid"]].append(process.pid)
            self._held[process.pid] = about.rss if about else 0
        self._looked = time.monotonic()
