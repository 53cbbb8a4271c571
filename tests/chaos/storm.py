"""Runs are asked for while everything under them is struck down; then what is left is judged."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psutil
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from fairihub_core.processes import is_still
from fairihub_headless.models import GUARD, MARK
from tests.chaos.bases import Base
from tests.chaos.blows import Blows
from tests.chaos.ledger import Verdict, cells_of, judged
from tests.chaos.member import Member
from tests.support.runs_hub import RunsHub, Service, notebook, put

STUCK = 100.0
"""Seconds in which nothing at all moves on."""
OPEN = ("accepted", "running")


@dataclass(frozen=True)
class Plan:
    """How much is asked for and struck; the seed decides the rest."""

    runs: int
    kills: int
    seed: int
    name: str = "storm"


@dataclass(frozen=True)
class Report:
    """What became of it."""

    database: str
    seed: int
    runs: int
    kills: dict[str, int]
    seconds: float
    accepted: int
    asked_again: int
    restarts: int
    ends: dict[str, int]
    """How many runs ended how: their state, and why they failed."""
    with_retries: int
    begun_again: int
    longest_after_death: float
    """Seconds for which a run still counted as running when its worker was dead."""
    left_processes: tuple[str, ...]
    verdict: Verdict

    @property
    def kept(self) -> bool:
        return self.verdict.kept and not self.left_processes and self.longest_after_death <= 60

    @property
    def again(self) -> str:
        """The command that strikes in the same way, and keeps all that is written."""
        drawn = f"--runs {self.runs} --kills {sum(self.kills.values())} --seed {self.seed}"
        return f"python -m tests.chaos --database {self.database} {drawn} --keep FOLDER"

    def text(self) -> str:
        v = self.verdict
        kills = ", ".join(f"{count} × {kind}" for kind, count in sorted(self.kills.items()))
        ends = ", ".join(f"{count} {how}" for how, count in sorted(self.ends.items()))
        broken = [line for breach in vars(v).values() for line in breach]
        return "\n".join(
            [
                f"{self.runs} runs, {sum(self.kills.values())} kills, {self.database}, "
                f"seed {self.seed}, {self.seconds:.0f} s",
                f"  lost {len(v.lost)}, doubled {len(v.doubled)}, stuck {len(v.stuck)}, "
                f"half {len(v.half)}, given up {len(v.given_up)}, untrue {len(v.untrue)}, "
                f"processes left {len(self.left_processes)}",
                f"  kills: {kills}",
                f"  ends: {ends}",
                f"  {self.restarts} restarts of the service, {self.asked_again} requests repeated, "
                f"{self.begun_again} of {self.with_retries} runs with retries begun again",
                f"  longest until a dead worker's run had moved on: "
                f"{self.longest_after_death:.1f} s",
                *(f"  ! {line}" for line in (*broken, *self.left_processes)),
                *([] if self.kept else [f"  once more, with its logs in FOLDER: {self.again}"]),
            ]
        )

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "kept": self.kept}


@dataclass
class Storm:
    """One service over one database, below a hub that stays."""

    hub: RunsHub
    base: Base
    folder: Path
    plan: Plan
    longest: float = 0.0
    restarts: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    _seen: set[psutil.Process] = field(default_factory=set)
    """Every process that there was, as far as somebody looked."""
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.drawn = Random(self.plan.seed)  # noqa: S311
        self.witness = self.folder / "witness"
        self.witness.touch()
        self.data = self.folder / "data"
        cells = cells_of(str(self.witness))
        made = notebook(cells[0], *cells[2:], parameters=cells[1])
        put(self.data, _witness_first(made), "chaos.ipynb")

    def run(self) -> Report:
        began = time.monotonic()
        service = self.hub.service(self.plan.name, self.settings())
        service.ready()
        member = Member(
            lambda: self.hub.client("ada", service.address), self.plan.name, self.plan.seed
        )
        keeping = [
            threading.Thread(target=keep, daemon=True, args=(service,))
            for keep in (self._kept_alive, self._watched)
        ]
        for thread in keeping:
            thread.start()
        try:
            self._storm(service, member)
            self._until_all_ended()
        finally:
            self._over.set()
            for thread in keeping:
                thread.join(30)
            self.base.settle()
        if service.running.poll() is not None:
            service.start()
        service.ready()
        left = member.seen()
        service.stop()
        starts = [line.split()[0] for line in self.witness.read_text().splitlines()]
        again = Counter(starts)
        return Report(
            database=self.base.name,
            seed=self.plan.seed,
            runs=self.plan.runs,
            kills=dict(self.kills),
            seconds=time.monotonic() - began,
            accepted=len(member.accepted),
            asked_again=member.asked_again,
            restarts=self.restarts,
            ends=dict(Counter(f"{r.state} ({r.code})" if r.code else r.state for r in left)),
            with_retries=sum(bool(run.retries) for run in member.accepted),
            begun_again=sum(again[run.job] > 1 for run in member.accepted),
            longest_after_death=self.longest,
            left_processes=tuple(self._left_processes({run.job for run in left})),
            verdict=judged(member.accepted, left, starts),
        )

    def settings(self) -> dict[str, Any]:
        return {
            "data": str(self.data),
            "database": self.base.address,
            "max_runs": 2,
            "max_runs_per_member": 2,
            "max_queued_per_member": 5000,
            "submissions_per_minute": 100_000,
            "cancel_grace_seconds": 1.0,
        }

    def _storm(self, service: Service, member: Member) -> None:
        """Half of the runs wait before the first blow; the others come as the blows do."""
        plan, drawn = self.plan, self.drawn
        blows = Blows(service, self.base, drawn, self.witness)
        first = plan.runs // 2
        member.submit(range(first))
        with ThreadPoolExecutor(1) as beside:
            asked: list[Future[None]] = []
            for number in range(plan.kills):
                due = int(plan.runs * 0.9 * number / plan.kills)
                self._until_ended(due, 10.0)
                time.sleep(drawn.uniform(0, 0.5))
                while (struck := blows.strike()) is None:
                    time.sleep(0.05)
                self.kills[struck[0]] += 1
                print(f"{number + 1:4} {struck[0]}: {struck[1]}", flush=True)
                later = range(
                    first + (plan.runs - first) * number // plan.kills,
                    first + (plan.runs - first) * (number + 1) // plan.kills,
                )
                asked.append(beside.submit(member.submit, later))
            for one in asked:
                one.result()

    def _kept_alive(self, service: Service) -> None:
        """Starts it again when it has ended, as a hub does."""
        drawn = Random(self.plan.seed + 1)  # noqa: S311
        while not self._over.wait(0.05):
            if service.running.poll() is not None:
                time.sleep(drawn.uniform(0, 1.5))
                service.start()
                self.restarts += 1

    def _watched(self, service: Service) -> None:
        """Notes for how long a run counts as running though its worker is dead."""
        since: dict[tuple[str, int], float] = {}
        while not self._over.wait(0.25):
            self._seen.update(service.below())
            with contextlib.suppress(SQLAlchemyError, psutil.NoSuchProcess):
                now, dead = time.monotonic(), set(self._dead())
                since = {key: since.get(key, now) for key in dead}
                self.longest = max([self.longest, *(now - begun for begun in since.values())])

    def _dead(self) -> Iterator[tuple[str, int]]:
        asked = text(
            "SELECT id, attempt, worker_pid, worker_born FROM runs"
            " WHERE state = 'running' AND worker_pid IS NOT NULL"
        )
        with self.base.looking().connect() as connection:
            rows = connection.execute(asked).all()
        for run, attempt, pid, born in rows:
            if not is_still(pid, born):
                yield run, attempt

    def _counts(self) -> Counter[str]:
        with (
            contextlib.suppress(SQLAlchemyError),
            self.base.looking().connect() as connection,
        ):
            rows = connection.execute(text("SELECT state, count(*) FROM runs GROUP BY state"))
            return Counter({str(state): int(count) for state, count in rows.all()})
        return Counter()

    def _until_ended(self, due: int, seconds: float) -> None:
        """Until so many have ended, or for so long: a blow may fall at any time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            counts = self._counts()
            if counts.total() - sum(counts[state] for state in OPEN) >= due:
                return
            time.sleep(0.1)

    def _until_all_ended(self) -> None:
        """Until no run is open, or nothing moves on for too long."""
        last, since = Counter[str](), time.monotonic()
        while time.monotonic() - since < STUCK:
            counts = self._counts()
            if counts.total() >= self.plan.runs and not any(counts[state] for state in OPEN):
                return
            if counts and counts != last:
                last, since = counts, time.monotonic()
            time.sleep(0.2)

    def _left_processes(self, jobs: set[str]) -> Iterator[str]:
        """What is still there of all that was seen, or bears the mark of one of the runs."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                marks = {process.environ().get(name) for name in (MARK, GUARD)}
                known = process in self._seen or bool(marks & jobs)
                if known and process.status() != psutil.STATUS_ZOMBIE:
                    yield f"left: {process.pid} {' '.join(process.cmdline())[:200]}"


def _witness_first(made: str) -> str:
    """The notebook with the witness before the cell of its parameters."""
    import nbformat

    found = nbformat.reads(made, as_version=4)
    found.cells[0], found.cells[1] = found.cells[1], found.cells[0]
    return str(nbformat.writes(found))
