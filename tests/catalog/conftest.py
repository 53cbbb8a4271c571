"""Callers, and a hub's catalogue in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from fairihub_catalog.callers import Caller, caller_of
from fairihub_catalog.catalogue import Catalogue, hub_catalogue
from fairihub_core.audit import Entry
from fairihub_core.places import Places
from tests.catalog.helpers import DIRECTORY


@pytest.fixture
def who() -> Callable[[str], Caller]:
    return lambda login: caller_of(login, DIRECTORY, date(2025, 6, 1))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data")


@pytest.fixture
def audit() -> list[Entry]:
    """What curators decided, as it is told to the audit log."""
    return []


@pytest.fixture
def catalogue(places: Places, audit: list[Entry]) -> Iterator[Catalogue]:
    """A hub's catalogue; scanned when a test says so."""
    made = hub_catalogue("Our Notebooks", places, lambda: DIRECTORY, audit.append)
    yield made
    made.stop()
