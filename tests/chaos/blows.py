"""Who is struck down: the service, workers, kernels, what forks and guards them, the database."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import psutil

from fairihub_headless.models import GUARD, MARK
from tests.chaos.bases import Base
from tests.support.runs import RUN_ID_LENGTH
from tests.support.runs_hub import Service

WORKER, KERNEL = '"kind": "worker"', '"kind": "kernel"'
"""As the command lines of fork servers have it, and of all that they fork."""
PATIENCE = 4.0
"""Seconds that a blow of one kind waits for somebody to be struck."""
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
            "guard killed": lambda: self._one_of(self.guards()),
            "waiting one killed": lambda: self._one_of(self.waiting()),
            "database": lambda: base.disturb(drawn),
        }

    def strike(self) -> tuple[str, str] | None:
        """A blow of a random kind, as soon as there is somebody; None if there was nobody."""
        kind = self._drawn.choice(list(self.kinds))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            done = None
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended while it was looked at
                done = self.kinds[kind]()
            if done is not None:
                return kind, done
            time.sleep(0.02)
        return None

    def workers(self) -> list[psutil.Process]:
        """What executes a run: begun for it, or forked."""
        return [p for p in self._marked() if _is(p, "fairihub_headless.worker", WORKER)]

    def kernels(self) -> list[psutil.Process]:
        """Known by what they were started as, or by their notebooks."""
        words = self._witness.read_text().split()
        named = {int(pid) for pid in words[1::2]}
        return [p for p in self._marked() if _is(p, "ipykernel", KERNEL) or p.pid in named]

    def fork_servers(self) -> list[psutil.Process]:
        return [p for p in self._forking() if p.ppid() == self._service.pid]

    def guards(self) -> list[psutil.Process]:
        """What stands above a forked worker or kernel, and clears up behind it."""
        return [p for p in self._forking() if _bears(p, GUARD)]

    def waiting(self) -> list[psutil.Process]:
        """Workers and kernels without a run yet, and their guards."""
        others = {*self.fork_servers(), *self.guards()}
        return [p for p in self._forking() if p not in others]

    def _forking(self) -> list[psutil.Process]:
        """Everything of the fork servers' that is no run's own process."""
        below = self._service.below()[1:]
        return [p for p in below if _is(p, WORKER, KERNEL) and not _bears(p, MARK)]

    def _marked(self) -> list[psutil.Process]:
        return [p for p in self._service.below()[1:] if _bears(p, MARK)]

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


def _is(process: psutil.Process, *kinds: str) -> bool:
    return any(kind in _words(process) for kind in kinds)


def _words(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _bears(process: psutil.Process, mark: str) -> bool:
    """Whether it is of a run; what waits has only room for the mark."""
    with contextlib.suppress(psutil.Error):
        return len(process.environ().get(mark, "")) == RUN_ID_LENGTH
    return False
