"""How quickly a hundred thousand runs are listed: each kind of list, beside skipping rows.

The rows are made up, the same each time. `skipping` is the usual way to the same page: every
column, sorted by the order of acceptance, `LIMIT 50 OFFSET n`, and a count beside it.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import create_engine, func, select, text

from benchmarks.runs_table import percentile
from fairihub_headless.callers import Selection
from fairihub_headless.models import Failure, Run, RunState
from fairihub_headless.store.listing import EVERY, NEWEST_FIRST, Filter, Listing, Order
from fairihub_headless.store.rows import row_of, run_of, words_of
from fairihub_headless.store.runs import Store
from fairihub_headless.store.tables import runs

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
LIMIT = 50
OWN, ALL = Selection(owner="ada"), Selection()
TEAM = Selection(teams=frozenset({"uc1"}), also="ada")


def made_up(many: int) -> Iterator[dict[str, Any]]:
    """Rows of runs: ada's mostly, of two teams, a tenth of them failed."""
    chance = random.Random(7)  # noqa: S311 - no secret
    topics = ("monthly", "ndvi", "sentinel", "flood", "forest", "soil", "water")
    states = (RunState.successful, RunState.failed, RunState.dismissed, RunState.accepted)
    for number in range(many):
        state = chance.choices(states, (85, 10, 4, 1))[0]
        created, took = BEGAN + timedelta(seconds=60 * number), chance.expovariate(1 / 300)
        began = state is not RunState.accepted
        failed = state is RunState.failed
        why = f"Cell {chance.randrange(9)} of 9 failed: KeyError: 'station_{number}'"
        run = Run(
            id=f"{number:032d}", owner="bob" if number % 10 == 0 else "ada",
            team="uc2" if number % 3 == 0 else "uc1", profile="uc1.small",
            process="echo" if number % 50 == 0 else "execute-notebook",
            notebook=f"projects/{chance.choice(topics)}-{chance.randrange(60)}.ipynb",
            parameters={"station": "Graz", "years": list(range(60))},
            digest="0" * 64, state=state, message="Done.", cell=9, cells=9,
            failure=Failure(code="cell-failed", message=why) if failed else None,
            created=created, started=created if began else None,
            finished=created + timedelta(seconds=took) if began else None, updated=created,
            pinned=number % 1000 == 0,
        )  # fmt: skip
        row = row_of(run)
        row["words"] += f" {words_of(why)}" if failed else ""
        failure = run.failure and run.failure.model_dump(mode="json")
        yield {**row, "took": took if began else 0.0, "failure": failure, "environment": None}


def filled(url: str, many: int) -> Any:
    """The address's database with so many runs; the store brings it to the present form."""
    Store(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        if not connection.execute(select(func.count()).select_from(runs)).scalar_one():
            rows = list(made_up(many))
            for start in range(0, many, 5000):
                connection.execute(runs.insert(), rows[start : start + 5000])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if engine.name == "postgresql" else "ANALYZE"))
    return engine


def kinds(listing: Listing) -> dict[str, Callable[[], object]]:
    """Every kind of list, by what a person would call it."""

    def page(
        selection: Selection, meant: Filter = EVERY, order: Order = NEWEST_FIRST, **more: Any
    ) -> Callable[[], object]:
        return lambda: listing.page(selection, meant, order, limit=LIMIT, **more)

    month = Filter(since=BEGAN + timedelta(days=10), before=BEGAN + timedelta(days=41))
    failed = Filter(states=(RunState.failed,))
    deep = listing.page(OWN, EVERY, limit=1, offset=80_000).older
    deep_by_time = listing.page(OWN, EVERY, Order("duration"), limit=1, offset=80_000).older
    return {
        "own, newest": page(OWN),
        "own, page 1,600 by its cursor": page(OWN, place=deep),
        "own, page 1,600 by its offset": page(OWN, offset=80_000),
        "own, failed": page(OWN, failed),
        "own, failed or waiting": page(OWN, Filter(states=(RunState.failed, RunState.accepted))),
        "own, of a month": page(OWN, month),
        "own, one process": page(OWN, Filter(processes=("echo",))),
        "own, pinned": page(OWN, Filter(pinned=True)),
        "own, longer than 20 min": page(OWN, Filter(least=1200)),
        "own, a common word": page(OWN, Filter(words=("soil",))),
        "own, a rare word": page(OWN, Filter(words=("station_777'",))),
        "own, a word that is nowhere": page(OWN, Filter(words=("nowhere",))),
        "own, two words, failed, of a month": page(
            OWN,
            Filter(
                states=(RunState.failed,),
                words=("soil", "keyerror"),
                since=month.since,
                before=month.before,
            ),
        ),
        "own, longest": page(OWN, order=Order("duration")),
        "own, longest, page 1,600": page(OWN, order=Order("duration"), place=deep_by_time),
        "own, by notebook": page(OWN, order=Order("notebook", descends=False)),
        "own, by state": page(OWN, order=Order("status")),
        "of a team": page(TEAM),
        "of a team, failed, a word": page(TEAM, Filter(states=(RunState.failed,), words=("soil",))),
        "everybody's": page(ALL),
        "everybody's, a word that is nowhere": page(ALL, Filter(words=("nowhere",))),
        "everybody's, longest": page(ALL, order=Order("duration")),
    }


def skipping(engine: Any, offset: int) -> Callable[[], object]:
    """The naive way: wide rows in the order of acceptance, so many of them skipped, and a count."""
    where = runs.c.owner == "ada"
    query = select(runs).where(where).order_by(runs.c.seq.desc()).limit(LIMIT).offset(offset)

    def ask() -> object:
        with engine.connect() as connection:
            count = select(func.count()).select_from(runs).where(where)
            total = connection.execute(count).scalar_one()
            return [run_of(row) for row in connection.execute(query)], total

    return ask


def timed(ask: Callable[[], object], times: int) -> tuple[float, float]:
    """Milliseconds: half of the answers come sooner, and 95 of 100."""
    ask()
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took), percentile(took, 0.95)


def measured(url: str, many: int, times: int) -> dict[str, tuple[float, float]]:
    """Half of the answers to each kind of list, and 95 of 100, in milliseconds; told on stderr."""
    engine, store = filled(url, many), Store(url)
    asked = kinds(store.listing)
    asked["peer: own, newest, by skipping"] = skipping(engine, 0)
    asked["peer: own, page 1,600, by skipping"] = skipping(engine, 80_000)
    found = {}
    for kind, ask in asked.items():
        found[kind] = half, most = timed(ask, times)
        print(f"{kind:<42}{half:8.1f}{most:8.1f}", file=sys.stderr, flush=True)
    store.close()
    engine.dispose()
    return found
