"""Whoever asked for a start that is cancelled is told so, whatever it was just doing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from .conftest import Hub, customer_text

WAITS = """
import asyncio

async def waits(spawner):
    (data / "waiting").touch()
    await asyncio.Event().wait()

c.Spawner.pre_spawn_hook = waits
"""


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub of local servers, whose starts do not get as far as their spawner."""
    hub = Hub(tmp_path_factory.mktemp("hub"), more_config=WAITS)
    hub.teams.mkdir()
    (hub.teams / "uc4.yaml").write_text(customer_text("uc4", "ada"))
    hub.start()
    yield hub
    hub.stop()


def test_a_start_that_is_cancelled_before_its_spawner_begins_is_no_fault(hub: Hub) -> None:
    hub.signed_in("ada")
    token, answers = hub.user_token("ada"), list[httpx.Response]()

    def ask() -> None:
        answers.append(hub.api("/users/ada/server", token, "POST", json={}))

    asking = threading.Thread(target=ask)
    asking.start()
    hub.eventually((hub.data / "waiting").exists)
    assert hub.api("/users/ada/server", token, "DELETE").status_code in (202, 204)
    asking.join(30)
    (answer,) = answers
    told = answer.json()
    assert (answer.status_code, told["status"], told["message"]) == (
        409, 409, "The start was cancelled."
    )  # fmt: skip
    assert (told["diagnosis"]["code"], told["diagnosis"]["final"]) == ("start-cancelled", True)
    assert "detail" not in told["diagnosis"]
    assert "Uncaught exception" not in hub.log()
