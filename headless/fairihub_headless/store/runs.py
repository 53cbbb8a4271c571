"""Where runs are remembered: SQLAlchemy over SQLite or PostgreSQL. Every method blocks.

A method that moves a run on names in the same statement the state that it may come from, and the
engine and attempt that hold it: two that race for a run cannot both win, and an engine that was
taken for dead moves nothing any more. Each comes to the same when it is done twice, since a
connection may break when a change is kept already.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from fairihub_core.clock import now
from fairihub_headless.errors import too_many_runs
from fairihub_headless.models import Environment, Failure, Run, RunState, Waiting, storable
from fairihub_headless.store.database import PATIENCE, Database
from fairihub_headless.store.engines import Engines
from fairihub_headless.store.keeping import Keeping
from fairihub_headless.store.listing import Listing
from fairihub_headless.store.rows import LONGEST, row_of, run_of, words_of
from fairihub_headless.store.tables import SecondsBetween, Utc, engines, runs

_FREE = {"engine": None, "worker_pid": None, "worker_born": None}


class Hold(NamedTuple):
    """What an engine must still have to move a run on."""

    run: str
    engine: str
    attempt: int


class AttemptProgress(NamedTuple):
    """How far an attempt has come, as it is kept now and then."""

    cell: int | None = None
    cells: int | None = None
    message: str | None = None
    environment: Environment | None = None
    worker_pid: int | None = None
    worker_born: float | None = None


class Store:
    """The runs of one service, or of several that share a database.

    Args:
        url: a SQLAlchemy address; the database is brought to the present form at once.
        patience: seconds for which a lost connection is tried again.
    """

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self._database = Database(url, patience)
        self.listing = Listing(self._database)
        self.keeping = Keeping(self._database)
        self.engines = Engines(self._database)

    @classmethod
    def in_folder(cls, folder: Path) -> Store:
        """The SQLite store in `folder`, readable by nobody else."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "runs.sqlite"
        path.touch(mode=0o600)
        return cls(f"sqlite:///{path}")

    def close(self) -> None:
        self._database.close()

    def add(self, run: Run, most: int | None = None) -> Run:
        """Keeps a new run, or finds the one that has its id or its owner's key already.

        On return it survives a loss of power.

        Args:
            most: so many runs of its owner may wait, with this one.

        Raises:
            TooMany: `too-many-runs`.
        """

        def work(connection: Connection) -> None:
            if connection.dialect.name == "postgresql" and most is not None:
                # SQLite has one writer at a time; here they are let in one by one for each owner.
                turn = func.pg_advisory_xact_lock(7200318, func.hashtext(run.owner))
                connection.execute(select(turn))
            connection.execute(insert(runs), row_of(run))
            waiting = _count(run.owner, RunState.accepted)
            if most is not None and connection.execute(waiting).scalar_one() > most:
                raise too_many_runs(most)

        try:
            self._database.writing(work)
        except IntegrityError:
            same_key = and_(runs.c.owner == run.owner, runs.c.key == run.key)
            found = self._all(or_(runs.c.id == run.id, same_key))
            if not found:
                raise
            return min(found, key=lambda other: other.id != run.id)
        return run

    def get(self, run_id: str) -> Run | None:
        if "\0" in run_id:  # PostgreSQL would not even look
            return None
        return next(iter(self._all(runs.c.id == run_id)), None)

    def of_key(self, owner: str, key: str) -> Run | None:
        """The run that its owner asked for with that idempotency key."""
        if "\0" in key:
            return None
        return next(iter(self._all(runs.c.owner == owner, runs.c.key == key)), None)

    def waiting(self, after: int = -1) -> list[Waiting]:
        """The accepted runs, oldest first; only those after that place in the order."""
        query = select(*(runs.c[name] for name in Waiting._fields))
        query = query.where(runs.c.state == "accepted", runs.c.seq > after)
        return [Waiting._make(row) for row in self._database.rows(query.order_by(runs.c.seq))]

    def count(self, owner: str, state: RunState) -> int:
        return int(self._database.rows(_count(owner, state))[0][0])

    def held(self, engine: str) -> list[Run]:
        """The runs that an engine executes, for all the store knows."""
        return self._all(runs.c.engine == engine)

    def orphans(self) -> list[Run]:
        """Runs in execution whose engine is not known any more."""
        known = exists().where(engines.c.id == runs.c.engine)
        of_nobody = and_(runs.c.state == "running", runs.c.engine.is_(None))
        return self._all(or_(of_nobody, and_(runs.c.engine > "", not_(known))))

    def claim(self, run_id: str, engine: str) -> Run | None:
        """Takes an accepted run for execution by an engine that is alive; for one caller, once."""
        moment = now()
        alive = exists().where(engines.c.id == engine)
        claimed = (
            update(runs)
            .where(runs.c.id == run_id, runs.c.state == "accepted", alive)
            .values(
                state="running", message="Starting.", started=moment, updated=moment,
                engine=engine, attempt=runs.c.attempt + 1, not_before=None,
            )
            .returning(runs)
        )  # fmt: skip
        same = and_(runs.c.id == run_id, runs.c.engine == engine, runs.c.updated == moment)

        def work(connection: Connection) -> Row[Any] | None:
            row = connection.execute(claimed).one_or_none()
            return row or connection.execute(select(runs).where(same)).one_or_none()

        row = self._database.writing(work)
        return None if row is None else run_of(row)

    def take_over(self, run: Run, engine: str) -> Run | None:
        """Gives what `run` was held by to another engine; None if somebody was quicker."""
        taken = (
            update(runs)
            .where(runs.c.id == run.id, runs.c.attempt == run.attempt)
            .where(runs.c.engine == run.engine if run.engine else runs.c.engine.is_(None))
            .values(engine=engine)
        )
        mine = and_(runs.c.id == run.id, runs.c.attempt == run.attempt, runs.c.engine == engine)
        self._database.writing(lambda c: c.execute(taken))
        return next(iter(self._all(mine)), None)

    def progress(self, hold: Hold, standing: AttemptProgress) -> None:
        """Keeps how far a run has come."""
        values = {name: value for name, value in standing._asdict().items() if value is not None}
        if standing.environment is not None:
            values["environment"] = standing.environment.model_dump(mode="json")
        held = update(runs).where(_is(hold), runs.c.state == "running")
        held = held.values(**storable(values), updated=now())
        self._database.writing(lambda c: c.execute(held))

    def end(
        self, hold: Hold, state: RunState, message: str, *,
        failure: Failure | None = None, cell: int | None = None, cells: int | None = None,
        finished: datetime | None = None, environment: Environment | None = None,
    ) -> bool:  # fmt: skip
        """Brings a run to its end; False if it was dismissed, or is not this engine's any more.

        In either case nothing of it is left in execution by this engine.
        """
        moment, ended = now(), finished or now()
        done = cells if state is RunState.successful else cell
        known = {"cell": done, "cells": cells}
        values: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
        if environment is not None:
            values["environment"] = environment.model_dump(mode="json")
        return self._leave(hold, moment, {
            **values, **_failure(failure), "state": state.value, "message": message,
            "finished": ended, "took": _since_start(literal(ended, Utc)),
        })  # fmt: skip

    def again(
        self, hold: Hold, message: str, failure: Failure, not_before: datetime | None,
        *, lost: bool, waited: bool = False,
    ) -> bool:  # fmt: skip
        """Lets a run wait for its next attempt; False as for `end`.

        Args:
            lost: whether the attempt does not count, since the notebook had not started.
            waited: whether that was since there was no room on the disk.
        """
        return self._leave(hold, now(), {
            "state": "accepted", "message": message, "not_before": not_before, "started": None,
            "cell": 0, "lost": runs.c.lost + int(lost), "waited": runs.c.waited + int(waited),
            "failure": failure.model_dump(mode="json"), "environment": null(),
        })  # fmt: skip

    def refuse(self, run_id: str, failure: Failure) -> bool:
        """Ends a run that waits; False if it does so no more."""
        moment = now()
        values = {"state": "failed", "message": failure.message, "finished": moment}
        waits = and_(runs.c.id == run_id, runs.c.state == "accepted")
        return self._move(waits, run_id, moment, {**values, **_failure(failure)})

    def dismiss(self, run_id: str, message: str, *, ended: bool = True) -> bool:
        """Dismisses a run; False if that was done before.

        Args:
            ended: also a run that has ended.
        """
        may_be = runs.c.state != "dismissed" if ended else runs.c.state.in_(("accepted", "running"))
        moment = now()
        finished = func.coalesce(runs.c.finished, literal(moment, Utc))
        return self._move(
            and_(runs.c.id == run_id, may_be), run_id, moment,
            {"state": "dismissed", "message": message, "finished": finished,
             "took": _since_start(finished)},
        )  # fmt: skip

    def _leave(self, hold: Hold, moment: datetime, values: dict[str, Any]) -> bool:
        """Moves a run on that is not in execution after it; one that was dismissed is let go."""
        moved = _is(hold), runs.c.state == "running"
        let_go = update(runs).where(_is(hold)).values(**_FREE)

        def beside(connection: Connection) -> None:
            connection.execute(let_go)

        return self._move(and_(*moved), hold.run, moment, {**values, **_FREE}, beside)

    def _move(
        self, where: ColumnElement[bool], run_id: str, moment: datetime, values: dict[str, Any],
        otherwise: Callable[[Connection], None] | None = None,
    ) -> bool:  # fmt: skip
        """Whether it was moved on, now or at this same moment by the try before."""
        statement = update(runs).where(where).values(**storable(values), updated=moment)
        same = select(runs.c.id).where(runs.c.id == run_id, runs.c.updated == moment)

        def work(connection: Connection) -> bool:
            if connection.execute(statement).rowcount:
                return True
            if otherwise is not None:
                otherwise(connection)
            return connection.execute(same).one_or_none() is not None

        return self._database.writing(work)

    def _all(self, *where: ColumnElement[bool]) -> list[Run]:
        return [run_of(row) for row in self._database.rows(select(runs).where(*where))]


def _count(owner: str, state: RunState) -> Select[int]:
    return select(func.count()).where(runs.c.owner == owner, runs.c.state == state.value)


def _is(hold: Hold) -> ColumnElement[bool]:
    return and_(runs.c.id == hold.run, runs.c.engine == hold.engine, runs.c.attempt == hold.attempt)


def _failure(failure: Failure | None) -> dict[str, Any]:
    if failure is None:
        return {"failure": null()}
    words = runs.c.words + " " + words_of(storable(failure.message[:LONGEST]))
    return {"failure": failure.model_dump(mode="json"), "words": words}


def _since_start(finished: ColumnElement[datetime]) -> ColumnElement[float]:
    """The seconds that a run took, for lists in that order; 0 if it never began."""
    took = func.coalesce(SecondsBetween(runs.c.started, finished), 0.0)
    return case((took < 0, 0.0), else_=took)  # a clock can be set back
