"""The database of the runs, which may lose its connections: what is done there is tried again.

Whatever is handed to `reading` and `writing` may be done twice, and a commit may have been done
though nobody was told of it: the second time must come to the same as the first.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Delete, Engine, Row, Select, Update, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

from fairihub_core.errors import Unavailable
from fairihub_headless.store.cutting import Cutter

T = TypeVar("T")
PATIENCE = 8.0
"""Seconds for which something is tried again before it is said that the database is away."""
_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_MIGRATIONS = str(Path(__file__).parent / "migrations")
_POSTGRES = {
    # A server that is gone without a word is noticed within seconds, not hours.
    "connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}  # fmt: skip
_WAITS = {
    "lock_timeout": "5s", "statement_timeout": "30s", "idle_in_transaction_session_timeout": "30s",
}  # fmt: skip
"""How long PostgreSQL lets us wait: a lock that somebody forgot holds no beat up for ever."""
_ANSWER = 35.0
"""Seconds after which it stands still: by then it would have ended what we wait for."""


class Database:
    """SQLite or PostgreSQL, brought to the present form at once."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self._patience = patience
        self.engine = make_engine(url)
        self._cutter = None if self.engine.dialect.name == "sqlite" else Cutter()
        # SQLite lets one write at a time; whoever waits for it here is not put off by naps.
        lite = self.engine.dialect.name == "sqlite"
        self._turn: Any = threading.Lock() if lite else contextlib.nullcontext()
        self._tried(lambda: migrate(self.engine))

    def close(self) -> None:
        self.engine.dispose()
        if self._cutter is not None:
            self._cutter.close()

    def reading(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds.

        Raises:
            Unavailable: `database-away`.
        """

        def once() -> T:
            with self.engine.connect() as connection, self._answering(connection, _ANSWER):
                return work(connection)

        return self._tried(once)

    def writing(self, work: Callable[[Connection], T], within: float = _ANSWER) -> T:
        """What `work` comes to, which is kept: it survives a loss of power.

        Args:
            within: seconds after which a server without an answer is left for a new connection.

        Raises:
            Unavailable: `database-away`; it is not known whether it was done.
        """

        def once() -> T:
            with self._turn, self.engine.connect() as connection:
                connection.execution_options(writes=True)
                with self._answering(connection, within), connection.begin():
                    return work(connection)

        return self._tried(once)

    def rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """Everything that a query finds.

        Raises:
            Unavailable: `database-away`.
        """
        return self.reading(lambda connection: connection.execute(query).all())

    def changed(self, statement: Update | Delete, within: float = _ANSWER) -> bool:
        """Whether a statement, which may be done twice, has changed anything.

        Raises:
            Unavailable: `database-away`.
        """

        def work(connection: Connection) -> bool:
            return bool(connection.execute(statement).rowcount)

        return self.writing(work, within)

    def _answering(
        self, connection: Connection, within: float
    ) -> contextlib.AbstractContextManager[None]:
        """Ends the wait for an answer of a server that stands still (PostgreSQL)."""
        driver: Any = connection.connection.driver_connection
        # One that was lost in the pool has no descriptor; its first statement says so.
        if self._cutter is None or driver is None or driver.closed:
            return contextlib.nullcontext()
        return self._cutter.within(within, driver.fileno())

    def _tried(self, once: Callable[[], T]) -> T:
        until, pause = time.monotonic() + self._patience, _PAUSE
        while True:
            try:
                return once()
            except (DBAPIError, NoneFree) as problem:
                if not _passes(problem) or time.monotonic() + pause > until:
                    raise _away(problem) from problem
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def make_engine(url: str) -> Engine:
    """How a database is reached."""
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 5.0})
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _begin)
        return engine
    engine = create_engine(url, connect_args=_POSTGRES, pool_timeout=5)
    event.listen(engine, "connect", _bounded)
    return engine


def migrate(engine: Engine, to: str = "head") -> None:
    """Brings the database to the present form, or (for tests) to that of another revision."""
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        connection.execution_options(writes=True)
        with connection.begin():
            if connection.dialect.name == "postgresql":
                # Several services may start at once: one of them migrates.
                for name in _WAITS:  # to change a large table takes its time
                    connection.exec_driver_sql(f"SET LOCAL {name} = 0")
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7200317)")
            config.attributes["connection"] = connection
            earlier = to != "head" and _is_past(connection, to)
            (command.downgrade if earlier else command.upgrade)(config, to)


def _is_past(connection: Connection, revision: str) -> bool:
    from alembic.runtime.migration import MigrationContext

    present = MigrationContext.configure(connection).get_current_revision()
    return present is not None and present > revision


def _durable(connection: Any, _record: Any) -> None:
    """SQLite as a witness: written through to the disk before a request is answered."""
    connection.isolation_level = None  # transactions begin where we say so
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _bounded(connection: Any, _record: Any) -> None:
    """Said on the connection: a pooler in between may refuse such options of a start."""
    with connection.cursor() as cursor:
        for name, wait in _WAITS.items():
            cursor.execute(f"SET {name} = '{wait}'")
    connection.commit()


def _begin(connection: Connection) -> None:
    """A writer waits for its turn before it reads: one that must wait in between would lose."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _passes(problem: Exception) -> bool:
    """Whether it may work a moment later."""
    if isinstance(problem, DBAPIError):
        full = "is full" in str(problem.orig)
        lost = problem.connection_invalidated or isinstance(problem, OperationalError)
        return bool(lost) and not full
    return True


def _away(problem: Exception) -> Exception:
    """What is said of it; neither the statement nor the address is."""
    if isinstance(problem, DBAPIError) and not (
        problem.connection_invalidated or isinstance(problem, OperationalError | InterfaceError)
    ):
        return problem
    return Unavailable(
        "database-away",
        "The database that keeps the runs cannot be used at the moment. Try again in a minute.",
    )
