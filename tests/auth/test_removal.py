"""Whoever is removed: tokens, sessions and servers, over restarts and when they come back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from fairihub_auth.removal import left
from fairihub_core import clock
from fairihub_core.audit import Entry, line_of
from fairihub_core.teams import Member, Team, TeamDirectory
from tests.auth.conftest import Browser, Hub, customer_text
from tests.support import duty_hub

MONDAY = date(2026, 5, 4)
SUNDAY = MONDAY - timedelta(days=1)
WITHIN = 5.0
"""Seconds until a change of the team files is in force."""

Make = Callable[..., Hub]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Starts a hub with team uc4 of ada (admin), bob and cleo."""
    made: list[Hub] = []

    def start(grace: float = 300) -> Hub:
        hub = Hub(tmp_path_factory.mktemp("hub"), more_config=duty_hub.CONFIG)
        hub.tokens |= {"cli": "0123456789abcdef", "reporter": "fedcba9876543210"}
        hub.environment = {"TEST_GRACE": str(grace)}
        hub.teams.mkdir()
        made.append(hub)
        members_are(hub, "ada", "bob", "cleo")
        hub.start()
        return hub

    yield start
    for hub in made:
        end_server(hub, "cleo")
        hub.end()
    for hub in made:
        hub.stop()


@pytest.fixture(scope="module")
def shared(make: Make) -> Hub:
    return make()


@pytest.fixture
def hub(shared: Hub) -> Iterator[Hub]:
    """The hub, whose team is complete again afterwards."""
    yield shared
    members_are(shared, "ada", "bob", "cleo")
    shared.eventually(lambda: admits(shared, "cleo"))


def members_are(hub: Hub, *logins: str) -> None:
    (hub.teams / "uc4.yaml").write_text(customer_text("uc4", *logins))


def admits(hub: Hub, login: str) -> bool:
    (team,) = hub.snapshot().json()["directory"]["teams"]
    return login in [m["login"] for m in team["members"]]


def remove_cleo(hub: Hub) -> None:
    members_are(hub, "ada", "bob")
    hub.eventually(lambda: not admits(hub, "cleo"), WITHIN)


def take_back_cleo(hub: Hub) -> None:
    members_are(hub, "ada", "bob", "cleo")
    hub.eventually(lambda: admits(hub, "cleo"), WITHIN)


def tokens_of(hub: Hub, login: str) -> list[dict[str, Any]]:
    answer = hub.api(f"/users/{login}/tokens", hub.tokens["operator"])
    tokens: list[dict[str, Any]] = answer.json()["api_tokens"]
    return tokens


def standing(browser: Browser) -> dict[str, Any]:
    answer = browser.get("/hub/api/fairihub/standing")
    return {"status": answer.status_code, **answer.json()}


def revoked(hub: Hub, login: str) -> list[str]:
    return [
        e["detail"] for e in hub.audit() if e["action"] == "tokens-revoked" and e["login"] == login
    ]


def server_of(hub: Hub, login: str) -> dict[str, Any]:
    user = hub.api(f"/users/{login}", hub.tokens["operator"]).json()
    found: dict[str, Any] = user.get("servers", {}).get("", {})
    return found


def start_server(hub: Hub, login: str, **options: str) -> None:
    path = f"/users/{login}/server"
    answer = hub.api(path, hub.tokens["operator"], "POST", json=options, timeout=60)
    assert answer.status_code in (201, 202), answer.text
    hub.eventually(lambda: bool(server_of(hub, login).get("ready")), 60)


def end_server(hub: Hub, login: str) -> None:
    hub.api(f"/users/{login}/server", hub.tokens["operator"], "DELETE", timeout=30)
    hub.eventually(lambda: not server_of(hub, login), 30)


