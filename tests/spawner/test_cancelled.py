"""A start is not taken for cancelled because the one before it was."""

from __future__ import annotations

import pytest
from jupyterhub.spawner import SpawnException

from fairihub_core.errors import Refused
from fairihub_core.servers import note_cancelled, was_cancelled
from fairihub_spawner.local import TeamLocalSpawner


class Closed(TeamLocalSpawner):
    """A server whose owner may not start it any more."""

    def __init__(self) -> None:
        note_cancelled(self)

    def chosen_offer(self):
        raise Refused("closed", "Your team has closed.")


async def test_the_next_start_is_not_cancelled():
    spawner = Closed()
    with pytest.raises(SpawnException):
        await spawner.start()
    assert not was_cancelled(spawner)
