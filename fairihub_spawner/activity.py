"""Server extension: work is activity, an open tab is not.

JupyterHub stops servers that report no activity. Left alone, a server counts every poll of an
open tab and forgets a computation that prints nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado.ioloop import PeriodicCallback

from fairihub_core.clock import now

_SOURCE = "fairihub_busy"
_ONLY_READS = ("GET", "HEAD", "OPTIONS")


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "fairihub_spawner.activity"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    ignore_polls()
    PeriodicCallback(lambda: note_work(serverapp), look_every() * 1000).start()


def look_every() -> float:
    """Seconds: twice for each report to the hub, so that a report is never old news."""
    return int(os.environ.get("JUPYTERHUB_ACTIVITY_INTERVAL") or 60) / 2


def note_work(serverapp: Any) -> None:
    """Reports activity if a kernel computes or a terminal runs a program."""
    settings = serverapp.web_app.settings
    kernels = serverapp.kernel_manager
    states = (kernels.get_kernel(i).execution_state for i in kernels.list_kernel_ids())
    terminals = getattr(settings.get("terminal_manager"), "terminals", {})
    if "busy" in states or any_runs_a_program(terminals.values()):
        settings["last_activity_times"][_SOURCE] = now()


def ignore_polls() -> None:
    """Requests that only read are no activity: JupyterLab makes some every few seconds.

    Whoever opens or saves a notebook, runs a cell or types in a terminal does more than read.
    """
    by_method = property(lambda self: self.request.method not in _ONLY_READS)
    APIHandler._track_activity = by_method  # type: ignore[assignment]


def any_runs_a_program(terminals: Iterable[Any]) -> bool:
    """Whether another program than its shell has one of the terminals."""
    return any(_runs_a_program(t.ptyproc) for t in terminals)


def _runs_a_program(process: Any) -> bool:
    try:
        # The shell leads a process group of its own; a program in front leads another.
        return os.tcgetpgrp(process.fd) != os.getpgid(process.pid)
    except (OSError, ValueError):  # it has just ended
        return False
