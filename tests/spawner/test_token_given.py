"""A server on this machine is given its token as its process starts, and not before."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from jupyterhub.spawner import SimpleLocalProcessSpawner, SpawnException

from fairihub_core import handover
from fairihub_core.errors import Refused
from fairihub_core.handover import Handover
from fairihub_spawner.local import TeamLocalSpawner


class Starting(TeamLocalSpawner):
    """A server whose folders are ready, or refused."""

    def __init__(self, told: list[str], *, refused: bool) -> None:
        self.told, self.refused = told, refused

    def chosen_offer(self):
        return None

    def _equipped(self, offer):
        assert self.told == []
        if self.refused:
            raise Refused("no-secret", "Not there.")
        return SimpleNamespace(home="/nowhere")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Takes what is told, and that the process began."""
    told: list[str] = []

    async def process(spawner):
        told.append("begun")
        return "127.0.0.1", 1

    monkeypatch.setattr(SimpleLocalProcessSpawner, "start", process)
    return told


async def _start(told: list[str], *, refused: bool) -> None:
    start = Handover()
    start.tell_then(lambda: told.append("told"))
    handover.current.set(start)
    await Starting(told, refused=refused).start()


async def test_it_is_told_before_the_process_begins(told):
    await _start(told, refused=False)
    assert told == ["told", "begun"]


async def test_it_is_not_told_of_a_start_that_is_refused(told):
    with pytest.raises(SpawnException):
        await _start(told, refused=True)
    assert told == []
