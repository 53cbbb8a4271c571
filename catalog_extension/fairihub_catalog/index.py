"""The search index: one SQLite file that can be thrown away and made again, never the truth."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from fairihub_catalog.models import Count, Entry, Facts, Origin, Page
from fairihub_core.findings import Finding
from fairihub_core.notebooks import notebook_id
from fairihub_core.teams import Frozen

log = logging.getLogger("fairihub.catalog")

_VERSION = 1
_MAX_TERMS = 12
_MAX_COUNTS = 200
_SCHEMA = """
CREATE TABLE files (
    source TEXT NOT NULL, path TEXT NOT NULL,
    mtime INTEGER NOT NULL, size INTEGER NOT NULL, inode INTEGER NOT NULL,
    PRIMARY KEY (source, path)
) WITHOUT ROWID;
CREATE TABLE findings (
    source TEXT NOT NULL, path TEXT NOT NULL, finding TEXT NOT NULL,
    PRIMARY KEY (source, path)
) WITHOUT ROWID;
CREATE TABLE notebooks (
    number INTEGER PRIMARY KEY,
    team TEXT NOT NULL, slug TEXT NOT NULL,
    source TEXT NOT NULL, path TEXT NOT NULL,
    title TEXT NOT NULL, entry TEXT NOT NULL,
    UNIQUE (team, slug), UNIQUE (source, path)
);
CREATE TABLE tags (
    number INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (tag, number)
) WITHOUT ROWID;
CREATE INDEX tags_of ON tags (number);
CREATE VIRTUAL TABLE words USING fts5 (
    title, tags, authors, description, text,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
"""


@dataclass(frozen=True)
class Seen:
    """What tells that a file is still the same."""

    mtime: int
    size: int
    inode: int


@dataclass(frozen=True)
class Change:
    """A file as it is now: facts if it is a notebook, else a finding."""

    team: str
    origin: Origin
    path: str
    stamp: Seen
    facts: Facts | None
    finding: Finding | None


@dataclass(frozen=True)
class Query:
    """What a caller is looking for; `visible` is what they may see, whatever they ask for."""

    visible: tuple[str, ...]
    text: str = ""
    tags: tuple[str, ...] = ()
    team: str = ""
    limit: int = 50
    offset: int = 0


class Found(Frozen):
    """An entry and where its file is."""

    entry: Entry
    source: str
    path: str


class Index:
    """The index file at `path`; made again when it is damaged or of another version."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._prepare()
        except sqlite3.DatabaseError:
            log.warning("the search index is damaged and made again")
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            self._prepare()

    def _prepare(self) -> None:
        with self._connection() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            if db.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
                db.execute("COMMIT")
                return
            for (name,) in db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
                " AND name IN ('files', 'findings', 'notebooks', 'tags', 'words')"
            ).fetchall():
                db.execute(f"DROP TABLE {name}")
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {_VERSION}")
            db.execute("COMMIT")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(
            sqlite3.connect(self._path, timeout=10, isolation_level=None)
        ) as db:
            db.execute("PRAGMA synchronous = OFF")
            yield db

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing, self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    # What is known of the files

    def seen(self) -> dict[str, dict[str, Seen]]:
        """The files that were read, by source and path."""
        found: dict[str, dict[str, Seen]] = {}
        with self._connection() as db:
            for source, path, *stamp in db.execute("SELECT * FROM files"):
                found.setdefault(source, {})[path] = Seen(*stamp)
        return found

    def findings(self) -> list[tuple[str, str, Finding]]:
        """Files that are not in the catalogue, and why: source, path, finding."""
        with self._connection() as db:
            rows = db.execute("SELECT * FROM findings ORDER BY source, path").fetchall()
        return [(source, path, Finding.model_validate_json(f)) for source, path, f in rows]

    def forget_sources_but(self, keys: Sequence[str]) -> None:
        """Forgets every source that is not among `keys`."""
        for source, files in self.seen().items():
            if source not in keys:
                self.apply(source, [], list(files))

    def apply(self, source: str, changes: Sequence[Change], gone: Sequence[str]) -> None:
        """Puts what was read into the index, as a whole."""
        if not changes and not gone:
            return
        with self._transaction() as db:
            for path in gone:
                _remove(db, source, path)
            for change in changes:
                _put(db, source, change)

    # What callers ask

    def search(self, query: Query) -> Page:
        """One page of what the caller may see and looks for, and the counts of all of it."""
        where, values = _condition(query)
        with self._connection() as db:
            db.execute("PRAGMA temp_store = MEMORY")
            db.execute("BEGIN")
            # Kept for the counts and the page, which must not search again.
            db.execute("CREATE TEMP TABLE hits (number INTEGER PRIMARY KEY)")
            db.execute(f"INSERT INTO hits SELECT n.number FROM notebooks n {where}", values)  # noqa: S608
            total = db.execute("SELECT count(*) FROM hits").fetchone()[0]
            tags = db.execute(
                "SELECT tag, count(*) AS many FROM tags WHERE number IN (SELECT number FROM hits)"
                " GROUP BY tag ORDER BY many DESC, tag LIMIT ?",
                (_MAX_COUNTS,),
            ).fetchall()
            teams = db.execute(
                "SELECT team, count(*) AS many FROM notebooks"
                " WHERE number IN (SELECT number FROM hits) GROUP BY team ORDER BY team"
            ).fetchall()
            rows = _page(db, query)
            db.execute("ROLLBACK")
        return Page(
            notebooks=tuple(Entry.model_validate_json(r[0]) for r in rows),
            total=total,
            tags=tuple(Count(name=n, count=c) for n, c in tags),
            teams=tuple(Count(name=n, count=c) for n, c in teams),
        )

    def find(self, identifier: str, visible: Sequence[str]) -> Found | None:
        """The notebook of that id, if one of the `visible` teams has it."""
        team, _, slug = identifier.partition(".")
        if team not in visible:
            return None
        with self._connection() as db:
            row = db.execute(
                "SELECT entry, source, path FROM notebooks WHERE team = ? AND slug = ?",
                (team, slug),
            ).fetchone()
        if row is None:
            return None
        return Found(entry=Entry.model_validate_json(row[0]), source=row[1], path=row[2])

    def slugs(self, team: str) -> frozenset[str]:
        """The slugs that are taken in `team`."""
        with self._connection() as db:
            rows = db.execute("SELECT slug FROM notebooks WHERE team = ?", (team,)).fetchall()
        return frozenset(slug for (slug,) in rows)


