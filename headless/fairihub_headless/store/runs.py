"""Where runs are remembered: SQLAlchemy over SQLite or PostgreSQL. Every method blocks.

A method that moves a run on names the states it may come from, in the same statement: two that
race for a run cannot both win.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    ColumnElement,
    Engine,
    create_engine,
    event,
    func,
    literal,
    or_,
    select,
    update,
)

from fairihub_core.clock import now
from fairihub_headless.models import Failure, Run, RunState
from fairihub_headless.store.keeping import Keeping
from fairihub_headless.store.listing import Listing
from fairihub_headless.store.rows import LONGEST, row_of, run_of, words_of
from fairihub_headless.store.tables import SecondsBetween, Utc, runs

_OPEN = (RunState.accepted, RunState.running)


_MIGRATIONS = str(Path(__file__).parent / "migrations")


class Waiting(NamedTuple):
    """As much of an accepted run as the queue needs."""

    id: str
    owner: str
    team: str


class Store:
    """The runs of one service.

    Args:
        url: a SQLAlchemy address; the database is brought to the present form at once.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, pool_pre_ping=True)
        self.listing = Listing(self._engine)
        self.keeping = Keeping(self._engine)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _durable)
        migrate(self._engine)

    @classmethod
    def in_folder(cls, folder: Path) -> Store:
        """The SQLite store in `folder`, readable by nobody else."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "runs.sqlite"
        path.touch(mode=0o600)
        return cls(f"sqlite:///{path}")

    def close(self) -> None:
        self._engine.dispose()

    def add(self, run: Run) -> None:
        """Keeps a new run; on return it survives a loss of power."""
        with self._engine.begin() as connection:
            connection.execute(runs.insert(), row_of(run))

    def get(self, run_id: str) -> Run | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
        return None if row is None else run_of(row)

    def waiting(self) -> list[Waiting]:
        """Every accepted run, oldest first."""
        query = select(runs.c.id, runs.c.owner, runs.c.team).where(runs.c.state == "accepted")
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(runs.c.seq)).all()
        return [Waiting(*row) for row in rows]

    def count(self, owner: str, state: RunState) -> int:
        query = select(func.count()).where(runs.c.owner == owner, runs.c.state == state.value)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def left_over(self) -> list[Run]:
        """Runs that a service before this one was executing when it ended."""
        query = select(runs).where(or_(runs.c.state == "running", runs.c.worker_pid.is_not(None)))
        with self._engine.connect() as connection:
            return [run_of(row) for row in connection.execute(query)]

    def claim(self, run_id: str) -> bool:
        """Takes an accepted run for execution; True for exactly one caller, once."""
        moment = now()
        return self._move(
            run_id, (RunState.accepted,),
            state="running", message="Starting.", started=moment, updated=moment,
        )  # fmt: skip

    def set_worker(self, run_id: str, pid: int, born: float) -> None:
        self._move(run_id, tuple(RunState), worker_pid=pid, worker_born=born)

    def release_worker(self, run_id: str) -> None:
        """Notes that no process of the run is left."""
        self._move(run_id, tuple(RunState), worker_pid=None, worker_born=None)

    def progress(self, run_id: str, cell: int, cells: int) -> None:
        message = f"{cell} of {cells} cells done."
        self._move(
            run_id, (RunState.running,), cell=cell, cells=cells, message=message, updated=now()
        )

    def end(
        self, run_id: str, state: RunState, message: str, *,
        failure: Failure | None = None, cells: int | None = None, finished: datetime | None = None,
    ) -> bool:  # fmt: skip
        """Brings an open run to its end; False if it had ended already."""
        ended = finished or now()
        values: dict[str, Any] = {} if cells is None else {"cells": cells}
        if failure is not None:
            values["words"] = runs.c.words + " " + words_of(failure.message[:LONGEST])
        if state is RunState.successful and cells is not None:
            values["cell"] = cells
        return self._move(
            run_id, _OPEN, **values,
            state=state.value, message=message, updated=now(), finished=ended,
            took=_since_start(literal(ended, Utc)),
            failure=None if failure is None else failure.model_dump(mode="json"),
        )  # fmt: skip

    def dismiss(self, run_id: str, message: str = "Dismissed by its owner.") -> bool:
        """Dismisses a run in whatever state; False if that was done before."""
        moment = now()
        every_other = tuple(s for s in RunState if s is not RunState.dismissed)
        return self._move(
            run_id, every_other, state="dismissed", message=message,
            updated=moment, finished=func.coalesce(runs.c.finished, moment),
            took=_since_start(func.coalesce(runs.c.finished, literal(moment, Utc))),
        )  # fmt: skip

    def _move(self, run_id: str, states: tuple[RunState, ...], **values: Any) -> bool:
        statement = update(runs).where(
            runs.c.id == run_id, runs.c.state.in_([s.value for s in states])
        )
        with self._engine.begin() as connection:
            return bool(connection.execute(statement.values(**values)).rowcount)


def _since_start(finished: ColumnElement[datetime]) -> ColumnElement[float]:
    """The seconds that a run took, for lists in that order; 0 if it never began."""
    return func.coalesce(SecondsBetween(runs.c.started, finished), 0.0)


def _durable(connection: Any, _record: Any) -> None:
    """SQLite as a witness: written through to the disk before a request is answered."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def migrate(engine: Engine, to: str = "head") -> None:
    """Brings the database to the present form, or (for tests) to that of an earlier revision."""
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
