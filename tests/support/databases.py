"""Databases to be tried on: SQLite and PostgreSQL, opened as often as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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


def opening(make: Callable[[str], Any]) -> Any:
    """A fixture: a function that opens the same database with `make` as often as it is called."""

    @pytest.fixture
    def opened(url: str) -> Iterator[Callable[[], Any]]:
        made: list[Any] = []

        def another() -> Any:
            made.append(make(url))
            return made[-1]

        yield another
        for each in made:
            each.close()

    return opened
