"""Admins of a team and its servers: what they see and stop, on a real hub with real servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from fairihub_auth.team_servers import TeamServers
from fairihub_core import clock
from tests.auth.conftest import Hub, customer_text
from tests.support import duty_hub

SLOW = """
import asyncio
async def slow(spawner):
    if spawner.user.name == "sloth" and spawner.user_options.get("profile") == "uc4.small":
        await asyncio.sleep(120)
c.Spawner.pre_spawn_hook = slow
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 1}
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """uc4 of ada (admin), bob, fay and sloth; uc5 of eve (admin) and fay; olga operates the hub.

    Bob has a server of uc4, and fay one of uc5.
    """
    hub = Hub(tmp_path_factory.mktemp("hub"), more_config=duty_hub.CONFIG + SLOW)
    hub.tokens |= {"cli": "0123456789abcdef", "reporter": "fedcba9876543210"}
    hub.operators = "olga"
    hub.teams.mkdir()
    (hub.teams / "uc4.yaml").write_text(customer_text("uc4", "ada", "bob", "fay", "sloth"))
    (hub.teams / "uc5.yaml").write_text(customer_text("uc5", "eve", "fay"))
    try:
        hub.start()
        for login in ("ada", "bob", "eve", "fay", "sloth", "olga"):
            hub.signed_in(login)
        start(hub, "bob", "uc4.small")
        start(hub, "fay", "uc5.small")
        yield hub
    finally:
        for login in ("bob", "fay", "sloth"):
            hub.api(f"/users/{login}/server", hub.tokens["operator"], "DELETE", timeout=30)
            hub.eventually(lambda login=login: not server_of(hub, login), 30)  # type: ignore[misc]
        hub.stop()


def start(hub: Hub, login: str, profile: str) -> None:
    body = {"user_options": {"profile": profile}}
    path = f"/users/{login}/server"
    answer = hub.api(path, hub.tokens["operator"], "POST", json=body, timeout=60)
    assert answer.status_code in (201, 202), answer.text
    hub.eventually(lambda: bool(server_of(hub, login).get("ready")), 60)


def server_of(hub: Hub, login: str) -> dict[str, Any]:
    user = hub.api(f"/users/{login}", hub.tokens["operator"]).json()
    found: dict[str, Any] = user.get("servers", {}).get("", {})
    return found


def ask(hub: Hub, path: str, by: str | None, method: str = "GET") -> tuple[int, dict[str, Any]]:
    token = hub.tokens.get(by) or hub.user_token(by) if by else None
    answer = hub.api(f"/fairihub/teams/{path}", token, method, timeout=30)
    return answer.status_code, answer.json() if answer.content else {}


def seen(hub: Hub, team: str, by: str) -> list[tuple[str, str]]:
    status, told = ask(hub, f"{team}/servers", by)
    assert status == 200, told
    return [(server["login"], server["state"]) for server in told["servers"]]


def test_an_admin_sees_the_servers_of_the_team(hub: Hub) -> None:
    status, told = ask(hub, "uc4/servers", "ada")
    assert status == 200
    (server,) = TeamServers.model_validate(told).servers
    assert (server.login, server.state, server.profile) == ("bob", "running", "Small")
    for time in (server.started, server.last_activity):
        assert time is not None
        assert timedelta(0) <= clock.now() - time < timedelta(minutes=5)


def test_a_server_belongs_to_one_team_only(hub: Hub) -> None:
    assert seen(hub, "uc4", "ada") == [("bob", "running")], "fay's is of uc5, and she is in both"
    assert seen(hub, "uc5", "eve") == [("fay", "running")]
    assert seen(hub, "uc4", "olga") == [("bob", "running")]
    assert seen(hub, "uc5", "olga") == [("fay", "running")]


@pytest.mark.parametrize(
    ("by", "team", "status", "code"),
    [
        (None, "uc4", 401, "signed-out"),
        ("bob", "uc4", 404, "no-such-team"),
        ("eve", "uc4", 404, "no-such-team"),
        ("ada", "uc5", 404, "no-such-team"),
        ("ada", "nothing", 404, "no-such-team"),
        ("olga", "nothing", 404, "no-such-team"),
        ("ada", "%2e%2e", 404, "no-such-team"),
        ("cli", "uc4", 403, "not-a-person"),
        ("operator", "uc4", 403, "not-a-person"),
    ],
)
def test_nobody_else_does(by: str | None, team: str, status: int, code: str, hub: Hub) -> None:
    for path, method in ((f"{team}/servers", "GET"), (f"{team}/servers/bob", "DELETE")):
        found, told = ask(hub, path, by, method)
        assert (found, told["code"]) == (status, code)
    assert server_of(hub, "bob").get("ready")


