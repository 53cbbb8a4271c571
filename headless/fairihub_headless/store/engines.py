"""The engines that share the database, and their beats. Every method blocks."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from fairihub_headless.models import EngineRow
from fairihub_headless.store.database import Database
from fairihub_headless.store.tables import engines

_BEAT = 5.0
"""Seconds for the answer to a beat: the next try is made before this engine has to end its runs."""


class Engines:
    """Who executes runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, row: EngineRow) -> None:
        """Makes an engine known, before it claims its first run."""

        def work(connection: Connection) -> None:
            connection.execute(insert(engines), vars(row))

        try:
            self._database.writing(work)
        except IntegrityError:
            if not self.beat(row.id):
                raise

    def beat(self, engine: str) -> bool:
        """Raises its beat; False if others have taken it for dead."""
        raised = update(engines).where(engines.c.id == engine).values(beat=engines.c.beat + 1)
        return self._database.changed(raised, _BEAT)

    def all(self) -> list[EngineRow]:
        return [EngineRow(**row._asdict()) for row in self._database.rows(select(engines))]

    def bury(self, engine: str) -> None:
        """From now on it claims nothing, and what it holds may be taken over."""
        self._database.changed(delete(engines).where(engines.c.id == engine))
