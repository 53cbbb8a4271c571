"""A hub for all of these tests, and one service for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.runs_hub import RunsHub, running_hub


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunsHub]:
    """A real hub with the team uc1 (ada, bob); each test starts services beside it."""
    with running_hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub
