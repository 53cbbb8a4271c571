"""What the store knows of what is kept: which runs have ended, what has expired, what is pinned.

Every method blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import func, select, update

from fairihub_core.clock import now
from fairihub_headless.models import Kept, RunState
from fairihub_headless.store.database import Database
from fairihub_headless.store.tables import runs

_AT_ONCE = 500
_ENDED = tuple(state.value for state in RunState if state.ended)
_KEPT = runs.c.expired.is_(None), runs.c.state.in_(_ENDED), runs.c.engine.is_(None)


class Keeping:
    """How long what runs left is kept, as far as the store is concerned."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ended(self) -> Iterator[Kept]:
        """Every run that has ended and not expired, in small steps."""
        after = 0
        columns = (runs.c.seq, runs.c.id, runs.c.team, runs.c.state, runs.c.finished, runs.c.pinned)
        while True:
            query = select(*columns).where(runs.c.seq > after, runs.c.finished.is_not(None), *_KEPT)
            rows = self._database.rows(query.order_by(runs.c.seq).limit(_AT_ONCE))
            for row in rows:
                yield Kept(row.id, row.team, RunState(row.state), row.finished, row.pinned)
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].seq

    def ended_since(self, moment: datetime) -> list[str]:
        """The runs that have ended since then and have not expired, oldest first."""
        query = select(runs.c.id).where(runs.c.finished >= moment, *_KEPT)
        return [row.id for row in self._database.rows(query.order_by(runs.c.seq))]

    def too_many(self, since: datetime, per_team: int) -> list[str]:
        """What is beyond so many of a team of which a run has ended since then, oldest first."""
        teams = select(runs.c.team).where(runs.c.finished >= since, *_KEPT).distinct()
        found: list[str] = []
        for row in self._database.rows(teams):
            query = select(runs.c.id).where(
                runs.c.team == row.team, runs.c.finished.is_not(None), runs.c.pinned.is_(False),
                *_KEPT,
            )  # fmt: skip
            newest = query.order_by(runs.c.finished.desc(), runs.c.seq.desc())
            beyond = self._database.rows(newest.offset(per_team))
            found += [each.id for each in reversed(beyond)]
        return found

    def expire(self, run_id: str) -> bool:
        """Notes that what a run left goes now; False if it runs, is pinned, or has gone before."""
        statement = update(runs).where(
            runs.c.id == run_id, runs.c.state.in_(_ENDED), runs.c.pinned.is_(False),
            runs.c.expired.is_(None), runs.c.engine.is_(None),
        )  # fmt: skip
        return self._database.changed(statement.values(expired=now()))

    def standing(self, ids: Collection[str]) -> dict[str, bool]:
        """Of those that are known: whether what they left has expired."""
        query = select(runs.c.id, runs.c.expired).where(runs.c.id.in_(list(ids)))
        return {row.id: row.expired is not None for row in self._database.rows(query)}

    def revisions(self) -> set[str]:
        """The commits that runs use which have not expired."""
        revision = runs.c.request["source"]["revision"].as_string()
        query = select(revision).where(runs.c.expired.is_(None), revision.is_not(None))
        return {row[0] for row in self._database.rows(query.distinct())}

    def newest(self) -> str | None:
        """The run that was accepted last."""
        rows = self._database.rows(select(runs.c.id).order_by(runs.c.seq.desc()).limit(1))
        return str(rows[0].id) if rows else None

    def pin(self, run_id: str, *, pinned: bool) -> bool:
        """Keeps what a run left whatever its age, or no more; False if it has expired."""
        statement = update(runs).where(runs.c.id == run_id, runs.c.expired.is_(None))
        return self._database.changed(statement.values(pinned=pinned))

    def pinned_by(self, owner: str) -> int:
        """How many runs a member has pinned."""
        query = select(func.count()).where(runs.c.owner == owner, runs.c.pinned.is_(True))
        return int(self._database.rows(query)[0][0])
