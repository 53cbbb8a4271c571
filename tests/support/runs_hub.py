"""A real hub with its proxy, and the runs service beside it: what is measured, and what is broken.

Used by the tests of runs, by `tests/chaos/` and by `benchmarks/runs*.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook

from fairihub_core.places import Places
from tests.support.plain_hub import PlainHub

CONFIG = Path(__file__).with_name("runs_hub_config.py")
PREFIX = "/services/headless/"


class NeverCame(Exception):
    """What was waited for did not come in time."""


def notebook(*cells: str, parameters: str | None = None) -> str:
    """A notebook with a code cell for each text; `parameters` becomes the tagged cell."""
    made = [new_code_cell(source) for source in cells]
    if parameters is not None:
        made.insert(0, new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    spec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return str(nbformat.writes(new_notebook(cells=made, metadata={"kernelspec": spec})))


def until(true: Callable[[], Any], what: str, seconds: float = 60, pause: float = 0.05) -> Any:
    """The first true answer.

    Raises:
        NeverCame: it was not true in time; says what was to come.
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.HTTPError, OSError, ValueError):
            if answer := true():
                return answer
        if time.monotonic() > deadline:
            raise NeverCame(f"not within {seconds:g} s: {what}")
        time.sleep(pause)


@dataclass
class Service:
    """One process of the runs service; it can be killed and started again."""

    command: list[str]
    environment: dict[str, str]
    port: int
    token: Callable[[], str]
    """Makes one of a member's, to see whether it answers."""
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Its own, not through the proxy."""
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    @property
    def pid(self) -> int:
        return self.running.pid

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The process that was started last, whether it still runs or not."""
        if self.process is None:
            raise RuntimeError("the service was not started")
        return self.process

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    def ready(self, seconds: float = 90) -> None:
        """Until a member is let in, for which hub and snapshot must be there."""
        headers: dict[str, str] = {}

        def answers() -> bool:
            if self.running.poll() is not None:
                raise RuntimeError(f"the service has ended:\n{self.log.read_text()[-2000:]}")
            if not headers:
                headers["Authorization"] = f"token {self.token()}"
            return httpx.get(f"{self.address}jobs", headers=headers).status_code == 200

        until(answers, f"the service answers; see {self.log}", seconds)

    def send(self, number: signal.Signals) -> None:
        self.running.send_signal(number)

    def stop(self, seconds: float = 60) -> None:
        """As a hub ends it; killed if it does not go."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def below(self) -> list[psutil.Process]:
        """The service, where it lives, and every process below it."""
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(self.pid)
            return [top, *top.children(recursive=True)]
        return []


class RunsHub(PlainHub):
    """A hub with the team `uc1` (ada, bob); services are started beside it."""

    def __init__(self, folder: Path, members: tuple[str, ...] = ("ada", "bob")) -> None:
        super().__init__(folder, CONFIG)
        self.members = members
        self.services: list[Service] = []
        self.team("uc1", *members)

    @property
    def headless(self) -> str:
        """The service's address as members know it, through the proxy."""
        return f"{self.url}services/headless/"

    def start(self) -> None:
        """Until it answers; services come later."""
        with _answering(self.service_port):
            self.begin()
            until(lambda: self.token(self.members[0]), f"the hub; see {self.folder}/hub.log", 90)

    def stop(self) -> None:
        for service in self.services:
            service.stop()
        super().stop()

    def client(self, login: str, address: str | None = None) -> httpx.Client:
        """A program of the member's, through the proxy unless an address is given."""
        headers = {"Authorization": f"token {self.token(login)}"}
        return httpx.Client(base_url=address or self.headless, headers=headers, timeout=60)

    def service(
        self,
        name: str,
        settings: Mapping[str, Any],
        *,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
        command: list[str] | None = None,
    ) -> Service:
        """A service with these settings, started.

        Args:
            name: of its log and settings below the hub's folder.
            port: another than the one the proxy leads to.
            environment: variables beside those that the hub gives.
            command: in place of the service's own.
        """
        port = port or self.service_port
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps({"activity_seconds": 30.0, **settings}))
        variables = {
            "JUPYTERHUB_API_URL": f"{self.own_url}/hub/api",
            "JUPYTERHUB_API_TOKEN": self.service_token,
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": "service-headless",
            "JUPYTERHUB_SERVICE_NAME": "headless",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
            "FAIRIHUB_SERVICE": str(file),
        }
        service = Service(
            command or [sys.executable, "-m", "fairihub_headless"],
            {**os.environ, **variables, **(environment or {})},
            port,
            lambda: self.token(self.members[0]),
            self.folder / f"{name}.log",
        )
        self.services.append(service)
        service.start()
        return service


class _Here(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextlib.contextmanager
def _answering(port: int) -> Iterator[None]:
    """Something in the service's place: a hub waits for its services, half a minute if need be."""
    with ThreadingHTTPServer(("127.0.0.1", port), _Here) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@contextlib.contextmanager
def running_hub(folder: Path, *members: str) -> Iterator[RunsHub]:
    hub = RunsHub(folder, members or ("ada", "bob"))
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


def put(data: Path, content: str, path: str = "work.ipynb", login: str = "ada") -> None:
    """A file in the member's home of the team `uc1`."""
    file = Places(data).home("uc1", login) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def memory(processes: list[psutil.Process]) -> tuple[int, int]:
    """Bytes that these hold: their share (PSS) and what is theirs alone (USS), in sum."""
    shared = alone = 0
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            pss, uss = memory_of(process.pid)
            shared, alone = shared + pss, alone + uss
    return shared, alone


def memory_of(pid: int) -> tuple[int, int]:
    """PSS and private bytes of one process, as Linux counts them."""
    counted = {"Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in counted:
            counted[name] = 1024 * int(rest.split()[0])
    return counted["Pss"], counted["Private_Clean"] + counted["Private_Dirty"]
