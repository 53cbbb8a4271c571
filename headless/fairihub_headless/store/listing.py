"""Lists of runs: filtered, sorted, counted, page by page. Every method blocks.

A page is found by its place, not by a number of rows to skip: the thousandth comes as quickly as
the first, and runs that are added meanwhile move nothing. All that a list is filtered, sorted and
counted by stands in an index of its own; the wide rows are read for one page only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from fairihub_core.clock import now
from fairihub_headless.callers import Selection
from fairihub_headless.models import Run, RunState
from fairihub_headless.store.database import Database
from fairihub_headless.store.rows import run_of, words_of
from fairihub_headless.store.tables import runs

Key = Literal["created", "duration", "notebook", "status"]
_COLUMN = {
    "created": runs.c.created,
    "duration": runs.c.took,
    "notebook": runs.c.words,
    "status": runs.c.state,
}
_AT_ONCE = 500


@dataclass(frozen=True)
class Filter:
    """Which of the runs that somebody may see they mean; what is empty means any."""

    states: tuple[RunState, ...] = ()
    processes: tuple[str, ...] = ()
    since: datetime | None = None
    """Asked for at this moment or later."""
    before: datetime | None = None
    """Asked for before this moment."""
    least: float | None = None
    """Seconds that it took at least, or has taken by now."""
    most: float | None = None
    words: tuple[str, ...] = ()
    """Texts that all stand in the notebook's name or title, or in why it failed."""
    pinned: bool | None = None


@dataclass(frozen=True)
class Order:
    """How a list is sorted; among equals the newest first, or the oldest if it ascends."""

    by: Key = "created"
    descends: bool = True


EVERY = Filter()
NEWEST_FIRST = Order()


class Position(NamedTuple):
    """A place in a sorted list: beside the run with these values."""

    value: Any
    seq: int
    before: bool = False
    """Whether the page that ends here is meant, not the one that begins here."""


class Page(NamedTuple):
    """Some runs, how many there are in all, and the places of the pages beside this one."""

    runs: list[Run]
    total: int
    newer: Position | None
    older: Position | None


class Standing(NamedTuple):
    """As much of a run as tells its followers how it stands."""

    id: str
    state: RunState
    message: str
    attempt: int
    cell: int
    cells: int


class Listing:
    """The runs of a store, as lists show them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, selection: Selection, meant: Filter, order: Order = NEWEST_FIRST, *,
        limit: int, offset: int = 0, place: Position | None = None,
    ) -> Page:  # fmt: skip
        """A page of the runs that are meant: at a place, or after so many rows."""
        where = [*_seen(selection), *_meant(meant)]
        backwards = place is not None and place.before
        column, descends = _COLUMN[order.by], order.descends is not backwards
        there = [] if place is None else [_beyond(column, place, descends)]
        sorting = [c.desc() if descends else c.asc() for c in (column, runs.c.seq)]
        narrow = select(runs.c.seq).where(*where, *there).order_by(*sorting)
        narrow = narrow.limit(limit + 1).offset(offset)

        def work(connection: Connection) -> tuple[Sequence[Row[Any]], int, bool]:
            numbers = [number for (number,) in connection.execute(narrow)]
            more, numbers = len(numbers) > limit, numbers[:limit]
            rows = connection.execute(
                select(runs).where(runs.c.seq.in_(numbers)).order_by(*sorting)
            ).all()
            if place is None and not offset and not more:
                return rows, len(rows), more
            count = select(func.count()).select_from(runs).where(*where)
            return rows, connection.execute(count).scalar_one(), more

        rows, total, more = self._database.reading(work)
        rows = rows[::-1] if backwards else rows
        return _page(rows, total, column.name, more, place, offset)

    def standing(self, ids: Collection[str]) -> list[Standing]:
        """How these runs stand; what is not there any more is left out."""
        wanted, found = list(ids), []
        columns = [runs.c[name] for name in Standing._fields]
        for start in range(0, len(wanted), _AT_ONCE):
            query = select(*columns).where(runs.c.id.in_(wanted[start : start + _AT_ONCE]))
            for row in self._database.rows(query):
                found.append(Standing(**{**row._asdict(), "state": RunState(row.state)}))
        return found


def _page(
    rows: Sequence[Any], total: int, column: str, more: bool, place: Position | None, offset: int
) -> Page:
    backwards = place is not None and place.before
    newer = older = None
    if rows and (more if backwards else place is not None or offset):
        newer = Position(getattr(rows[0], column), rows[0].seq, before=True)
    if rows and (more or backwards):
        older = Position(getattr(rows[-1], column), rows[-1].seq)
    return Page([run_of(row) for row in rows], total, newer, older)


def _beyond(column: Any, place: Position, descends: bool) -> ColumnElement[bool]:
    """Whatever comes after the place; written so that the index is entered there."""
    if descends:
        beside = and_(column == place.value, runs.c.seq < place.seq)
        return and_(column <= place.value, or_(column < place.value, beside))
    beside = and_(column == place.value, runs.c.seq > place.seq)
    return and_(column >= place.value, or_(column > place.value, beside))


def _seen(selection: Selection) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if selection.owner is not None:
        found.append(runs.c.owner == selection.owner)
    if selection.teams is not None:
        of_teams = runs.c.team.in_(sorted(selection.teams))
        own = () if selection.also is None else (runs.c.owner == selection.also,)
        found.append(or_(of_teams, *own))
    return found


def _meant(meant: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if meant.states:
        found.append(runs.c.state.in_([state.value for state in meant.states]))
    if meant.processes:
        found.append(runs.c.process.in_(meant.processes))
    if meant.since is not None:
        found.append(runs.c.created >= meant.since)
    if meant.before is not None:
        found.append(runs.c.created < meant.before)
    if meant.least is not None or meant.most is not None:
        found.append(_lasting(meant.least or 0, meant.most))
    if meant.pinned is not None:
        found.append(runs.c.pinned.is_(meant.pinned))
    found += [runs.c.words.contains(words_of(word), autoescape=True) for word in meant.words]
    return found


def _lasting(least: float, most: float | None) -> ColumnElement[bool]:
    """What took so long, or runs for so long: the latter are few, and found by their own index."""
    moment = now()
    took = and_(runs.c.took > 0, runs.c.took >= least)
    runs_since = and_(
        runs.c.state == "running", runs.c.started <= moment - timedelta(seconds=least)
    )
    if most is not None:
        took = and_(took, runs.c.took <= most)
        runs_since = and_(runs_since, runs.c.started >= moment - timedelta(seconds=most))
    return or_(took, runs.c.seq.in_(select(runs.c.seq).where(runs_since)))
