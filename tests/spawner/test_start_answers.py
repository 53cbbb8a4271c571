"""What the hub answers on the last start of a server, and on its log: to whom, and what."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from fairihub_core.starts import Start
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.start_handlers import MOST_LINES, USUAL_LINES, lines_in, may_see_start
from tests.support.waiting import eventually

from .conftest import Hub, team

UC4 = team("uc4", "ada bob", small={}, lost={"secret_names": ("nowhere",)})
UC5 = team("uc5", "cleo dan", small={})
DIRECTORY = TeamDirectory(teams=(UC4, UC5), operators=frozenset({"olga"}))


@pytest.fixture(scope="module", autouse=True)
def _teams(hub: Hub) -> None:
    hub.teams.write_text(DIRECTORY.model_dump_json())


@pytest.fixture(scope="module")
def tokens(hub: Hub) -> dict[str, str]:
    """A token of each person, and one of bob's that is limited."""
    made = {}
    for login in ("ada", "bob", "cleo", "olga"):
        hub.call("POST", f"/hub/api/users/{login}")
        made[login] = _token(hub, login)
    made["limited"] = _token(hub, "bob", scopes=["access:services!service=catalog"])
    return made


def _token(hub: Hub, login: str, **body: Any) -> str:
    status, answer = hub.call("POST", f"/hub/api/users/{login}/tokens", {"note": "x", **body})
    assert status == 201, answer
    return str(answer["token"])


@pytest.fixture
def ask(hub: Hub, tokens: dict[str, str]) -> Any:
    def asked(who: str, path: str, method: str = "GET") -> tuple[int, Any]:
        given = {"Authorization": f"token {tokens[who]}"} if who in tokens else {}
        headers = given or {"Authorization": "" if who == "nobody" else f"token {who}"}
        return hub.call(method, f"/hub/api/fairihub/{path}", **headers)

    return asked


@pytest.fixture(scope="module")
def _failed(hub: Hub, tokens: dict[str, str]) -> None:
    """Bob's start failed: the secret of the profile is not there."""
    status, _ = hub.start("bob", {"profile": "lost"})
    assert status >= 400
    assert eventually(lambda: hub.server("bob") is None)


@pytest.mark.usefixtures("_failed")
@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("bob", 200, None),
        ("ada", 200, None),
        ("olga", 200, None),
        ("cleo", 404, "no-such-start"),
        ("limited", 403, "no-scope"),
        ("only-for-these-tests", 403, "not-a-person"),
        ("nobody", 401, "signed-out"),
    ],
)
def test_the_last_start_is_told_to_its_owner_the_teams_admins_and_operators(ask, who, status, code):
    found, answer = ask(who, "starts/bob")
    assert (found, answer.get("code")) == (status, code)
    if status == 200:
        assert set(answer) == set(Start.model_fields)
        assert (answer["state"], answer["profile"]) == ("failed", "uc4.lost")
        diagnosis = answer["diagnosis"]
        assert (diagnosis["code"], diagnosis["who"]) == ("no-secret", "operator")
        assert diagnosis["final"]
        assert "nowhere" in diagnosis["detail"]
    else:
        assert "message" in answer


@pytest.mark.parametrize("name", ["cleo", "nobody-at-all", "a%20b", "a" * 300])
def test_there_is_nothing_to_tell_of_what_never_started(ask, name):
    assert ask("olga", f"starts/{name}")[1]["code"] == "no-such-start"
    assert ask("ada", f"starts/{name}")[1] == ask("olga", f"starts/{name}")[1]


def test_a_running_server_started_well_and_its_owner_reads_its_log(hub, ask):
    hub.started("ada", {"profile": "small"})
    status, answer = ask("ada", "starts/ada")
    assert (status, answer["state"], answer["diagnosis"]) == (200, "ready", None)
    assert ask("ada", "servers/ada/log?lines=2")[1] == {
        "lines": ["line 28", "line 29"],
        "whole": False,
    }
    assert ask("ada", "servers/ADA/log")[1]["whole"]
    for who in ("bob", "olga", "cleo"):
        assert ask(who, "servers/ada/log") == ask(who, "servers/nobody-at-all/log")
        assert ask(who, "servers/ada/log")[1]["code"] == "no-such-server"
    assert ask("nobody", "servers/ada/log")[1]["code"] == "signed-out"
    assert ask("limited", "servers/bob/log")[1]["code"] == "no-scope"
    written = hub.log.read_text()
    assert "200 GET /hub/api/fairihub/servers/ada/log" in written
    assert "ServerLogHandler" not in written, "no traceback of it"


def test_a_cluster_that_is_away_is_no_defect(hub, ask):
    away = hub.places.data / "log-away"
    away.touch()
    status, answer = ask("ada", "servers/ada/log")
    away.unlink()
    assert (status, answer["code"]) == (503, "cluster-unreachable")
    hub.stop("ada")
    status, answer = ask("ada", "servers/ada/log")
    assert (status, answer["code"]) == (404, "no-server-log")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["starts/bob", "servers/bob/log"])
def test_nothing_can_be_changed_there(ask, method, path):
    assert ask("bob", path, method)[0] == 405


@pytest.mark.parametrize(
    ("query", "lines"),
    [({}, USUAL_LINES), ({"lines": [b"1"]}, 1), ({"lines": [b"5000"], "_xsrf": [b"x"]}, 5000)],
)
def test_the_number_of_lines_is_asked_for(query, lines):
    assert lines_in(query) == lines


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"lines": [value]}, "bad-query")
        for value in (b"0", b"5001", b"-1", b"1e3", b"x", b"", b"9" * 5000, "٣".encode(), b"\xff")
    ]
    + [({"lines": [b"1", b"2"]}, "bad-query"), ({"follow": [b"1"]}, "unknown-parameter")],
)
def test_a_number_that_is_none_is_refused(query, code):
    with pytest.raises(Exception, match="lines") as refused:
        lines_in(query)
    assert refused.value.code == code
    assert MOST_LINES == 5000


@pytest.mark.parametrize(
    ("caller", "profile", "may"),
    [
        ("bob", "uc4.small", True),
        ("ada", "uc4.small", True),
        ("olga", "uc4.small", True),
        ("olga", "", True),
        ("ada", "uc5.small", False),
        ("ada", "", False),
        ("cleo", "uc4.small", False),
        ("dan", "uc4.small", False),
    ],
)
def test_a_start_belongs_to_the_team_that_it_was_for(caller, profile, may):
    began = datetime(2026, 5, 1, tzinfo=timezone.utc)
    start = Start(server="", profile=profile, began=began, state="failed")
    assert may_see_start(caller, "bob", start, DIRECTORY) == may
