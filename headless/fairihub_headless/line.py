"""The worker's line to its service: what is said on it, how it is written and read.

A JSON object in each line, on the worker's standard output, which nothing else can reach. The last
one is the record of the end. Whatever cannot be read is skipped: it ends nobody.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairihub_core.files import sync_folder
from fairihub_headless.folders import RunFolder
from fairihub_headless.models import Environment, ExitRecord
from fairihub_headless.reporting import LONGEST_MESSAGE

MAX_LINE = 2**20
MOST_LINES = 1_000_000
"""After so many only the end is listened to."""
_PAUSE = 0.1
_PIECE = 65536


@dataclass(frozen=True)
class KernelUp:
    """The kernel is there; from here on the notebook counts as started."""

    environment: Environment
    command: tuple[str, ...] = ()
    """What kernels of its environment are begun with, if they may be begun before they are used."""
    guardian: int | None = None
    """The process above a kernel that is not below the worker."""
    bounded: bool = False
    """Whether the kernel is in the control group of its run, with all that it starts."""
    unheard: str | None = None
    """The folder of a fork server that was asked for it and did not answer."""


@dataclass(frozen=True)
class Cells:
    """So many cells are done."""

    done: int
    cells: int


@dataclass(frozen=True)
class Reported:
    """What the notebook reports of its progress; masked by the worker."""

    fraction: float
    message: str


Said = KernelUp | Cells | Reported | ExitRecord


class Line:
    """The worker's end.

    Args:
        descriptor: where the service listens; closed with the last word.
        started: the file whose presence says that the notebook may have begun.
    """

    def __init__(self, descriptor: int, started: Path) -> None:
        self._descriptor = descriptor
        self._started = started
        self._lock = threading.Lock()
        self._report: tuple[float, str] | None = None
        """What the notebook reported and the service has not heard yet."""
        self._reported = float("-inf")

    def kernel(self, up: KernelUp) -> None:
        """To be called before any code of the notebook runs.

        On return it survives a loss of power that the notebook may have begun.

        Raises:
            OSError: another service has taken the run over: it must not begin here.
        """
        os.close(os.open(self._started, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        folder = RunFolder.at(self._started.parent)
        for place in (folder.place, folder.path):
            sync_folder(place)
        folder.require_unsealed()
        self._say("kernel", **{**vars(up), "environment": up.environment.model_dump(mode="json")})

    def cells(self, done: int, cells: int) -> None:
        self._say("cell", done=done, cells=cells)

    def report(self, fraction: float, message: str = "") -> None:
        """At most ten lines a second; what was reported last is always said in the end."""
        with self._lock:
            waits, self._report = self._report is not None, (fraction, message[:LONGEST_MESSAGE])
            pause = self._reported + _PAUSE - time.monotonic()
        if pause <= 0:
            self._say_report()
        elif not waits:
            later = threading.Timer(pause, self._say_report)
            later.daemon = True
            later.start()

    def _say_report(self) -> None:
        with self._lock:
            report, self._report, self._reported = self._report, None, time.monotonic()
        if report is not None:
            self._say("progress", fraction=report[0], message=report[1])

    def end(self, record: ExitRecord) -> None:
        """The last word."""
        self._say_report()
        self._say("end", record=record.model_dump(mode="json"))
        with self._lock, suppress(OSError):
            os.close(self._descriptor)
            self._descriptor = -1

    def _say(self, event: str, **more: Any) -> None:
        raw = memoryview(json.dumps({"event": event, **more}).encode() + b"\n")
        # A service that has died cannot be told; what ends the worker then is its own watch.
        with self._lock, suppress(OSError):
            while raw and self._descriptor >= 0:
                raw = raw[os.write(self._descriptor, raw) :]


async def heard(line: asyncio.StreamReader) -> AsyncIterator[Said]:
    """What the worker says, as it says it, until it has said its last or the line has ended."""
    number = 0
    async for raw in _lines(line):
        number += 1
        if number > MOST_LINES and not raw.startswith(b'{"event": "end"'):
            continue
        said = read(raw)
        if said is not None:
            yield said
        if isinstance(said, ExitRecord):
            return


def read(raw: bytes) -> Said | None:
    """What a line says; None for what no worker says."""
    try:
        told = json.loads(raw)
        event = told["event"]
        if event == "cell":
            done, cells = told["done"], told["cells"]
            fits = isinstance(done, int) and isinstance(cells, int) and 0 <= done <= cells
            return Cells(done, cells) if fits and cells < 10**6 else None
        if event == "progress":
            return Reported(min(1.0, max(0.0, float(told["fraction"]))), str(told["message"]))
        if event == "kernel":
            return _kernel_up(told)
        return ExitRecord.model_validate(told["record"]) if event == "end" else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _kernel_up(told: dict[str, Any]) -> KernelUp:
    guardian, unheard = told.get("guardian"), told.get("unheard")
    return KernelUp(
        Environment.model_validate(told["environment"]),
        tuple(str(word) for word in told.get("command", ())),
        guardian if isinstance(guardian, int) else None,
        told.get("bounded") is True,
        unheard if isinstance(unheard, str) else None,
    )


async def _lines(line: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines; one that is too long is left out."""
    held, skipping = b"", False
    while piece := await line.read(_PIECE):
        *whole, held = (held + piece).split(b"\n")
        for raw in whole:
            if not skipping:
                yield raw
            skipping = False
        if len(held) > MAX_LINE:
            held, skipping = b"", True
