"""A disk that is full, a clock that jumps, an engine that stands still while another takes over."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.bases import opened
from tests.chaos.member import listed
from tests.support.ports import free_port
from tests.support.runs import EXECUTE
from tests.support.runs_hub import RunsHub, Service, notebook, put, until

WITNESS = """\
import os, time
_w = os.open({witness!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
os.write(_w, f"{{os.environ['JOB_NAME']}}\\n".encode())
"""
pytestmark = pytest.mark.timeout(400)
CLOCK = Path(__file__).with_name("clock")
DAY = 86_400


class Place:
    """A data folder with notebooks that note when they begin."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.witness = folder / "witness"
        self.witness.touch()

    def put(self, name: str, *cells: str) -> None:
        put(self.data, notebook(WITNESS.format(witness=str(self.witness)), *cells), name)

    def starts(self) -> Counter[str]:
        return Counter(self.witness.read_text().split())

    def settings(self, **more: Any) -> Mapping[str, Any]:
        return {"data": str(self.data), "max_runs": 2, "cancel_grace_seconds": 1.0, **more}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


class Asker:
    """ada's program at one service."""

    def __init__(self, hub: RunsHub, service: Service) -> None:
        self.client = hub.client("ada", service.address)

    def asks(self, path: str, **inputs: Any) -> httpx.Response:
        return self.client.post(
            EXECUTE,
            json={"inputs": {"notebook": path, **inputs}},
            headers={"Prefer": "respond-async"},
        )

    def run(self, path: str, **inputs: Any) -> str:
        answer = self.asks(path, **inputs)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    def status(self, job: str) -> dict[str, Any]:
        return dict(self.client.get(f"jobs/{job}").raise_for_status().json())

    def until(self, job: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        until(lambda: self.status(job)["status"] in states, f"{job} is one of {states}", seconds)
        return self.status(job)


Askers = Callable[[Service], Asker]


@pytest.fixture
def asker(hub: RunsHub) -> Iterator[Askers]:
    """Of each service, ada's program; its connections are closed at the end."""
    made: list[Asker] = []

    def of(service: Service) -> Asker:
        made.append(Asker(hub, service))
        return made[-1]

    yield of
    for one in made:
        one.client.close()


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of its own at `folder`."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("only root can make a small disk, on Linux")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing_and_promises_nothing(
    hub: RunsHub, place: Place, asker: Askers
) -> None:
    writes = "(__import__('pathlib').Path(os.environ['RESULTS_DIRECTORY']) / 'x').write_text('x')"
    with small_disk(place.data, "24m"):
        place.put("quick.ipynb", writes)
        place.put("slow.ipynb", "time.sleep(3)", writes)
        service = hub.service("full", place.settings(min_free_bytes=0))
        service.ready()
        ada = asker(service)
        before = [ada.run("slow.ipynb") for _ in range(3)]
        ada.until(before[0], "running")
        ballast = place.data / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        refused = [ada.asks("quick.ipynb") for _ in range(3)]
        said = {(answer.status_code, answer.json()["code"]) for answer in refused}
        assert said == {(503, "no-room")}
        assert len(listed(ada.client)) == len(before), "what was refused is not in the list"
        ballast.unlink()
        for job in before:
            ended = ada.until(job, "successful", "failed")
            results = ada.client.get(f"jobs/{job}/results")
            assert (results.status_code == 200) == (ended["status"] == "successful"), ended
        assert ada.until(ada.run("quick.ipynb"), "successful", "failed")["status"] == "successful"
        assert max(place.starts().values()) == 1
        service.stop()


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
def test_a_clock_that_jumps_ends_no_run_and_keeps_none_waiting(
    hub: RunsHub, place: Place, asker: Askers, tmp_path: Path, jump: int
) -> None:
    offset = tmp_path / "offset"
    offset.write_text("0")
    environment = {"PYTHONPATH": str(CLOCK), "CHAOS_CLOCK": str(offset)}
    place.put("slow.ipynb", "time.sleep(4)")
    place.put("dies.ipynb", "os.kill(os.getpid(), 9)")
    service = hub.service(
        "clock", place.settings(max_hours=1, beat_seconds=1.0), environment=environment
    )
    service.ready()
    ada = asker(service)
    running = ada.run("slow.ipynb")
    again = ada.run("dies.ipynb", retries=2)
    ada.until(running, "running")
    until(lambda: ada.status(again)["attempt"] >= 1, "the one that dies has begun")
    offset.write_text(str(jump))
    waiting = ada.run("slow.ipynb")
    assert ada.until(running, "successful", "failed")["status"] == "successful"
    assert ada.until(waiting, "successful", "failed")["status"] == "successful"
    assert ada.until(again, "successful", "failed")["status"] == "failed"
    assert place.starts()[again] == 3
    assert place.starts()[running] == place.starts()[waiting] == 1
    service.stop()


def test_an_engine_that_stood_still_does_no_harm_when_it_goes_on(
    hub: RunsHub, place: Place, asker: Askers, tmp_path: Path
) -> None:
    """Stopped for longer than its lease: another took its runs, and they stay as that left them."""
    go = tmp_path / "go"
    place.put("slow.ipynb", f"while not os.path.exists({str(go)!r}): time.sleep(0.1)")
    place.put("quick.ipynb", "1 + 1")
    with opened("postgresql", tmp_path / "base") as base:
        settings = place.settings(database=base.address, beat_seconds=1.0)
        still = hub.service("still", settings)
        still.ready()
        ada = asker(still)
        once, twice = ada.run("slow.ipynb"), ada.run("slow.ipynb", retries=1)
        for job in (once, twice):
            until(lambda job=job: place.starts()[job], "the notebook has begun")
        queued = [ada.run("quick.ipynb") for _ in range(4)]
        still.send(signal.SIGSTOP)
        other = hub.service("other", settings, port=free_port())
        other.ready()
        beside = asker(other)
        failed = beside.until(once, "failed", "successful")
        assert failed["failure"]["code"] in ("worker-died", "service-stopped"), failed
        for job in queued:
            assert beside.until(job, "failed", "successful")["status"] == "successful"
        until(lambda: place.starts()[twice] == 2, "the run with a retry has begun again")
        still.send(signal.SIGCONT)
        # A new run of its own says that it is at work again, and has seen what is another's.
        until(lambda: ada.client.get("jobs").status_code == 200, "it answers again")
        last = ada.run("quick.ipynb")
        assert ada.until(last, "failed", "successful")["status"] == "successful"
        assert beside.status(twice)["status"] == "running"
        go.touch()
        repeated = beside.until(twice, "failed", "successful")
        assert repeated["status"] == "successful", repeated
        assert {job: beside.status(job)["status"] for job in (once, twice)} == {
            once: "failed",
            twice: "successful",
        }
        assert beside.client.get(f"jobs/{twice}/results").status_code == 200
        assert place.starts() == {once: 1, twice: 2, last: 1, **dict.fromkeys(queued, 1)}
        for service in (still, other):
            service.stop()
