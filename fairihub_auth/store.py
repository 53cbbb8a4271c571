"""Where accounts and audit entries are kept: SQLAlchemy over SQLite or PostgreSQL.

Every method blocks, and may be called from any thread. Each raises `Unavailable`
(`records-away`) if the database cannot be reached or takes too long.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from fairihub_core.audit import Entry
from fairihub_core.errors import Unavailable
from fairihub_core.people import People, Person

SECONDS = 10
MAX_ENTRIES = 10_000

_MIGRATIONS = str(Path(__file__).parent / "migrations")

log = logging.getLogger("fairihub.people")


class Utc(TypeDecorator[datetime]):
    """An aware time, kept as UTC without a zone, since SQLite has none."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=timezone.utc)


metadata = sa.MetaData()

_person = sa.Table(
    "person",
    metadata,
    # With its address: the numbers of one provider mean nothing to another.
    sa.Column("provider", sa.String(600), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("id", sa.String(255), nullable=False),
    sa.Column("logins", sa.JSON, nullable=False),
    sa.Column("claims", sa.JSON, nullable=False),
    sa.UniqueConstraint("provider", "id", name="person_by_id"),
)
_audit = sa.Table(
    "audit",
    metadata,
    # Order of arrival: several entries may share a moment.
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("login", sa.String(100), nullable=False),
    sa.Column("by", sa.String(100), nullable=False),
    sa.Column("team", sa.String(100), nullable=False),
    sa.Column("detail", sa.String(400), nullable=False),
    sa.Column("code", sa.String(60), nullable=False),
    sa.Index("audit_by_time", "at", "seq"),
    sa.Index("audit_by_login", "login", "at"),
    sa.Index("audit_by_doer", "by", "at"),
    sa.Index("audit_by_team", "team", "at"),
)


class AuthStore:
    """The database at `url`, a SQLAlchemy address; brought to the present form when opened."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        with self._begun() as connection:
            upgrade(connection)

    @classmethod
    def in_folder(cls, folder: Path) -> AuthStore:
        """The SQLite store in `folder`, readable by nobody else."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "people.sqlite"
        path.touch(mode=0o600)
        return cls(f"sqlite:///{path}")

    def close(self) -> None:
        self._engine.dispose()

    def people(self, provider: str) -> People:
        """Everybody who has signed in through this provider, at its address."""
        columns = [_person.c[name] for name in Person.model_fields]
        query = sa.select(*columns).where(_person.c.provider == provider).order_by(_person.c.name)
        with self._begun() as connection:
            rows = connection.execute(query).mappings()
            return People(persons=tuple(Person(**row) for row in rows))

    def put(self, provider: str, person: Person) -> None:
        """Keeps the person as they are now."""
        key = {"provider": provider, "name": person.name, "id": person.id}
        now = {"logins": list(person.logins), "claims": sorted(person.claims)}
        known = _person.update().where(*(_person.c[name] == value for name, value in key.items()))
        with self._begun() as connection:
            if not connection.execute(known.values(**now)).rowcount:
                connection.execute(_person.insert().values(**key, **now))

    def belong(self, kept_as: str, provider: str) -> None:
        """Says whose the accounts are that were kept without an address."""
        homeless = _person.update().where(_person.c.provider == kept_as)
        with self._begun() as connection:
            connection.execute(homeless.values(provider=provider))

    def remove(self, provider: str, name: str) -> bool:
        """Forgets the person of that hub name; False if there is none."""
        where = (_person.c.provider == provider, _person.c.name == name)
        with self._begun() as connection:
            return bool(connection.execute(_person.delete().where(*where)).rowcount)

    def record(self, entries: Sequence[Entry]) -> None:
        """Adds the entries, all or none."""
        if entries:
            with self._begun() as connection:
                connection.execute(_audit.insert(), [entry.model_dump() for entry in entries])

    def audit(
        self,
        *,
        since: datetime | None = None,
        login: str | None = None,
        action: str | None = None,
        teams: Collection[str] | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """The newest entries that fit, newest first.

        Args:
            login: whom it is about, or who did it.
            teams: None for every entry; else those of these teams only, so none for no team.
        """
        columns = [_audit.c[name] for name in Entry.model_fields]
        where = _conditions(since, login, action, teams)
        query = sa.select(*columns).where(*where).order_by(_audit.c.at.desc(), _audit.c.seq.desc())
        with self._begun() as connection:
            rows = connection.execute(query.limit(min(max(limit, 0), MAX_ENTRIES))).mappings()
            return [Entry(**row) for row in rows]

    @contextlib.contextmanager
    def _begun(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as problem:
            # Its text may name the address of the database, with a password.
            log.warning("The accounts cannot be read or written: %s", type(problem).__name__)
            raise Unavailable(
                "records-away", "The hub cannot reach its records at present. Try again soon."
            ) from None


def _conditions(
    since: datetime | None, login: str | None, action: str | None, teams: Collection[str] | None
) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if since is not None:
        found.append(_audit.c.at >= since)
    if login is not None:
        found.append(sa.or_(_audit.c.login == login, _audit.c.by == login))
    if action is not None:
        found.append(_audit.c.action == action)
    if teams is not None:
        found.append(_audit.c.team.in_(sorted(teams)))
    return found


def _engine(url: str) -> sa.Engine:
    address = sa.make_url(url)
    limits: dict[str, Any] = {}
    if address.get_backend_name() == "postgresql":
        limits = {
            "connect_timeout": SECONDS,
            "options": f"-c statement_timeout={SECONDS * 1000}",
            "tcp_user_timeout": SECONDS * 1000,
        }
    engine = sa.create_engine(address, pool_pre_ping=True, connect_args=limits)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _durable)
    return engine


def _durable(connection: Any, _record: Any) -> None:
    """Readers never wait for a writer, and what was said to be kept survives a loss of power."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={SECONDS * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Brings the tables to the form of a revision, the present one unless another is named."""
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
