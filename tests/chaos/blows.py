"""Who is struck down: the service, workers, kernels, fork servers, the database."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import psutil

from benchmarks.runs_hub import Service
from tests.chaos.bases import Base

MARK = "JOB_NAME"
Blow = Callable[[], str | None]


class Blows:
    """Each returns what it did, or None if there was nobody to be struck."""

    def __init__(self, service: Service, base: Base, drawn: Random, witness: Path) -> None:
        self._service, self._drawn, self._witness = service, drawn, witness
        self._asked = 0
        """The process that was asked to end last: asked again, it would be no new blow."""
        self.kinds: dict[str, Blow] = {
            "service killed": lambda: self._the_service(signal.SIGKILL),
            "service asked to end": lambda: self._the_service(signal.SIGTERM),
            "worker killed": lambda: self._one_of(self.workers()),
            "kernel killed": lambda: self._one_of(self.kernels()),
            "fork server killed": lambda: self._one_of(self.fork_servers()),
            "database": lambda: base.disturb(drawn),
        }

    def strike(self) -> tuple[str, str] | None:
        """A blow of a random kind; None if it fell on nobody."""
        kind = self._drawn.choice(list(self.kinds))
        done = self.kinds[kind]()
        return None if done is None else (kind, done)

    def workers(self) -> list[psutil.Process]:
        """Those that bear a run's mark, and no kernel's."""
        kernels = {process.pid for process in self.kernels()}
        return [p for p in self._marked() if p.pid not in kernels and _is_worker(p)]

    def kernels(self) -> list[psutil.Process]:
        """Known by their notebooks, or by what they were started as."""
        with contextlib.suppress(FileNotFoundError):
            named = {int(line.split()[1]) for line in self._witness.read_text().splitlines()}
            return [p for p in self._marked() if p.pid in named or "ipykernel" in _words(p)]
        return []

    def fork_servers(self) -> list[psutil.Process]:
        below = self._service.below()[1:]
        return [p for p in below if "fairihub_headless" in _words(p) and MARK not in _variables(p)]

    def _marked(self) -> list[psutil.Process]:
        return [p for p in self._service.below()[1:] if MARK in _variables(p)]

    def _the_service(self, number: signal.Signals) -> str | None:
        asked_again = number == signal.SIGTERM and self._asked == self._service.pid
        if asked_again or self._service.running.poll() is not None:
            return None
        self._asked = self._service.pid
        self._service.send(number)
        return f"process {self._service.pid}"

    def _one_of(self, found: Iterable[psutil.Process]) -> str | None:
        there = list(found)
        if not there:
            return None
        struck = self._drawn.choice(there)
        with contextlib.suppress(psutil.Error):
            struck.kill()
            return f"process {struck.pid}"
        return None


def _is_worker(process: psutil.Process) -> bool:
    return "fairihub_headless" in _words(process)


def _words(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _variables(process: psutil.Process) -> dict[str, str]:
    with contextlib.suppress(psutil.Error):
        return dict(process.environ())
    return {}
