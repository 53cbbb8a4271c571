"""Who is told what of why somebody comes in or not."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from fairihub_auth.accounts import Accounts
from fairihub_auth.deciding import Caller
from fairihub_auth.explaining import why
from fairihub_core.people import People, Person, Provider
from fairihub_core.reasons import Explanation
from fairihub_core.resolution import Mismatch
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Member, Team, TeamDirectory

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=timezone.utc)

RIVERS = Team(
    name="rivers",
    namespace="rivers",
    members=(Member(login="rita", role="admin"), Member(login="ada"), Member(login="carla")),
)
LAKES = Team(
    name="lakes",
    namespace="lakes",
    members=(Member(login="lars", role="admin"), Member(login="dora", github_id=5)),
)
FILES = (
    FileReport(path="rivers.yaml", team="rivers", lines={"rita": 5, "ada": 6, "carla": 7}),
    FileReport(path="lakes.yaml", team="lakes", lines={"lars": 5, "dora": 6}),
)
SNAPSHOT = Snapshot(
    number=1,
    taken=NOW,
    directory=TeamDirectory(teams=(RIVERS, LAKES), operators=frozenset({"olga"})),
    files=FILES,
)
PEOPLE = People(
    persons=(
        Person(name="ada", id="1001", logins=("ada", "adalove")),
        Person(name="gone", id="1003", logins=("gone", "long-gone")),
    )
)
MISMATCHES = (
    Mismatch(team="rivers", login="ada", expected="1001", found="2001"),
    Mismatch(team="lakes", login="dora", expected="5", found="2002"),
)


def told(
    by: str, login: str, team: str | None = None, provider: Provider = "github"
) -> Explanation:
    accounts = Accounts(provider, PEOPLE, MISMATCHES)
    caller = Caller(by, is_service=by == "cli", whole=True)
    return why(caller, login, team, SNAPSHOT, NOW.date(), accounts=accounts)


def lines(explanation: Explanation) -> list[str]:
    """As `fairihub why` prints them."""
    grounds = [
        f"{g.team}: {g.said}{f' ({g.place})' if g.place else ''}" for g in explanation.grounds
    ]
    return [explanation.said, *grounds]


LISTED = "rivers: Listed as user. (rivers.yaml, line 6)"
REFUSED = (
    "rivers: Account 2001 was refused as “ada”: this login is pinned to account 1001. "
    "If the person has a new account: fairihub unpin ada; or say githubId in the file. "
    "(rivers.yaml, line 6)"
)


@pytest.mark.parametrize("by", ["olga", "cli", "rita"])
def test_a_login_that_another_account_took_is_told_with_both_numbers(by: str) -> None:
    known = "“ada” comes in. This hub knows “ada” as account 1001."
    assert lines(told(by, "ada")) == [known, LISTED, REFUSED]
    renamed = "“adalove” is “ada” on this hub (account 1001). “ada” comes in."
    assert lines(told(by, "adalove")) == [renamed, LISTED, REFUSED]


def test_only_a_team_that_lists_the_login_is_told_of_accounts() -> None:
    assert lines(told("lars", "ada")) == [
        "No team lists “ada”. Ask a team's admin to add this login."
    ]
    assert lines(told("ada", "ada")) == ["“ada” comes in.", "rivers: Listed as user."]
    assert REFUSED not in lines(told("olga", "ada", "lakes"))


def test_a_number_of_the_file_is_mended_in_the_file() -> None:
    assert lines(told("lars", "dora"))[-1] == (
        "lakes: Account 2002 gets nothing by “dora”: the file says githubId 5. If the person has "
        "another account, mend it there. (lakes.yaml, line 6)"
    )


def test_only_github_has_a_github_id() -> None:
    assert lines(told("olga", "ada", provider="oidc"))[-1] == (
        REFUSED.replace("; or say githubId in the file", "")
    )


def test_operators_learn_of_accounts_that_no_team_lists() -> None:
    assert told("olga", "long-gone").said == (
        "“long-gone” is “gone” on this hub (account 1003). "
        "No team lists “gone”. Ask a team's admin to add this login."
    )


@pytest.mark.parametrize("login", ["ada", "adalove", "carla", "nobody", "long-gone"])
@pytest.mark.parametrize("team", [None, "rivers", "nothing"])
def test_an_admin_learns_no_more_of_other_teams_than_of_none(login: str, team: str | None) -> None:
    answer = told("lars", login, team)
    unknown = told("lars", "stranger", "nowhere" if team else None).model_dump_json()
    unknown = unknown.replace("stranger", login).replace("nowhere", team or "")
    assert answer.model_dump_json() == unknown
