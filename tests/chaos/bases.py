"""The databases under the service, and what can happen to each."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Protocol

from sqlalchemy import Engine, NullPool, create_engine, text

from tests.support.postgres import Postgres

OURS = "chaos-witness"


class Base(Protocol):
    """A database that can be looked at and disturbed from outside."""

    name: str
    address: str

    def looking(self) -> Engine:
        """To read what the service wrote; never disturbed itself."""

    def disturb(self, drawn: Random) -> str | None:
        """Does what a database may do to its users; says what, or None if it met nobody."""

    def settle(self) -> None:
        """Ends every disturbance."""


class Sqlite:
    """A file; others may hold its lock, for longer than the service waits, too."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "runs.sqlite"
        self.address = f"sqlite:///{self.file}"
        self._held: list[threading.Thread] = []

    def looking(self) -> Engine:
        return create_engine(self.address, poolclass=NullPool)

    def disturb(self, drawn: Random) -> str:
        seconds = drawn.choice((0.5, 1.0, 2.0, 5.0, 17.0))
        holder = threading.Thread(target=self._hold, args=(seconds,), daemon=True)
        holder.start()
        self._held.append(holder)
        return f"its lock is held for {seconds:g} s"

    def _hold(self, seconds: float) -> None:
        connection = sqlite3.connect(self.file, timeout=5, isolation_level=None)
        with contextlib.closing(connection), contextlib.suppress(sqlite3.OperationalError):
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    def settle(self) -> None:
        for holder in self._held:
            holder.join(60)


class Postgresql:
    """A server; its administrators end sessions, and the server itself, now and then."""

    name = "postgresql"

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self.address = server.database()

    def looking(self) -> Engine:
        named = {"application_name": OURS}
        return create_engine(self.address, poolclass=NullPool, connect_args=named)

    def disturb(self, drawn: Random) -> str | None:
        if drawn.random() < 0.15:
            self._server.stop()
            time.sleep(drawn.uniform(0.5, 3))
            self._server.start()
            return "the server is down for a while"
        ended = self.end_sessions()
        return f"{ended} sessions are ended" if ended else None

    def end_sessions(self) -> int:
        asked = text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name <> :ours"
        )
        with self.looking().begin() as connection:
            return int(connection.execute(asked, {"ours": OURS}).scalar_one())

    def settle(self) -> None:
        return


@contextlib.contextmanager
def opened(kind: str, folder: Path) -> Iterator[Base]:
    if kind == "sqlite":
        yield Sqlite(folder)
        return
    server = Postgres()
    server.start()
    try:
        yield Postgresql(server)
    finally:
        server.close()
