"""What a sign-in link is still good for once its owner's team has closed, and once it is back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.auth.conftest import Hub, customer_text
from tests.support import duty_hub

PAST = "2020-01-31"
FUTURE = "2099-12-31"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with team uc4 of ada and cleo."""
    hub = Hub(tmp_path, more_config=duty_hub.CONFIG)
    hub.tokens |= {"cli": "0123456789abcdef", "reporter": "fedcba9876543210"}
    hub.teams.mkdir()
    ends(hub, FUTURE)
    hub.start()
    yield hub
    hub.stop()


def ends(hub: Hub, day: str) -> None:
    (hub.teams / "uc4.yaml").write_text(customer_text("uc4", "ada", "cleo", expires=day))


def now_ends(hub: Hub, day: str) -> None:
    ends(hub, day)
    hub.eventually(lambda: day in hub.snapshot().text)


def opened(hub: Hub, link: str) -> str:
    """What comes of opening a link: `in`, or what the page says."""
    answer = hub.browser().open_link(link)
    return "in" if answer.status_code == 302 else answer.text


def test_a_link_of_a_closed_team_says_so_after_a_restart_too(hub: Hub) -> None:
    hub.signed_in("cleo")
    before = {login: hub.link(login) for login in ("ada", "cleo")}
    now_ends(hub, PAST)
    assert all("used already" in opened(hub, link) for link in before.values())
    since = {login: hub.link(login) for login in ("ada", "cleo")}
    stranger = hub.link("nobody")
    hub.end()
    hub.start()
    assert all("closed" in opened(hub, link) for link in since.values())
    assert "used already" in opened(hub, stranger)


@pytest.mark.parametrize("off", [False, True], ids=["running", "off"])
def test_no_link_of_before_a_closing_opens_anything_when_the_team_is_back(
    hub: Hub, off: bool
) -> None:
    hub.signed_in("cleo")
    before = hub.link("cleo")
    hub.end()
    ends(hub, PAST)
    hub.start()
    hub.eventually(lambda: "cleo" in [e["login"] for e in hub.audit() if e["action"] == "removed"])
    since = hub.link("cleo")
    if off:
        hub.end()
        ends(hub, FUTURE)
        hub.start()
    else:
        now_ends(hub, FUTURE)
        hub.eventually(lambda: len(list((hub.data / "links").glob("*.json"))) == 1)
    assert "used already" in opened(hub, before)
    assert opened(hub, since) == "in"
