"""Tokens of two thousand people at once, in JupyterHub's own database: nobody else has to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.utils import new_token

from fairihub_auth.hub_users import HubUsers
from fairihub_core.audit import Entry

STRETCH = 0.5
"""Far above the 20 ms after which a look yields, since a busy machine adds its own."""
PEOPLE = 2000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Any]:
    db = orm.new_session_factory(f"sqlite:///{tmp_path / 'hub.sqlite'}")()
    db.add(orm.OAuthClient(identifier="jupyterhub"))
    db.commit()
    yield db
    engine = db.get_bind()
    db.close()
    engine.dispose()


def add_people(db: Any, number: int, tokens: int) -> None:
    users = [orm.User(name=f"login{n}") for n in range(number)]
    db.add_all(users)
    db.flush()
    for user in users:
        for _ in range(tokens):
            made = orm.APIToken(generated=True, client_id="jupyterhub", user_id=user.id, scopes=[])
            made.token = new_token()
            db.add(made)
    db.add(orm.OAuthCode(client_id="jupyterhub", user_id=users[0].id, code="c", session_id="s"))
    db.commit()


class Watch:
    """Measures for how long the loop does not get round."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.rounds = 0

    async def look(self) -> None:
        while True:
            began, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0)
            # Of time that another process had the core, ours is not to blame.
            busy = min(time.perf_counter() - began, time.thread_time() - cpu)
            self.longest = max(self.longest, busy)
            self.rounds += 1


async def test_two_thousand_removals_hold_up_nobody(database: Any) -> None:
    add_people(database, PEOPLE, 2)
    hub = HubUsers(SimpleNamespace(db=database, users={}))
    watch = Watch()
    watching = asyncio.create_task(watch.look())
    await asyncio.sleep(0)
    out = hub.names()
    done = await hub.revoke(out)
    watching.cancel()
    assert len(out) == len(done) == PEOPLE
    assert {number for _, number in done} == {2}
    assert database.query(orm.APIToken).count() == 0
    assert database.query(orm.OAuthCode).count() == 0
    assert watch.rounds > 20
    assert watch.longest < STRETCH


async def test_to_find_nothing_to_do_among_them_is_quick(database: Any) -> None:
    add_people(database, PEOPLE, 0)
    hub = HubUsers(SimpleNamespace(db=database, users={}))
    await hub.revoke(hub.names())
    began = time.thread_time()
    assert await hub.revoke(hub.names()) == []
    assert time.thread_time() - began < STRETCH


async def test_those_who_stay_keep_theirs(database: Any) -> None:
    add_people(database, 3, 2)
    hub = HubUsers(SimpleNamespace(db=database, users={}))
    names = hub.names()
    assert await hub.revoke({"login1": names["login1"]}) == [("login1", 2)]
    owners = {token.user.name for token in database.query(orm.APIToken)}
    assert owners == {"login0", "login2"}


def test_a_user_without_a_name_is_nobody(database: Any) -> None:
    add_people(database, 2, 1)
    database.query(orm.User).filter_by(name="login1").one().name = None
    database.commit()
    assert list(HubUsers(SimpleNamespace(db=database, users={})).names()) == ["login0"]


async def test_renewed_their_old_cookie_names_nobody(database: Any) -> None:
    add_people(database, 2, 1)
    cookies = {u.name: u.cookie_id for u in database.query(orm.User)}
    await HubUsers(SimpleNamespace(db=database, users={})).renew(["login0", "nobody"], "")
    now = {u.name: u.cookie_id for u in database.query(orm.User)}
    assert now["login0"] != cookies["login0"]
    assert now["login1"] == cookies["login1"]
    assert [t.user.name for t in database.query(orm.APIToken)] == ["login1"]


async def test_a_server_that_starts_is_looked_at_again_within_a_second(database: Any) -> None:
    starting = SimpleNamespace(ready=False, pending="spawn")
    user = SimpleNamespace(name="ada", spawners={"": starting})
    hub = HubUsers(SimpleNamespace(db=database, users={1: user}))
    assert await hub.end_servers() == pytest.approx(1, abs=0.1)
    starting.pending = None
    assert await hub.end_servers() is None


class Server:
    """A server as the hub knows it, and the proxy and the owner that it is ended by."""

    def __init__(self, pending: str | None) -> None:
        self.name, self.pending, self.active = "", pending, True
        self.user_options = {"profile": "uc4.small"}
        self._spawn_future = SimpleNamespace(cancel=self._over) if pending == "spawn" else None

    async def delete_user(self, user: Any, name: str) -> None:
        assert user.name == "login0"

    async def stop(self, name: str) -> None:
        self._over()

    def _over(self) -> None:
        self.active, self.pending = False, None


@pytest.mark.parametrize("pending", [None, "spawn"])
async def test_a_server_that_is_ended_is_told_with_its_team_and_why(
    database: Any, pending: str | None
) -> None:
    add_people(database, 1, 0)
    server, told = Server(pending), list[Entry]()
    user = SimpleNamespace(name="login0", spawners={"": server}, stop=server.stop)
    number = HubUsers(SimpleNamespace(db=database, users={})).names()["login0"]
    app = SimpleNamespace(db=database, users={number: user}, proxy=server)
    hub = HubUsers(app, told.append)
    await hub.renew(["login0"], "its owner's account is forgotten here.")
    await hub.ended()
    assert not server.active
    assert [(e.action, e.login, e.by, e.team, e.detail) for e in told] == [
        ("server-stopped", "login0", "fairihub", "uc4",
         "uc4.small: its owner's account is forgotten here.")
    ]  # fmt: skip