def match_expression(text: str) -> str:
    """What the caller typed, as an FTS5 query: all words, each as the beginning of one.

    Only letters and digits pass, in quotes, so that no operator of FTS5 can be written.
    """
    terms = re.findall(r"\w+", text[:1_000].replace("_", " "))[:_MAX_TERMS]
    return " ".join(f'"{term[:64]}"*' for term in terms)


def _condition(query: Query) -> tuple[str, list[str]]:
    teams = [t for t in query.visible if not query.team or t == query.team]
    conditions = [f"n.team IN ({','.join('?' * len(teams))})"]
    values = list(teams)
    for tag in dict.fromkeys(query.tags):
        conditions.append("n.number IN (SELECT number FROM tags WHERE tag = ?)")
        values.append(tag)
    expression = match_expression(query.text)
    if expression:
        conditions.append("n.number IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(expression)
    elif query.text.strip():
        conditions.append("0")  # only punctuation: nothing is like it
    return "WHERE " + " AND ".join(conditions), values


def _page(db: sqlite3.Connection, query: Query) -> list[tuple[str]]:
    expression = match_expression(query.text)
    limits = (query.limit, query.offset)
    if not expression:
        return db.execute(
            "SELECT entry FROM notebooks WHERE number IN (SELECT number FROM hits)"
            " ORDER BY title COLLATE NOCASE, number LIMIT ? OFFSET ?",
            limits,
        ).fetchall()
    return db.execute(
        "SELECT n.entry FROM words w JOIN notebooks n ON n.number = w.rowid"
        " WHERE words MATCH ? AND w.rowid IN (SELECT number FROM hits)"
        " ORDER BY bm25(words, 10, 6, 4, 3, 1), n.title COLLATE NOCASE, n.number LIMIT ? OFFSET ?",
        (expression, *limits),
    ).fetchall()


def _put(db: sqlite3.Connection, source: str, change: Change) -> None:
    _remove_notebook(db, source, change.path)
    stamp = change.stamp
    db.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
        (source, change.path, stamp.mtime, stamp.size, stamp.inode),
    )
    db.execute("DELETE FROM findings WHERE source = ? AND path = ?", (source, change.path))
    finding = change.finding
    if change.facts is not None:
        entry = _entry(change, change.facts, _free_slug(db, source, change, change.facts))
        if entry.slug != change.facts.slug:
            finding = _renamed(change.facts.slug, entry)
        _insert(db, source, change, change.facts, entry)
    if finding is not None:
        db.execute(
            "INSERT INTO findings VALUES (?, ?, ?)",
            (source, change.path, finding.model_dump_json()),
        )


def _free_slug(db: sqlite3.Connection, source: str, change: Change, facts: Facts) -> str:
    """The notebook's slug; with a mark of its path when another of the team has it already."""
    taken = db.execute(
        "SELECT 1 FROM notebooks WHERE team = ? AND slug = ?", (change.team, facts.slug)
    ).fetchone()
    if taken is None:
        return facts.slug
    mark = hashlib.sha256(f"{source}/{change.path}".encode()).hexdigest()[:8]
    return f"{facts.slug[:70]}-{mark}"


def _renamed(slug: str, entry: Entry) -> Finding:
    return Finding(
        severity="warning",
        code="duplicate-id",
        message=f"Another notebook is “{notebook_id(entry.team, slug)}” already.",
        understood=entry.id,
    )


def _entry(change: Change, facts: Facts, slug: str) -> Entry:
    said = facts.model_dump(exclude={"slug", "declared_slug", "text", "copy_of"})
    return Entry(
        id=notebook_id(change.team, slug),
        slug=slug,
        team=change.team,
        modified=datetime.fromtimestamp(change.stamp.mtime // 10**9, timezone.utc),
        source=change.origin,
        **said,
    )


def _insert(
    db: sqlite3.Connection, source: str, change: Change, facts: Facts, entry: Entry
) -> None:
    number = db.execute(
        "INSERT INTO notebooks (team, slug, source, path, title, entry) VALUES (?, ?, ?, ?, ?, ?)",
        (entry.team, entry.slug, source, change.path, entry.title, entry.model_dump_json()),
    ).lastrowid
    db.executemany("INSERT INTO tags VALUES (?, ?)", [(number, t) for t in set(entry.tags)])
    db.execute(
        "INSERT INTO words (rowid, title, tags, authors, description, text)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            number,
            entry.title,
            " ".join(entry.tags),
            " ".join(entry.authors),
            entry.description,
            facts.text,
        ),
    )


def _remove(db: sqlite3.Connection, source: str, path: str) -> None:
    _remove_notebook(db, source, path)
    db.execute("DELETE FROM files WHERE source = ? AND path = ?", (source, path))
    db.execute("DELETE FROM findings WHERE source = ? AND path = ?", (source, path))


def _remove_notebook(db: sqlite3.Connection, source: str, path: str) -> None:
    row = db.execute(
        "SELECT number FROM notebooks WHERE source = ? AND path = ?", (source, path)
    ).fetchone()
    if row is not None:
        db.execute("DELETE FROM notebooks WHERE number = ?", row)
        db.execute("DELETE FROM tags WHERE number = ?", row)
        db.execute("DELETE FROM words WHERE rowid = ?", row)
