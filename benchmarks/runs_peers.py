"""Other services that run notebooks by REST, with the same trivial one: each as it comes.

Each is installed from PyPI into an environment of its own, kept in the cache folder by version.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.runs_table import Measure, beside
from fairihub.node import cache_folder
from tests.support.ports import free_port
from tests.support.runs_hub import notebook, until

BUILD_SECONDS = 300
POLL = 0.25
"""As its own screen would, or so: asked every 10 ms, jupyter-scheduler takes four times as long."""
PROCESSOR = Path(__file__).with_name("runs_pygeoapi.py")
PYGEOAPI = """\
server:
  bind: {{host: 127.0.0.1, port: {port}}}
  url: http://127.0.0.1:{port}
  mimetype: application/json; charset=UTF-8
  encoding: utf-8
  languages: [en-US]
  limits: {{default_items: 10, max_items: 50}}
  map: {{url: "https://tile.openstreetmap.org/{{z}}/{{x}}/{{y}}.png", attribution: OSM}}
logging: {{level: ERROR}}
metadata:
  identification:
    title: peer
    description: peer
    keywords: [peer]
    keywords_type: theme
    terms_of_service: none
    url: http://localhost
  license: {{name: none, url: http://localhost}}
  provider: {{name: peer, url: http://localhost}}
  contact: {{name: peer, email: peer@example.org}}
resources:
  execute-notebook:
    type: process
    processor: {{name: runs_pygeoapi.PapermillProcessor}}
"""


@dataclass(frozen=True)
class Peer:
    """A service, what it is installed from, and how it is asked."""

    name: str
    version: str
    needs: tuple[str, ...]
    serving: Callable[[Peer, Path], contextlib.AbstractContextManager[Callable[[], None]]]
    """Starts it; gives what asks for the trivial run and returns with its result in hand."""

    @property
    def place(self) -> Path:
        """Its environment, where it is kept for the next time."""
        python = f"py{sys.version_info.major}.{sys.version_info.minor}"
        return cache_folder() / "peers" / f"{self.name}-{self.version}-{python}"

    def program(self, name: str) -> str:
        return str(self.place / "bin" / name)

    def installed(self) -> None:
        """Builds the environment unless it is there; two may want it at once."""
        done = self.place / "done"
        self.place.parent.mkdir(parents=True, exist_ok=True)
        with self.place.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if done.exists():
                return
            uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
            shutil.rmtree(self.place, ignore_errors=True)
            _quietly([uv, "venv", "--python", sys.executable, str(self.place)])
            wanted = [f"{self.name}=={self.version}", *self.needs]
            _quietly([uv, "pip", "install", "--python", self.program("python"), *wanted])
            done.touch()


def peers(ours: float, folder: Path, count: int) -> list[Measure]:
    """Each service beside our own seconds; one that cannot run says why."""
    found = []
    for peer in PEERS:
        what = "trivial run, POST to result, p50"
        try:
            theirs = _measured(peer, folder / peer.name, count)
        except (OSError, subprocess.SubprocessError, httpx.HTTPError, RuntimeError) as problem:
            note = f"{peer.name} {peer.version} does not run here: {problem}"[:300]
            found.append(Measure(what, ours, named=peer.name, note=" ".join(note.split())))
        else:
            found.append(beside(what, ours, theirs, f"{peer.name} {peer.version}"[:20]))
    return found


def _measured(peer: Peer, folder: Path, count: int) -> float:
    peer.installed()
    folder.mkdir(parents=True)
    took = []
    with peer.serving(peer, folder) as ask:
        ask()  # the first is not counted, nor is ours
        for _ in range(count):
            began = time.perf_counter()
            ask()
            took.append(time.perf_counter() - began)
    return statistics.median(took)


@contextlib.contextmanager
def _scheduler(peer: Peer, folder: Path) -> Iterator[Callable[[], None]]:
    port, work = free_port(), folder / "work"
    work.mkdir()
    (work / "work.ipynb").write_text(notebook("1 + 1"))
    command = [
        peer.program("jupyter"), "server", "--allow-root", "--no-browser", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=peer",
        f"--ServerApp.root_dir={work}", f"--SchedulerApp.db_url=sqlite:///{folder}/jobs.sqlite",
        "--ServerApp.jpserver_extensions=jupyter_scheduler=True",
    ]  # fmt: skip
    with _process(command, folder), httpx.Client(
        base_url=f"http://127.0.0.1:{port}/", headers={"Authorization": "token peer"}, timeout=60
    ) as client:  # fmt: skip
        environments = "scheduler/runtime_environments"
        until(lambda: client.get(environments).status_code == 200, f"{peer.name} answers")
        environment = client.get(environments).json()[0]["name"]
        yield lambda: _scheduled(client, environment)


def _scheduled(client: httpx.Client, environment: str) -> None:
    body = {
        "name": "trivial",
        "input_filename": "work.ipynb",
        "input_uri": "work.ipynb",
        "runtime_environment_name": environment,
        "output_formats": ["ipynb"],
    }
    answer = client.post("scheduler/jobs", json=body)
    if answer.is_error:
        raise RuntimeError(answer.text)
    job = f"scheduler/jobs/{answer.json()['job_id']}"
    while (status := client.get(job).json())["status"] not in ("COMPLETED", "FAILED"):
        time.sleep(POLL)
    if status["status"] == "FAILED":
        raise RuntimeError(status.get("status_message"))
    client.get(f"{job}/download_files").raise_for_status()


@contextlib.contextmanager
def _pygeoapi(peer: Peer, folder: Path) -> Iterator[Callable[[], None]]:
    port = free_port()
    (folder / "config.yml").write_text(PYGEOAPI.format(port=port))
    (folder / "work.ipynb").write_text(notebook("1 + 1"))
    shutil.copy(PROCESSOR, folder)
    environment = {
        "PYGEOAPI_CONFIG": str(folder / "config.yml"),
        "PYGEOAPI_OPENAPI": str(folder / "openapi.yml"),
        "PYTHONPATH": str(folder),
    }
    generate = [peer.program("pygeoapi"), "openapi", "generate", str(folder / "config.yml"),
                "--output-file", str(folder / "openapi.yml")]  # fmt: skip
    _quietly(generate, {**os.environ, **environment})
    with (
        _process([peer.program("pygeoapi"), "serve"], folder, environment),
        httpx.Client(base_url=f"http://127.0.0.1:{port}/", timeout=60) as client,
    ):
        until(lambda: client.get("processes").status_code == 200, f"{peer.name} answers")
        yield lambda: _processed(client, folder)


def _processed(client: httpx.Client, folder: Path) -> None:
    body = {"inputs": {"notebook": str(folder / "work.ipynb")}}
    answer = client.post("processes/execute-notebook/execution", json=body)
    if answer.is_error:
        raise RuntimeError(answer.text)


@contextlib.contextmanager
def _process(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> Iterator[None]:
    own = {"HOME": str(folder), "PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **own, **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _quietly(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"{command[1]}: {done.stderr.strip()[-250:]}")


PEERS = (
    Peer("jupyter-scheduler", "2.12.1", ("ipykernel",), _scheduler),
    Peer("pygeoapi", "0.21.0", ("papermill", "ipykernel"), _pygeoapi),
)
