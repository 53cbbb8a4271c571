"""Waiting for what happens in another process, for as long as it may take and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import psutil


def eventually(what: Callable[[], Any], seconds: float = 20, pause: float = 0.1) -> Any:
    """The first true answer of `what`; its last answer if there was none in time.

    Args:
        pause: between two questions; longer where many ask the same at once.
    """
    until = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > until:
            return answer
        time.sleep(pause)


def all_ended(processes: Iterable[psutil.Process]) -> bool:
    """Whether all have ended; a zombie has, where the machine's first process collects none."""
    return all(_has_ended(process) for process in processes)


def _has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
