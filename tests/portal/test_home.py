"""What the home page says of a server, of teams, and of broken files, and to whom."""

from datetime import date, datetime, timezone

import pytest

from fairihub_core.findings import Finding
from fairihub_core.operators import Operator
from fairihub_core.people import Person
from fairihub_core.resolution import Mismatch
from fairihub_core.snapshot import FileReport, Rival, Snapshot
from fairihub_core.teams import Member, Profile, Team, TeamDirectory
from fairihub_portal.home import HomePage, ServerNow, home_page

TODAY = date(2026, 5, 1)
NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
ERROR = Finding(line=14, severity="error", code="bad-memory", message="no number")
WARNING = Finding(line=2, severity="warning", code="joined", message="joined")
UC1 = Team(
    name="uc1",
    namespace="uc1",
    expires=date(2026, 12, 31),
    members=(
        Member(login="ada", role="admin"),
        Member(login="bob", expires=date(2026, 6, 30)),
    ),
    profiles=(Profile(slug="small", display_name="Small", mem_limit=2**31),),
)
CLOSED = Team(
    name="old",
    namespace="old",
    expires=date(2025, 1, 1),
    members=(Member(login="ada", role="admin"),),
)
BROKEN_UC1 = FileReport(path="teams/uc1.yaml", team="uc1", ok=False, findings=(WARNING, ERROR))
BROKEN_OLD = FileReport(path="teams/old.yaml", team="old", ok=False, findings=(ERROR,))
BROKEN_NEW = FileReport(path="teams/new.yaml", ok=False, findings=(ERROR,))
GOOD = FileReport(path="teams/uc1.yaml", team="uc1", findings=(WARNING,))
SECOND = FileReport(
    path="other/uc1.yaml",
    ok=False,
    findings=tuple(
        Finding(severity="error", code=f"{what}-taken", message="…") for what in ("team", "bucket")
    ),
    rival=Rival(team="uc1"),
)
WRONG = (
    Mismatch(team="uc1", login="bob", expected="1", found="2"),
    Mismatch(team="old", login="bob", expected="1", found="2"),
)

OPERATORS = (
    Operator(login="olga", person=Person(name="olga", id="1", logins=("olga",))),
    Operator(login="countess", person=Person(name="ada", id="42", logins=("ada", "countess"))),
    Operator(login="opal"),
)


def page(login: str, server: ServerNow | None = None, *files: FileReport) -> HomePage:
    directory = TeamDirectory(teams=(UC1, CLOSED), operators=frozenset({"olga"}))
    snapshot = Snapshot(number=1, taken=NOON, directory=directory, files=files)
    return home_page(login, server or ServerNow(), snapshot, TODAY, WRONG, OPERATORS)


def test_a_running_server_is_named_by_its_profile_and_team():
    server = page("ada", ServerNow("running", "uc1.small", NOON)).server
    assert (server.team, server.profile, server.since) == ("uc1", "Small", NOON)
    assert str(server.facts[0]) == "up to 2 GiB"


@pytest.mark.parametrize("choice", [None, "", "uc1", "uc1.gone", "nowhere.small", "..", "small"])
def test_a_profile_that_is_gone_breaks_nothing(choice):
    server = page("ada", ServerNow("running", choice)).server
    assert server.profile is None
    assert server.facts == ()


@pytest.mark.parametrize(
    ("login", "shown"),
    [
        ("ada", [("uc1", "admin", date(2026, 12, 31), ("ada",))]),
        ("bob", [("uc1", "user", date(2026, 6, 30), ("ada",))]),
        ("zoe", []),
    ],
)
def test_open_teams_are_listed_with_their_end(login, shown):
    assert [(m.team, m.role, m.until, m.admins) for m in page(login).memberships] == shown


@pytest.mark.parametrize(
    ("login", "paths"),
    [
        ("olga", ["teams/uc1.yaml", "teams/old.yaml", "teams/new.yaml"]),
        ("ada", ["teams/uc1.yaml"]),  # an admin of a closed team has no say in it
        ("bob", []),
        ("zoe", []),
    ],
)
def test_a_broken_file_is_shown_to_operators_and_to_admins_of_its_team(login, paths):
    shown = page(login, None, BROKEN_UC1, BROKEN_OLD, BROKEN_NEW).broken
    assert [file.path for file in shown] == paths


def test_a_second_file_of_a_team_is_shown_to_its_admins_by_that_alone():
    for login, codes in (("olga", ["team-taken", "bucket-taken"]), ("ada", ["team-taken"])):
        (file,) = page(login, None, GOOD, SECOND).broken
        assert (file.path, file.in_force) == ("other/uc1.yaml", False)
        assert [finding.code for finding in file.findings] == codes
    assert page("bob", None, GOOD, SECOND).broken == ()


def test_a_broken_file_says_where_and_whether_an_earlier_state_is_in_force():
    uc1, new = page("olga", None, BROKEN_UC1, BROKEN_NEW).broken
    assert (uc1.findings, uc1.in_force) == ((ERROR,), True)
    assert (new.findings, new.in_force) == ((ERROR,), False)


def test_a_file_that_was_understood_is_no_news():
    assert page("olga", None, GOOD).broken == ()


@pytest.mark.parametrize(
    ("login", "teams"), [("olga", ["uc1", "old"]), ("ada", ["uc1"]), ("bob", []), ("zoe", [])]
)
def test_logins_of_other_accounts_are_shown_to_whom_they_concern(login, teams):
    assert [wrong.team for wrong in page(login).wrong] == teams


@pytest.mark.parametrize(("login", "teams"), [("olga", ("old", "uc1")), ("ada", ()), ("zoe", ())])
def test_operators_find_every_team(login, teams):
    assert page(login).all_teams == teams


@pytest.mark.parametrize(("login", "logins"), [("olga", ["countess", "opal"]), ("ada", [])])
def test_operators_are_told_of_those_who_are_not_plain_from_the_settings(login, logins):
    assert [operator.login for operator in page(login).operators] == logins
