"""The contribution database: who submitted what, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection, RowMapping

from fairihub_catalog.models import Contribution, Edition, State

_MIGRATIONS = Path(__file__).parent / "migrations"
_metadata = sa.MetaData()
_table = sa.Table(
    "contributions",
    _metadata,
    sa.Column("cid", sa.String(32), primary_key=True),
    sa.Column("team", sa.String(63), nullable=False),
    sa.Column("author", sa.String(255), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("filename", sa.String(255), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("slug", sa.String(80), nullable=False),
    sa.Column("replaces", sa.String(160)),
    sa.Column("findings", sa.JSON, nullable=False),
    sa.Column("submitted", sa.DateTime(timezone=True), nullable=False),
    sa.Column("decided", sa.DateTime(timezone=True)),
    sa.Column("decided_by", sa.String(255)),
    sa.Column("reason", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("notebook_id", sa.String(160)),
)


class Store:
    """Contributions in the database at `url`; brought to the present schema when opened."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
        with self._engine.begin() as connection:
            _upgrade(connection)

    def close(self) -> None:
        self._engine.dispose()

    def add(self, contribution: Contribution, edition: Edition) -> None:
        values = contribution.model_dump(mode="json") | {
            **edition.model_dump(),
            "submitted": contribution.submitted,
            "decided": contribution.decided,
        }
        with self._engine.begin() as connection:
            connection.execute(_table.insert().values(values))

    def find(self, cid: str) -> Contribution | None:
        found = self._select(_table.c.cid == cid, limit=1)
        return found[0] if found else None

    def edition(self, cid: str) -> Edition:
        """What the contribution would be published as."""
        columns = [_table.c[name] for name in Edition.model_fields]
        with self._engine.connect() as connection:
            row = (
                connection.execute(sa.select(*columns).where(_table.c.cid == cid)).mappings().one()
            )
        return Edition.model_validate(dict(row))

    def of_author(self, author: str, limit: int) -> list[Contribution]:
        return self._select(_table.c.author == author, limit=limit)

    def of_teams(self, teams: Sequence[str], limit: int) -> list[Contribution]:
        """The newest of these teams; those that wait for a decision come first."""
        return self._select(_table.c.team.in_(teams), limit=limit, waiting_first=True)

    def count_waiting(self, author: str) -> int:
        """How many contributions of `author` wait for a decision."""
        condition = (_table.c.author == author) & (_table.c.state == "submitted")
        with self._engine.connect() as connection:
            query = sa.select(sa.func.count()).select_from(_table).where(condition)
            return int(connection.execute(query).scalar_one())

    def author_of_published(self, notebook_id: str) -> str | None:
        """Who wrote what was last published under this id."""
        query = (
            sa.select(_table.c.author)
            .where(_table.c.notebook_id == notebook_id, _table.c.state == "published")
            .order_by(_table.c.decided.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            author = connection.execute(query).scalar_one_or_none()
        return None if author is None else str(author)

    def decide(self, cid: str, state: State, by: str, when: datetime, **more: str | None) -> bool:
        """Moves a submitted contribution on; False if somebody else did before."""
        change = (
            _table.update()
            .where(_table.c.cid == cid, _table.c.state == "submitted")
            .values(state=state, decided_by=by, decided=when, **more)
        )
        with self._engine.begin() as connection:
            return connection.execute(change).rowcount == 1

    def _select(
        self, condition: sa.ColumnElement[bool], limit: int, waiting_first: bool = False
    ) -> list[Contribution]:
        order: list[Any] = [_table.c.submitted.desc(), _table.c.cid]
        if waiting_first:
            order.insert(0, sa.case((_table.c.state == "submitted", 0), else_=1))
        query = sa.select(_table).where(condition).order_by(*order).limit(limit)
        with self._engine.connect() as connection:
            return [_contribution(row) for row in connection.execute(query).mappings()]


def _contribution(row: RowMapping) -> Contribution:
    values = {name: value for name, value in row.items() if name in Contribution.model_fields}
    for name in ("submitted", "decided"):
        # SQLite forgets the zone; what was put in is UTC.
        if values[name] is not None and values[name].tzinfo is None:
            values[name] = values[name].replace(tzinfo=timezone.utc)
    return Contribution.model_validate(values)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000"):
        connection.execute(f"PRAGMA {pragma}")


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes.update(connection=connection, metadata=_metadata)
    command.upgrade(config, "head")
