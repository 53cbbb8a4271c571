"""The tables of the runs service, as SQLAlchemy knows them; changes come with a migration."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


class Utc(TypeDecorator[datetime]):
    """An aware time, kept as UTC without a zone, since SQLite has none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=timezone.utc)


class SecondsBetween(FunctionElement[float]):
    """How many seconds lie between two times, as each database says it."""

    type = Float()
    inherit_cache = True


@compiles(SecondsBetween, "sqlite")
def _in_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    first, second = (compiler.process(c, **kwargs) for c in element.clauses)
    return f"ROUND((julianday({second}) - julianday({first})) * 86400.0, 3)"


@compiles(SecondsBetween, "postgresql")
def _in_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    first, second = (compiler.process(c, **kwargs) for c in element.clauses)
    return f"CAST(ROUND(EXTRACT(EPOCH FROM {second} - {first})::numeric, 3) AS DOUBLE PRECISION)"


_LISTED = ("state", "team", "process", "pinned", "took", "words")

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    # Order of acceptance: two runs may share a moment.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("owner", String(255), nullable=False),
    Column("team", String(63), nullable=False),
    Column("profile", String(255), nullable=False),
    Column("process", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("request", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("cell", Integer, nullable=False),
    Column("cells", Integer, nullable=False),
    Column("failure", JSON),
    Column("created", Utc, nullable=False),
    Column("started", Utc),
    Column("finished", Utc),
    Column("updated", Utc, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    # Attempts that ended before the notebook had started; they are not counted.
    Column("lost", Integer, nullable=False, server_default="0"),
    # Those of them that found no room on the disk: as many as it takes.
    Column("waited", Integer, nullable=False, server_default="0"),
    # The lower, the sooner: high is 0, normal 1, low 2.
    Column("rank", Integer, nullable=False, server_default="1"),
    Column("not_before", Utc),
    Column("engine", String(36)),
    Column("worker_pid", Integer),
    Column("worker_born", Float(53)),
    Column("environment", JSON),
    Column("key", String(255)),
    Column("pinned", Boolean, nullable=False, server_default=false()),
    Column("expired", Utc),
    # Seconds from its start to its end, 0 until then.
    Column("took", Float(53), nullable=False, server_default="0"),
    # What a list is searched for: the notebook and why it failed, in small letters.
    Column("words", Text, nullable=False, server_default=""),
    # Lists are read from these alone: whatever is filtered or counted is in the first two, so that
    # a hundred thousand runs are looked through in some milliseconds.
    Index("runs_listed_by_owner", "owner", "created", "seq", *_LISTED),
    Index("runs_listed", "created", "seq", "owner", *_LISTED),
    # Sorted otherwise, all of them would have to be sorted for each page.
    Index("runs_longest_by_owner", "owner", "took", "seq"),
    Index("runs_longest", "took", "seq"),
    Index("runs_named_by_owner", "owner", "words", "seq"),
    Index("runs_by_owner_and_state", "owner", "state", "seq"),
    Index("runs_by_state", "state", "seq"),
    Index("runs_by_engine", "engine", "state"),
    # What a team has too many of is looked for whenever runs of it have ended.
    Index("runs_kept_by_team", "team", "expired", "finished"),
    Index("runs_by_key", "owner", "key", unique=True),
)

engines = Table(
    "engines",
    metadata,
    # An engine that is alive raises `beat`; others take its runs over when it stops doing so.
    # Nobody's clock is compared with another's.
    Column("id", String(36), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", Float(53), nullable=False),
    Column("beat", BigInteger, nullable=False),
)
