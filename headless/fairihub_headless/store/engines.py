"""The engines that share the database, and their beats. Every method blocks."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from fairihub_headless.models import EngineRow
from fairihub_headless.store.database import Database
from fairihub_headless.store.tables import engines


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
        return self._database.writing(lambda c: bool(c.execute(raised).rowcount))

    def all(self) -> list[EngineRow]:
        with_beats = select(engines)
        rows = self._database.reading(lambda c: c.execute(with_beats).all())
        return [EngineRow(**row._asdict()) for row in rows]

    def bury(self, engine: str) -> None:
        """From now on it claims nothing, and what it holds may be taken over."""
        gone = delete(engines).where(engines.c.id == engine)
        self._database.writing(lambda c: c.execute(gone))