def server_token(hub: Hub, login: str) -> str:
    """What the member's running server was given, as its owner can read it there."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            told = process.environ()
            if told.get("JUPYTERHUB_USER") == login and f":{hub.port}/" in told.get(
                "JUPYTERHUB_API_URL", ""
            ):
                return told["JUPYTERHUB_API_TOKEN"]
    raise AssertionError(f"no server of {login}")


# --- the decision ---


def team(*members: Member, expires: date | None = None) -> TeamDirectory:
    return TeamDirectory(teams=(Team(name="a", namespace="a", members=members, expires=expires),))


ADA, BOB = Member(login="ada"), Member(login="bob")


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        (team(ADA, BOB), team(ADA), {"bob"}),
        (team(ADA), team(ADA, BOB), set()),
        (team(ADA), TeamDirectory(), {"ada"}),
        (team(ADA), TeamDirectory(operators=frozenset({"ada"})), set()),
        (TeamDirectory(operators=frozenset({"ada"})), TeamDirectory(), {"ada"}),
        (team(ADA), team(ADA, expires=SUNDAY), {"ada"}),
        (team(ADA, expires=SUNDAY), TeamDirectory(), {"ada"}),
        (team(ADA, expires=SUNDAY - timedelta(days=1)), TeamDirectory(), set()),
        (
            TeamDirectory(teams=(*team(ADA).teams, Team(name="b", namespace="b", members=(ADA,)))),
            team(ADA),
            set(),
        ),
    ],
)
def test_who_has_left(before: TeamDirectory, after: TeamDirectory, gone: set[str]) -> None:
    assert left(before, SUNDAY, after, MONDAY) == gone


def test_who_has_left_at_midnight() -> None:
    directory = team(ADA, BOB.model_copy(update={"expires": SUNDAY}))
    assert left(directory, SUNDAY, directory, MONDAY) == {"bob"}
    assert left(directory, MONDAY, directory, MONDAY) == frozenset()


# --- on a hub ---


def test_tokens_are_revoked_and_it_stands_in_the_log(hub: Hub) -> None:
    hub.signed_in("cleo"), hub.signed_in("ada")
    token, other = hub.user_token("cleo"), hub.user_token("ada")
    assert hub.api("/user", token).status_code == 200
    before = len(revoked(hub, "cleo"))
    remove_cleo(hub)
    hub.eventually(lambda: tokens_of(hub, "cleo") == [], WITHIN)
    assert hub.api("/user", token).status_code == 403
    assert hub.api("/user", other).status_code == 200
    hub.eventually(lambda: revoked(hub, "cleo")[before:] == ["1 tokens and sessions"])
    (told,) = [e for e in hub.audit() if e["action"] == "removed" and e["login"] == "cleo"]
    assert (told["team"], told["by"]) == ("uc4", "team files")
    assert "uc4.yaml" in told["detail"]


def test_an_old_session_stays_closed_and_says_why(hub: Hub) -> None:
    old = hub.signed_in("cleo")
    assert standing(old)["admitted"] is True
    remove_cleo(hub)
    hub.eventually(lambda: not old.is_in(), WITHIN)
    told = standing(old)
    assert (told["status"], told["login"], told["code"]) == (200, "cleo", "no-team")
    assert "No team lists “cleo”" in told["message"]
    token = hub.user_token("cleo")  # an operator's script makes it while she is out
    take_back_cleo(hub)
    hub.eventually(lambda: standing(old)["status"] == 401, WITHIN)
    assert not old.is_in()
    assert hub.api("/user", token).status_code == 403
    new = hub.signed_in("cleo")
    assert standing(new)["admitted"] is True
    assert not old.is_in(), "not after the new session, either"


def test_who_comes_back_may_sign_in_at_once_with_the_same_browser(hub: Hub) -> None:
    cleo = hub.signed_in("cleo")
    remove_cleo(hub)
    hub.eventually(lambda: not cleo.is_in(), WITHIN)
    take_back_cleo(hub)
    assert cleo.open_link(hub.link("cleo")).status_code == 302
    assert cleo.is_in()
    assert standing(cleo)["admitted"] is True


def test_a_link_of_before_a_removal_opens_nothing_afterwards(hub: Hub) -> None:
    old, other = hub.link("cleo"), hub.link("bob")
    remove_cleo(hub)
    hub.eventually(lambda: any(e["action"] == "removed" for e in hub.audit()[-3:]), WITHIN)
    take_back_cleo(hub)
    assert hub.browser().open_link(old).status_code == 403
    assert hub.browser().open_link(other).status_code == 302
    hub.signed_in("cleo")


def test_a_server_keeps_its_own_token_until_it_ends(hub: Hub) -> None:
    hub.signed_in("cleo")
    start_server(hub, "cleo")
    hub.user_token("cleo")
    notes = sorted(t["note"] for t in tokens_of(hub, "cleo"))
    assert notes[-1] == "Server at /user/cleo/"
    remove_cleo(hub)
    hub.eventually(
        lambda: [t["note"] for t in tokens_of(hub, "cleo")] == ["Server at /user/cleo/"], WITHIN
    )
    assert server_of(hub, "cleo").get("ready"), "it has its grace"
    end_server(hub, "cleo")
    hub.eventually(lambda: tokens_of(hub, "cleo") == [], WITHIN)


def test_who_is_taken_back_in_time_starts_a_new_server(hub: Hub) -> None:
    cleo = hub.signed_in("cleo")
    start_server(hub, "cleo")
    token = server_token(hub, "cleo")
    remove_cleo(hub)
    hub.eventually(lambda: standing(cleo)["server_ends"] is not None, WITHIN)
    ends = datetime.fromisoformat(standing(cleo)["server_ends"].replace("Z", "+00:00"))
    assert timedelta(seconds=280) < ends - clock.now() < timedelta(seconds=301)
    take_back_cleo(hub)
    hub.eventually(lambda: standing(cleo)["status"] == 401, WITHIN)
    new = hub.signed_in("cleo")
    assert hub.api("/fairihub/standing", token).status_code == 401, "nor by what the server has"
    hub.eventually(lambda: not server_of(hub, "cleo"), 20)
    hub.eventually(lambda: bool(stopped(hub)))
    (told,) = stopped(hub)
    assert " server-stopped  cleo  by fairihub  team uc4  uc4.small: it was of before" in told
    assert tokens_of(hub, "cleo") == []
    assert standing(new) == {
        "status": 200,
        "login": "cleo",
        "admitted": True,
        "code": None,
        "message": None,
        "server_ends": None,
    }
    start_server(hub, "cleo")
    end_server(hub, "cleo")


def test_nobody_is_let_back_in_by_a_restart(make: Make) -> None:
    hub = make()
    cleo, bob = hub.signed_in("cleo"), hub.signed_in("bob")
    token = hub.user_token("cleo")
    start_server(hub, "cleo")
    remove_cleo(hub)
    hub.eventually(lambda: hub.api("/user", token).status_code == 403, WITHIN)
    hub.eventually(lambda: standing(cleo)["server_ends"] is not None, WITHIN)
    ends = standing(cleo)["server_ends"]
    hub.end()
    hub.start()
    assert standing(cleo)["code"] == "no-team", "her browser is told as before"
    assert standing(cleo)["server_ends"] == ends, "a restart gives no new grace"
    hub.eventually(lambda: len(tokens_of(hub, "cleo")) == 1)
    hub.end()
    members_are(hub, "ada", "bob", "cleo")
    hub.start()
    assert not cleo.is_in()
    assert hub.api("/user", token).status_code == 403
    assert bob.is_in(), "whoever stayed needs not sign in"
    hub.signed_in("cleo")


def test_who_was_removed_while_the_hub_was_off_is_out(make: Make) -> None:
    hub = make()
    cleo = hub.signed_in("cleo")
    token, link = hub.user_token("cleo"), hub.link("cleo")
    hub.end()
    members_are(hub, "ada", "bob")
    hub.start()
    assert not cleo.is_in()
    hub.eventually(lambda: tokens_of(hub, "cleo") == [], WITHIN)
    hub.eventually(lambda: bool(revoked(hub, "cleo")))
    assert "hub started" in [e for e in hub.audit() if e["action"] == "removed"][-1]["detail"]
    take_back_cleo(hub)
    assert hub.browser().open_link(link).status_code == 403
    hub.signed_in("cleo")
    assert not cleo.is_in()
    assert hub.api("/user", token).status_code == 403


def test_a_server_ends_after_the_grace(make: Make) -> None:
    hub = make(grace=3)
    cleo = hub.signed_in("cleo")
    start_server(hub, "cleo")
    remove_cleo(hub)
    hub.eventually(lambda: standing(cleo)["server_ends"] is not None, 2)
    assert server_of(hub, "cleo").get("ready")
    hub.eventually(lambda: not server_of(hub, "cleo"), 10)
    hub.eventually(lambda: tokens_of(hub, "cleo") == [], WITHIN)
    assert standing(cleo)["server_ends"] is None
    hub.eventually(lambda: bool(stopped(hub)))
    (told,) = stopped(hub)
    assert " server-stopped  cleo  by fairihub  team uc4  uc4.small: its team lets them" in told


def stopped(hub: Hub) -> list[str]:
    """The servers that were ended, as `fairihub audit` shows them."""
    entries = map(Entry.model_validate, hub.audit())
    return [line_of(entry) for entry in entries if entry.action == "server-stopped"]


def test_without_a_grace_it_ends_at_once(make: Make) -> None:
    hub = make(grace=0)
    hub.signed_in("cleo")
    start_server(hub, "cleo")
    members_are(hub, "ada", "bob")
    hub.eventually(lambda: "the server ends" in hub.log(), WITHIN)
    hub.eventually(lambda: not server_of(hub, "cleo"), 20)


def test_who_leaves_one_team_of_two_loses_its_server_only(make: Make) -> None:
    hub = make(grace=2)
    (hub.teams / "uc5.yaml").write_text(customer_text("uc5", "ada", "cleo"))
    hub.eventually(lambda: "uc5" in hub.snapshot().text)
    cleo = hub.signed_in("cleo")
    token = hub.user_token("cleo")
    answer = hub.api(
        "/users/cleo/server",
        hub.tokens["operator"],
        "POST",
        json={"user_options": {"profile": "uc4.small"}},
        timeout=60,
    )
    assert answer.status_code in (201, 202)
    hub.eventually(lambda: bool(server_of(hub, "cleo").get("ready")), 60)
    members_are(hub, "ada", "bob")
    hub.eventually(lambda: standing(cleo)["server_ends"] is not None, WITHIN)
    told = standing(cleo)
    assert told["admitted"] is True
    assert "team of your server lets you in no more" in told["message"]
    hub.eventually(lambda: not server_of(hub, "cleo"), 15)
    assert cleo.is_in()
    assert hub.api("/user", token).status_code == 200


def test_a_membership_ends_at_midnight(make: Make) -> None:
    hub = make(grace=0)
    today = clock.today()
    text = customer_text("uc4", "ada", "cleo").replace(
        "userName: cleo\n", f'userName: cleo\n    expirationDate: "{today}"\n'
    )
    (hub.teams / "uc4.yaml").write_text(text)
    hub.eventually(lambda: str(today) in hub.snapshot().text)
    cleo = hub.signed_in("cleo")
    token = hub.user_token("cleo")
    start_server(hub, "cleo")
    (hub.data / "days").write_text("1")
    hub.eventually(lambda: hub.api("/user", token).status_code == 403, WITHIN)
    hub.eventually(lambda: not server_of(hub, "cleo"), 20)
    hub.eventually(lambda: tokens_of(hub, "cleo") == [], WITHIN)
    assert not cleo.is_in()
    assert standing(cleo)["code"] == "closed"
    told = [e for e in hub.audit() if e["action"] == "removed" and e["login"] == "cleo"]
    assert [f"ended after {today}" in e["detail"] for e in told] == [True]


def test_signing_out_stands_in_the_log(hub: Hub) -> None:
    bob = hub.signed_in("bob")
    bob.get("/hub/logout")
    assert not bob.is_in()
    hub.eventually(
        lambda: [e["action"] for e in hub.audit() if e["login"] == "bob"][-1] == "signed-out"
    )


def test_who_was_removed_can_make_the_browser_forget(hub: Hub) -> None:
    cleo = hub.signed_in("cleo")
    remove_cleo(hub)
    hub.eventually(lambda: standing(cleo)["admitted"] is False, WITHIN)
    cleo.get("/hub/logout")
    assert standing(cleo)["status"] == 401


def made_for(hub: Hub, login: str) -> list[dict[str, Any]]:
    return [e for e in hub.audit() if e["action"] == "token-made" and e["login"] == login]


def test_each_new_token_stands_in_the_log_and_none_is_shown(hub: Hub) -> None:
    bob = hub.signed_in("bob")
    headers = {"X-XSRFToken": bob.xsrf()}
    wanted = {"note": "Server at /user/bob/", "scopes": ["custom:fairihub:run"], "expires_in": 60}
    made = bob.post("/hub/api/users/bob/tokens", headers=headers, json=wanted).json()
    hub.eventually(lambda: any(e["action"] == "token-made" for e in hub.audit()[-3:]))
    told = made_for(hub, "bob")[-1]
    assert told["detail"].startswith("For custom:fairihub:run, until 20")
    assert told["detail"].endswith("“Server at /user/bob/”")
    assert made["token"] not in (hub.data / "audit.jsonl").read_text()
    start_server(hub, "bob")
    hub.eventually(lambda: "fairihub" in [e["by"] for e in made_for(hub, "bob")])
    assert {e["by"] for e in made_for(hub, "bob")} <= {"bob", "operator", "fairihub"}


def test_a_token_that_was_never_made_is_not_in_the_log(hub: Hub) -> None:
    bob = hub.signed_in("bob")
    headers = {"X-XSRFToken": bob.xsrf()}

    def ask(note: str, seconds: int) -> int:
        wanted = {"note": note, "expires_in": seconds}
        return bob.post("/hub/api/users/bob/tokens", headers=headers, json=wanted).status_code

    # The hub's database hears of those from the second on.
    assert [ask("never", seconds) for seconds in (0, -5, 0)] == [400, 400, 400]
    assert ask("now", 60) == 201
    hub.eventually(lambda: "“now”" in str(made_for(hub, "bob")))
    assert "never" not in str(made_for(hub, "bob"))
    assert "never" not in [token["note"] for token in tokens_of(hub, "bob")]


def test_a_start_that_is_refused_leaves_no_token_in_the_log(hub: Hub) -> None:
    """Else any member could fill it; JupyterHub has made and kept one by then."""
    hub.signed_in("bob")
    end_server(hub, "bob")
    servers = lambda: [e for e in made_for(hub, "bob") if e["by"] == "fairihub"]  # noqa: E731
    token, before = hub.user_token("bob"), len(servers())
    for asked in ({"profile": "landslides.small"}, {"image": "none-such"}) * 3:
        answer = hub.api("/users/bob/server", token, "POST", json=asked)
        assert 400 <= answer.status_code < 500, answer.text
    start_server(hub, "bob", profile="uc4.small")
    hub.eventually(lambda: len(servers()) > before)
    (told,) = servers()[before:]
    assert told["detail"].endswith("“Server at /user/bob/”")


def test_the_file_of_who_is_out_is_private(hub: Hub) -> None:
    remove_cleo(hub)
    kept: Path = hub.data / "removed.json"
    hub.eventually(lambda: kept.exists() and "cleo" in kept.read_text())
    assert kept.stat().st_mode & 0o077 == 0
