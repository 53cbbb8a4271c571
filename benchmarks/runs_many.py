"""Many runs at one time: how long they take, what they hold, how many a second come through."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

from benchmarks import runs_client
from benchmarks.runs_table import Measure, beside
from tests.support.runs_hub import Service, memory, notebook

MIB = 2**20


class Watched:
    """The most memory that the service and all below it held at one time, in shares (PSS)."""

    def __init__(self, service: Service, every: float = 0.2) -> None:
        self.most = 0
        self._service, self._every = service, every
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._done.wait(self._every):
            self.most = max(self.most, memory(self._service.below())[0])

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *of: object) -> None:
        self._done.set()
        self._thread.join()


def at_once(client: httpx.Client, service: Service, count: int) -> list[Measure]:
    """As many requests at once; from the first of them to the last result."""
    with Watched(service) as watched:
        began = time.perf_counter()
        runs_client.all_ended(client, runs_client.submitted(client, count, count))
        seconds = time.perf_counter() - began
    return [
        Measure(f"{count} at once: all results", seconds, budget=6),
        Measure("  memory of the service and all below it", watched.most / MIB, "MiB", budget=1024),
    ]


def throughput(client: httpx.Client, folder: Path, count: int, peers: int) -> list[Measure]:
    """Runs in a second: all asked for at once, beside papermill in as many shells as cores."""
    began = time.perf_counter()
    runs_client.all_ended(client, runs_client.submitted(client, count, 16))
    ours = count / (time.perf_counter() - began)
    theirs = peers / _xargs(folder, peers)
    what, named = f"{count} at once: runs in a second", f"papermill, xargs -P{os.cpu_count()}"
    return [beside(what, ours, theirs, named, 4, "/s", turned=True)]


def _xargs(folder: Path, count: int) -> float:
    """Seconds that papermill takes for as many notebooks, side by side."""
    program = Path(sys.executable).with_name("papermill")
    given = folder / "many.ipynb"
    given.write_text(notebook("1 + 1"))
    made = "\n".join(str(folder / f"many.{number}.ipynb") for number in range(count))
    began = time.perf_counter()
    subprocess.run(
        ["xargs", f"-P{os.cpu_count()}", "-n1", str(program), "--no-progress-bar", str(given)],
        input=made.encode(), check=True, capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - began