@pytest.mark.parametrize(
    ("by", "path"),
    [
        ("eve", "uc5/servers/bob"),
        ("ada", "uc4/servers/fay"),
        ("ada", "uc4/servers/ada"),
        ("ada", "uc4/servers/nobody"),
        ("olga", "uc4/servers/fay"),
    ],
)
def test_what_is_of_another_team_is_not_there(by: str, path: str, hub: Hub) -> None:
    found, told = ask(hub, path, by, "DELETE")
    assert (found, told["code"]) == (404, "no-such-server")
    assert server_of(hub, "fay").get("ready")


def test_an_admin_has_no_power_over_the_hub_by_it(hub: Hub) -> None:
    token = hub.user_token("ada")
    assert hub.api("/users/bob/server", token, "DELETE").status_code == 404
    assert hub.api("/users/bob", token).status_code == 404
    assert server_of(hub, "bob").get("ready")


def test_a_token_of_a_server_opens_none_of_it(hub: Hub) -> None:
    body = {"scopes": ["custom:fairihub:curate", "access:servers!user"]}
    made = hub.api("/users/ada/tokens", hub.user_token("ada"), "POST", json=body).json()["token"]
    answer = hub.api("/fairihub/teams/uc4/servers", made)
    assert (answer.status_code, answer.json()["code"]) == (403, "no-scope")


def test_a_server_that_starts_can_be_stopped(hub: Hub) -> None:
    body = {"user_options": {"profile": "uc4.small"}}
    path = "/users/sloth/server"
    assert hub.api(path, hub.tokens["operator"], "POST", json=body).status_code == 202
    assert ("sloth", "starting") in seen(hub, "uc4", "ada")
    assert ask(hub, "uc4/servers/sloth", "ada", "DELETE")[0] in (202, 204)
    hub.eventually(lambda: seen(hub, "uc4", "ada") == [("bob", "running")], 20)
    assert server_of(hub, "sloth") == {}


def test_a_start_is_pending_also_after_one_that_failed(hub: Hub) -> None:
    path, operator = "/users/sloth/server", hub.tokens["operator"]
    for profile, status in (("nothing", 403), ("small", 202)):
        body = {"user_options": {"profile": f"uc4.{profile}"}}
        assert hub.api(path, operator, "POST", json=body).status_code == status
    assert hub.api(path, operator, "DELETE", timeout=30).status_code in (202, 204)
    hub.eventually(lambda: server_of(hub, "sloth") == {}, 20)


def test_a_removed_members_server_is_still_the_teams(hub: Hub) -> None:
    (hub.teams / "uc5.yaml").write_text(customer_text("uc5", "eve"))
    hub.eventually(lambda: members(hub, "uc5") == ["eve"])
    assert seen(hub, "uc5", "eve") == [("fay", "running")]
    assert ask(hub, "uc5/servers/fay", "eve", "DELETE")[0] in (202, 204)
    hub.eventually(lambda: seen(hub, "uc5", "eve") == [], 20)


def test_a_stop_ends_the_server_and_stands_in_the_log(hub: Hub) -> None:
    ada = hub.signed_in("ada")
    answer = ada.delete(
        "/hub/api/fairihub/teams/uc4/servers/bob",
        headers={"X-XSRFToken": ada.xsrf(), "Origin": hub.url},
        timeout=30,
    )
    assert answer.status_code in (202, 204)
    hub.eventually(lambda: server_of(hub, "bob") == {}, 20)
    hub.eventually(lambda: any(e["login"] == "bob" for e in stops(hub)))
    told = next(e for e in stops(hub) if e["login"] == "bob")
    assert (told["by"], told["team"], told["detail"]) == ("ada", "uc4", "uc4.small")
    assert ask(hub, "uc4/servers/bob", "ada", "DELETE")[1]["code"] == "no-such-server"


def members(hub: Hub, team: str) -> list[str]:
    teams = hub.snapshot().json()["directory"]["teams"]
    return [m["login"] for t in teams if t["name"] == team for m in t["members"]]


def stops(hub: Hub) -> list[dict[str, Any]]:
    return [e for e in hub.audit() if e["action"] == "server-stopped"]
