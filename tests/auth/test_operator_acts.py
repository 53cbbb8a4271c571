"""What operators do at JupyterHub's own addresses stands in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from fairihub_auth.operator_acts import Act, entry_of, recorded
from fairihub_core.audit import Entry
from tests.auth.conftest import Hub, customer_text
from tests.auth.test_removal import server_of, start_server
from tests.support import duty_hub

NOW = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
BOBS = "uc4.small"


def told(asked: str, status: int = 200, **more: Any) -> tuple[str, str, str, str] | None:
    method, _, path = asked.partition(" ")
    act = Act(by="olga", method=method, path=tuple(path.split("/")), status=status, **more)
    entry = entry_of(act, NOW)
    return None if entry is None else (entry.action, entry.login, entry.team, entry.detail)


@pytest.mark.parametrize(
    ("asked", "more", "action", "login", "team", "detail"),
    [
        ("DELETE api/users/bob", {}, "operator-acted", "bob", "", ""),
        ("POST api/users/bob", {"status": 201}, "operator-acted", "bob", "", ""),
        ("POST api/users", {"named": ("eve",)}, "operator-acted", "eve", "", ": eve"),
        ("POST api/users", {"named": ("eve", "fay")}, "operator-acted", "", "", ": eve, fay"),
        ("DELETE api/groups/uc4", {"status": 204}, "operator-acted", "", "", ""),
        ("POST api/groups/uc4/users", {"named": ("eve",)}, "operator-acted", "eve", "", ": eve"),
        ("POST api/users/bob/server", {"choice": BOBS}, "operator-acted", "bob", "uc4", ""),
        ("DELETE api/users/bob/server", {"choice": BOBS}, "server-stopped", "bob", "uc4", ""),
        ("DELETE api/users/bob/servers/two", {"status": 202}, "server-stopped", "bob", "", ""),
        ("DELETE api/users/bob/tokens/a7", {}, "operator-acted", "bob", "", ""),
        ("POST spawn/bob", {"status": 302}, "operator-acted", "bob", "", ""),
        ("GET spawn/bob", {"with_options": True}, "operator-acted", "bob", "", ""),
        ("POST api/shutdown", {"status": 202}, "operator-acted", "", "", ""),
        ("DELETE api/users/bob", {"status": 500}, "operator-acted", "bob", "",
         ", which failed (500)"),
        ("DELETE api/users/bob/server", {"status": 500}, "operator-acted", "bob", "",
         ", which failed (500)"),
        ("PATCH api/users/bob", {"status": 403, "refused_as": "decided-elsewhere"},
         "operator-acted", "bob", "", ", refused"),
        ("POST api/users", {"status": 403, "refused_as": "decided-elsewhere", "named": ("eve",)},
         "operator-acted", "eve", "", ": eve, refused"),
        ("PATCH api/users/bob", {"status": 500}, "operator-acted", "bob", "",
         ", which failed (500)"),
    ],
)  # fmt: skip
def test_what_is_done_to_others_and_to_the_hub(
    asked: str, more: dict[str, Any], action: str, login: str, team: str, detail: str
) -> None:
    assert told(asked, **more) == (action, login, team, asked + detail)


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ("GET api/users/bob", {}),
        ("GET spawn/bob", {}),
        ("POST spawn", {}),
        ("DELETE api/users/olga/server", {}),
        ("POST api/users/olga/activity", {}),
        ("DELETE api/users/bob", {"status": 403}),
        ("PATCH api/users/bob", {"status": 404}),
        ("PATCH api/users/bob", {}),
        ("PATCH api/users/bob", {"status": 403, "refused_as": "xsrf"}),
        ("PATCH api/users/olga", {"status": 403, "refused_as": "decided-elsewhere"}),
        ("DELETE api/users/bob/server", {"status": 204, "found_server": False}),
        ("DELETE api/users/bob/server", {"status": 202, "found_server": False}),
        ("POST login", {}),
        ("POST api/oauth2/authorize", {}),
        # Told by the address itself, and where the token is made.
        ("DELETE api/fairihub/people/bob", {}),
        ("POST api/users/bob/tokens", {"status": 201}),
    ],
)
def test_what_is_ones_own_or_told_elsewhere(asked: str, more: dict[str, Any]) -> None:
    assert told(asked, **more) is None


def test_many_names_are_counted() -> None:
    entry = told("POST api/users", named=tuple(f"u{n}" for n in range(12)))
    assert entry is not None
    assert entry[3].endswith("u8, u9 and 2 more")


def test_an_answer_that_cannot_be_told_of_is_an_answer_yet() -> None:
    seen: list[object] = []
    handler = SimpleNamespace(_jupyterhub_user=object(), request=None)
    recorded(seen.append, seen.append)(handler)
    assert seen == [handler]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """uc4 of ada (admin) and bob; olga operates the hub."""
    hub = Hub(tmp_path_factory.mktemp("hub"), more_config=duty_hub.CONFIG)
    hub.tokens |= {"cli": "0123456789abcdef", "reporter": "fedcba9876543210"}
    hub.operators = "olga"
    hub.teams.mkdir()
    (hub.teams / "uc4.yaml").write_text(customer_text("uc4", "ada", "bob"))
    try:
        hub.start()
        for login in ("ada", "bob", "olga"):
            hub.signed_in(login)
        yield hub
    finally:
        hub.stop()


def acts(hub: Hub) -> list[tuple[str, str, str, str, str]]:
    entries = [Entry.model_validate(entry) for entry in hub.audit()]
    kinds = ("operator-acted", "server-stopped")
    return [(e.action, e.by, e.login, e.team, e.detail) for e in entries if e.action in kinds]


def test_an_operators_clicks_on_the_admin_page_stand_in_the_log(hub: Hub) -> None:
    olga = hub.signed_in("olga")
    headers = {"X-XSRFToken": olga.xsrf()}
    start_server(hub, "bob")
    asked: list[tuple[str, str, dict[str, Any] | None]] = [
        ("DELETE", "users/bob/server", None),
        ("POST", "users", {"usernames": ["mallory", "mike"]}),
        ("PATCH", "users/mallory", {"name": "mallory"}),
        ("PATCH", "users/mallory", {"admin": True}),
        ("POST", "users", {"usernames": ["eve"], "admin": True}),
        ("POST", "users/eve", {"admin": True}),
        ("DELETE", "users/mallory", None),
        ("DELETE", "groups/uc4", None),
        ("DELETE", "users/olga/server", None),
    ]
    for method, path, body in asked:
        olga.request(method, f"/hub/api/{path}", headers=headers, json=body)
    hub.eventually(lambda: any("groups/uc4" in detail for *_, detail in acts(hub)))
    assert acts(hub) == [
        ("server-stopped", "olga", "bob", "uc4", "DELETE api/users/bob/server"),
        ("operator-acted", "olga", "", "", "POST api/users: mallory, mike"),
        ("operator-acted", "olga", "mallory", "", "PATCH api/users/mallory, refused"),
        ("operator-acted", "olga", "eve", "", "POST api/users: eve, refused"),
        ("operator-acted", "olga", "eve", "", "POST api/users/eve, refused"),
        ("operator-acted", "olga", "mallory", "", "DELETE api/users/mallory"),
        ("operator-acted", "olga", "", "", "DELETE api/groups/uc4"),
    ]
    seen = hub.api("/fairihub/audit?action=server-stopped", hub.user_token("ada")).json()
    assert [entry["by"] for entry in seen["entries"]] == ["olga"]


def test_what_members_do_is_no_act_of_an_operator(hub: Hub) -> None:
    before, token = acts(hub), hub.user_token("bob")
    start_server(hub, "bob")
    assert hub.api("/users/bob/server", token, "DELETE").is_success
    assert hub.api("/users/ada", token, "DELETE").status_code in (403, 404)
    assert hub.api("/users/mike", hub.user_token("olga"), "DELETE").status_code == 204
    hub.eventually(lambda: len(acts(hub)) > len(before))
    assert acts(hub)[len(before) :] == [
        ("operator-acted", "olga", "mike", "", "DELETE api/users/mike")
    ]


def test_a_server_that_never_ran_is_not_stopped_nor_of_the_team_that_it_was_asked_for(
    hub: Hub,
) -> None:
    """What is asked for is kept by JupyterHub, also where it is refused."""
    ada, olga, before = hub.user_token("ada"), hub.user_token("olga"), acts(hub)
    asked = {"profile": "landslides.small"}
    assert hub.api("/users/ada/server", ada, "POST", json=asked).status_code >= 400
    assert hub.api("/users/ada/server", olga, "DELETE").status_code == 204
    start_server(hub, "ada", profile="uc4.small")
    assert hub.api("/users/ada/server", olga, "DELETE").is_success
    hub.eventually(lambda: not server_of(hub, "ada"), 30)
    assert hub.api("/users/ada/server", olga, "DELETE").status_code == 204
    hub.api("/users/mike", olga, "POST", json={})
    hub.eventually(lambda: any("users/mike" in detail for *_, detail in acts(hub)[len(before) :]))
    assert [act for act in acts(hub)[len(before) :] if act[2] == "ada"] == [
        ("server-stopped", "olga", "ada", "uc4", "DELETE api/users/ada/server")
    ]
