"""Which processes of a run there are, looked for apart from the code that is to end them."""

from __future__ import annotations

import contextlib

import psutil


def processes_of(run_id: str) -> list[psutil.Process]:
    """Every process whose environment bears the run's id."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("JOB_NAME") == run_id:
                found.append(process)
    return found
