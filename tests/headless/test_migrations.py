"""Earlier forms of the database, on SQLite and PostgreSQL, are brought up to the present."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, inspect, text

from fairihub_headless.models import Failure, RunState
from fairihub_headless.store.database import make_engine, migrate
from fairihub_headless.store.runs import Store
from tests.support.engines import claimed, engine, hold

FAILURE = Failure(code="worker-died", message="why")
_OF_R1 = (
    "INSERT INTO runs (id, owner, team, profile, process, state, message, request, digest, cell, "
    "cells, created, updated, started, worker_pid) VALUES (:id, 'ada', 'uc1', 'uc1.small', "
    "'execute-notebook', :state, '', '{\"notebook\": \"Old.ipynb\"}', '0', 1, 2, "
    "'2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00', :pid)"
)


@pytest.mark.parametrize("revision", ["r0001", "r0002"])
def test_a_database_of_an_earlier_version_is_brought_up_with_its_runs(
    url: str, opened: Callable[[], Store], revision: str
) -> None:
    bind = make_engine(url)
    migrate(bind, revision)
    with bind.begin() as connection:
        for name, state, pid in (("done", "successful", None), ("lost", "running", 7),
                                 ("wait", "accepted", None)):  # fmt: skip
            connection.execute(text(_OF_R1), {"id": name, "state": state, "pid": pid})
    store = opened()
    done = store.get("done")
    assert done is not None
    assert (done.notebook, done.attempt, done.lost, done.source.kind) == ("Old.ipynb", 0, 0, "home")
    assert [r.id for r in store.orphans()] == ["lost"]
    taken = store.take_over(store.orphans()[0], engine(store))
    assert taken is not None
    assert store.end(hold(taken), RunState.failed, "Taken over.", failure=FAILURE)
    assert claimed(store, "wait").attempt == 1
    migrate(bind, revision)
    names = {column["name"] for column in inspect(bind).get_columns("runs")}
    assert "attempt" not in names
    with bind.connect() as connection:
        kept = connection.execute(text("SELECT id FROM runs ORDER BY seq")).scalars().all()
    assert kept == ["done", "lost", "wait"]
    assert "engines" not in inspect(bind).get_table_names()
    bind.dispose()


def test_services_that_start_at_once_migrate_once(url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        for store in list(threads.map(Store, [url] * 4)):
            assert store.waiting() == []
            store.close()


def test_the_tables_are_what_the_migrations_make(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from fairihub_headless.store.tables import metadata

    Store(url).close()
    bind = create_engine(url)
    with bind.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    bind.dispose()
