"""One run at a time: to its result, to its last process, and to its end by force."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from benchmarks import runs_client
from benchmarks.runs_table import Measure, beside, percentile, spread
from fairihub_headless.models import MARK
from tests.support.runs import RUN_ID_LENGTH
from tests.support.runs_hub import NeverCame, Service, memory, notebook, put, until

MIB = 2**20
SLEEPER = "sleeper.ipynb"


def warmed(client: httpx.Client, most: int = 12) -> None:
    """Until runs are served warm, which is some time after the first cold one."""
    for _ in range(most):
        done = runs_client.run(client)
        if done.status.get("status", "successful") != "successful":
            raise SystemExit(f"the trivial run does not succeed: {done.status.get('message')}")
        if (done.status.get("environment") or {}).get("warm"):
            time.sleep(3)  # those that wait are being made
            return
        time.sleep(1)


def from_the_shell(folder: Path) -> list[str]:
    """papermill as people type it, on the same notebook."""
    program = Path(sys.executable).with_name("papermill")
    given, made = folder / "shell.ipynb", folder / "shell.out.ipynb"
    given.write_text(notebook("1 + 1"))
    return [str(program), "--no-progress-bar", str(given), str(made)]


def trivial(client: httpx.Client, folder: Path, count: int, peers: int) -> list[Measure]:
    """POST to result, warm; papermill from the shell in turns with ours."""
    command, ours, theirs = from_the_shell(folder), [], []
    for turn in range(count):
        ours.append(runs_client.run(client).seconds)
        if turn % max(1, count // peers) == 0:
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            theirs.append(time.perf_counter() - began)
    shell = statistics.median(theirs)
    return [
        beside("trivial run, warm, POST to result, p50", statistics.median(ours), shell,
               "papermill in a shell", 0.1),
        beside("  aim", statistics.median(ours), shell, "papermill in a shell",
               note="the aim is 1/30 = 0.033"),
        beside("  p95", percentile(ours, 0.95), percentile(theirs, 0.95), "papermill in a shell"),
        *spread("run end: POST to result", ours, 2)[1:],
    ]  # fmt: skip


def endings(client: httpx.Client, service: Service, count: int) -> list[Measure]:
    """Until no process of a run is left: by itself, and dismissed in the middle of a cell."""
    gone, dismissed = [], []
    for _ in range(count):
        done = runs_client.run(client)
        gone.append(_timed(lambda job=done.job: not _of_run(service, job)))
    for _ in range(count):
        job = runs_client.submitted(client, 1, 1, notebook=SLEEPER)[0]
        until(lambda j=job: runs_client.status_of(client, j)["cell"] >= 1, "the sleeper sleeps")
        began = time.perf_counter()
        client.delete(f"jobs/{job}").raise_for_status()
        until(lambda j=job: not _of_run(service, j), "the dismissed run is gone", pause=0.005)
        dismissed.append(time.perf_counter() - began)
    return [
        Measure("from the result to no process left, p95", percentile(gone, 0.95)),
        *spread("dismissal to no process left", dismissed, 2),
    ]


def waiting(service: Service) -> list[Measure]:
    """Memory of each kernel that waits for its run."""
    try:
        guards, kernels = until(lambda: _waiting(service.below()[1:]), "kernels wait", 20)
    except NeverCame:
        note = "no kernel waits: each is started when it is needed"
        return [Measure("memory of a waiting kernel", None, "MiB", note=note)]
    time.sleep(2)  # they are still at their imports, maybe
    shared, alone = (number / len(kernels) / MIB for number in memory([*guards, *kernels]))
    whole, _ = memory(_servers(service.below()[1:]))
    return [
        Measure(f"a waiting kernel with its guard (of {len(kernels)}): PSS", shared, "MiB"),
        Measure("  private", alone, "MiB"),
        Measure("the server that forks them: PSS", whole / MIB, "MiB"),
    ]


def prepare(data: Path) -> None:
    put(data, notebook("1 + 1"), runs_client.TRIVIAL)
    put(data, notebook("1", "import time; time.sleep(600)"), SLEEPER)


def _waiting(
    below: list[psutil.Process],
) -> tuple[list[psutil.Process], list[psutil.Process]] | None:
    """The guards of kernels without a run, and these kernels."""
    servers = {server.pid for server in _servers(below)}
    guards = [p for p in below if p.ppid() in servers and _forks_kernels(p)]
    kernels = [p for p in below if p.ppid() in {g.pid for g in guards} and _forks_kernels(p)]
    return (guards, kernels) if kernels else None


def _servers(below: list[psutil.Process]) -> list[psutil.Process]:
    """The fork servers of kernels: of all that bears their command line, what is nobody's fork."""
    forking = {p.pid: p for p in below if _forks_kernels(p)}
    return [p for p in forking.values() if p.ppid() not in forking]


def _forks_kernels(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        unmarked = len(process.environ().get(MARK, "")) != RUN_ID_LENGTH
        return unmarked and '"kind": "kernel"' in " ".join(process.cmdline())
    return False


def _of_run(service: Service, job: str) -> list[psutil.Process]:
    found = []
    for process in service.below()[1:]:
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == job:
                found.append(process)
    return found


def _timed(true: Callable[[], bool]) -> float:
    began = time.perf_counter()
    until(true, "no process of the run is left", pause=0.005)
    return time.perf_counter() - began
