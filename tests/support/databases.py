"""Databases of runs to be tried on: SQLite and PostgreSQL, opened as often as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairihub_headless.store.runs import Store
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    cluster = Postgres()
    cluster.start()
    yield cluster
    cluster.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.sqlite'}"
    return str(request.getfixturevalue("postgres").database())


@pytest.fixture
def opened(url: str) -> Iterator[Callable[[], Store]]:
    """Opens the same database as often as it is called."""
    stores: list[Store] = []

    def another() -> Store:
        stores.append(Store(url))
        return stores[-1]

    yield another
    for store in stores:
        store.close()
