"""Who is told what of why somebody comes in or not."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from fairihub_auth.accounts import Accounts, forgotten
from fairihub_auth.arrivals import Arrived
from fairihub_auth.audit_access import Wanted
from fairihub_auth.explaining import why
from fairihub_core.audit import Entry
from fairihub_core.errors import Unavailable
from fairihub_core.findings import Finding
from fairihub_core.hub_callers import Caller
from fairihub_core.operators import Operator
from fairihub_core.people import People, Person, Provider
from fairihub_core.reasons import Explanation
from fairihub_core.resolution import HUB, ClaimRules, Grant, Mismatch
from fairihub_core.snapshot import FileReport, Rival, Snapshot
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


CLEO = Member(login="cleo", claims=("/open",))
OPEN = Team(name="open", namespace="open", allow_claims=True, members=(CLEO,))
CLAIMED = SNAPSHOT.model_copy(
    update={
        "directory": TeamDirectory(teams=(RIVERS, LAKES, OPEN), operators=frozenset({"olga"})),
        "files": (*FILES, FileReport(path="open.yaml", team="open", lines={"allowClaims": 4})),
    }
)
RULES = ClaimRules(
    grants={
        "/open": (Grant(team="open"),),
        "/lakes": (Grant(team="lakes"), Grant(team="seas")),
    }
)


def claimed(by: str, login: str, values: str, team: str | None = None) -> list[str]:
    """What `by` is told of `login`, of whom the provider said `values` last."""
    cleo = Person(name="cleo", id="s1", logins=("cleo",), claims=frozenset({"/open"}))
    arrived = Arrived(NOW, tuple(values.split()))
    accounts = Accounts("oidc", People(persons=(cleo,)), rules=RULES, arrived=lambda name: arrived)
    return lines(why(Caller(by, whole=True), login, team, CLAIMED, NOW.date(), accounts=accounts))


LOG = tuple(
    Entry(at=NOW.replace(hour=hour), action="removed", login=login, team=team, by=by, detail=detail)
    for hour, login, team, by, detail in (
        (14, "bob", "rivers", "team files", "Listed no more. rivers.yaml, at dcca24c"),
        (13, "bob", "lakes", "team files", "Listed no more. lakes.yaml"),
        (12, "bob", "rivers", "team files", "Listed no more. rivers.yaml, at 0000000"),
        (11, "bob", "seas", "team files", "The team is gone. seas.yaml"),
        (11, "gil", "lakes", "bob", "Listed no more. lakes.yaml"),
        (10, "carla", "rivers", "team files", "Listed no more. rivers.yaml"),
    )
)


def audit(wanted: Wanted) -> list[Entry]:
    assert wanted.action == "removed"
    return [
        entry
        for entry in LOG
        if wanted.login in (entry.login, entry.by)
        and (wanted.teams is None or entry.team in wanted.teams)
    ]


def told(
    by: str, login: str, team: str | None = None, provider: Provider = "github"
) -> Explanation:
    accounts = Accounts(provider, PEOPLE, MISMATCHES, bearer={"countess": "ada"}.get)
    caller = Caller(by, is_service=by == "cli", whole=True)
    return why(caller, login, team, SNAPSHOT, NOW.date(), accounts=accounts, audit=audit)


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
    unlisted = "“countess” is “ada” on this hub (account 1001). “ada” comes in."
    assert lines(told(by, "countess")) == [unlisted, LISTED, REFUSED]


def test_only_a_team_that_lists_the_login_is_told_of_accounts() -> None:
    assert lines(told("lars", "ada")) == ["None of your teams lists “ada”."]
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


@pytest.mark.parametrize("login", ["ada", "adalove", "countess", "carla", "nobody", "long-gone"])
@pytest.mark.parametrize("team", [None, "rivers", "nothing"])
def test_an_admin_learns_no_more_of_other_teams_than_of_none(login: str, team: str | None) -> None:
    answer = told("lars", login, team)
    unknown = told("lars", "stranger", "nowhere" if team else None).model_dump_json()
    unknown = unknown.replace("stranger", login).replace("nowhere", team or "")
    assert answer.model_dump_json() == unknown


SAID = ": At 2026-11-21 14:05 UTC the provider said in the claim: "


def test_who_comes_in_by_a_claim_is_told_with_it() -> None:
    _, by_claim, arrived = claimed("olga", "cleo", "/open staff")
    member = "open: A member by the claim value “/open”, as settings grant it."
    assert (by_claim, arrived) == (f"{member} (open.yaml, line 4)", f"{SAID}“/open”, “staff”.")
    assert claimed("cleo", "cleo", "/open") == ["“cleo” comes in.", member]


@pytest.mark.parametrize(
    ("values", "grounds"),
    [
        ("", [": At 2026-11-21 14:05 UTC the provider said nothing in the claim, or had ended "
              "the session."]),
        ("open lakes", [f"{SAID}“open”, “lakes”. The settings map none of these to a team "
                        "(`grants`)."]),
        ("/lakes", [f"{SAID}“/lakes”.",
                    "lakes: “/lakes” is mapped to this team, but its file does not say "
                    "allowClaims: true. (lakes.yaml)",
                    "seas: “/lakes” is mapped to this team, and there is none of this name."]),
    ],
)  # fmt: skip
def test_operators_learn_what_arrived_and_why_it_counts_for_nothing(
    values: str, grounds: list[str]
) -> None:
    assert claimed("olga", "mona", values)[1:] == grounds
    by_team = claimed("olga", "mona", values, "lakes")
    assert [g for g in grounds if not g.startswith("seas")] == [by_team[0], *by_team[2:]][1:]
    for by in ("lars", "rita"):
        assert claimed(by, "mona", values)[1:] == []


# --- operators ---

OPERATORS = (
    Operator(login="adalove", person=PEOPLE.persons[0]),
    Operator(login="dora", account="7"),
    Operator(login="olga", person=Person(name="olga", id="1", logins=("olga",))),
    Operator(login="opal"),
)
TRIED = (
    Mismatch(team=HUB, login="adalove", expected="1001", found="2001"),
    Mismatch(team=HUB, login="dora", expected="7", found="2002"),
)


def told_of_operators(by: str, login: str, team: str | None = None) -> list[str]:
    accounts = Accounts("github", PEOPLE, TRIED, operators=OPERATORS)
    caller = Caller(by, whole=True)
    return lines(why(caller, login, team, SNAPSHOT, NOW.date(), accounts=accounts))[1:]


ADALOVE = ": The operator “adalove” of the settings is “ada” on this hub, account 1001."


@pytest.mark.parametrize(
    ("login", "told"),
    [
        ("ada", [ADALOVE,
                 ": Account 2001 was refused as “adalove”: this login is pinned to account 1001. "
                 "If the person has a new account: fairihub unpin adalove; or say githubId in the "
                 "setting `operators`."]),
        ("dora", [": Nobody has signed in as the operator “dora” yet: only account 7 can.",
                  ": Account 2002 gets nothing by “dora”: the setting `operators` says githubId 7. "
                  "If the person has another account, mend it there."]),
        ("olga", []),
        ("opal", [": Nobody has signed in as the operator “opal” yet: whoever does so first is the "
                  "operator from then on. Safer: say githubId in the settings."]),
    ],
)  # fmt: skip
def test_operators_learn_who_the_operators_are(login: str, told: list[str]) -> None:
    assert [g for g in told_of_operators("olga", login) if g.startswith(":")] == told
    assert [g for g in told_of_operators("olga", login, "rivers") if g.startswith(":")] == []
    for by in ("rita", "lars"):
        assert [g for g in told_of_operators(by, login) if g.startswith(":")] == []


def test_who_forgets_an_operator_is_told_whose_the_login_is_then() -> None:
    accounts = Accounts("github", PEOPLE, TRIED, operators=OPERATORS)
    told = forgotten(PEOPLE.persons[0], accounts, SNAPSHOT.directory)
    assert told.waiting == ("2001",)
    assert told.said.endswith(
        "Whoever signs in first as “adalove” is an operator then. "
        "Safer: say githubId in the settings, and no other account comes in."
    )


# --- an account that is forgotten ---


def test_what_is_forgotten_and_who_waits_is_said() -> None:
    ada = PEOPLE.persons[0]
    told = forgotten(ada, Accounts("github", PEOPLE, MISMATCHES), SNAPSHOT.directory)
    assert (told.login, told.account, told.waiting) == ("ada", "1001", ("2001",))
    assert told.said == (
        "“ada” is pinned to account 1001 no more; the next sign-in pins it anew. "
        "Refused until now, and waiting: account 2001. "
        "Safer: say githubId in the team file, and no other account comes in."
    )


def test_nobody_waits_whom_the_file_does_not_mean() -> None:
    dora = Person(name="dora", id="5", logins=("dora",))
    told = forgotten(dora, Accounts("oidc", PEOPLE, MISMATCHES), SNAPSHOT.directory)
    assert (told.account, told.waiting) == ("5", ())
    assert told.said.endswith("the next sign-in pins it anew.")


# --- who was removed ---

RIVERS_LEFT = (
    "rivers: Removed from rivers on 2026-11-21 14:05 UTC: Listed no more. rivers.yaml, at dcca24c"
)
LAKES_LEFT = "lakes: Removed from lakes on 2026-11-21 13:05 UTC: Listed no more. lakes.yaml"
SEAS_LEFT = "seas: Removed from seas on 2026-11-21 11:05 UTC: The team is gone. seas.yaml"


@pytest.mark.parametrize(
    ("by", "team", "removals"),
    [
        ("olga", None, [RIVERS_LEFT, LAKES_LEFT, SEAS_LEFT]),
        ("cli", "rivers", [RIVERS_LEFT]),
        ("olga", "seas", [SEAS_LEFT]),
        ("rita", None, [RIVERS_LEFT]),
        ("rita", "rivers", [RIVERS_LEFT]),
        ("rita", "lakes", []),
        ("lars", None, [LAKES_LEFT]),
    ],
)
def test_when_somebody_was_removed_is_told_to_those_who_look_after_the_team(
    by: str, team: str | None, removals: list[str]
) -> None:
    assert [g for g in lines(told(by, "bob", team)) if "Removed" in g] == removals


def test_who_is_listed_again_was_not_removed() -> None:
    assert len(lines(told("olga", "carla"))) == 2


def test_while_the_records_are_away_the_rest_is_told() -> None:
    def away(wanted: Wanted) -> list[Entry]:
        raise Unavailable("records-away", "Away.")

    olga = Caller("olga", whole=True)
    answer = why(olga, "bob", None, SNAPSHOT, NOW.date(), accounts=Accounts(), audit=away)
    assert (answer.admitted, answer.grounds) == (False, ())


# --- a second file of a team ---

TAKEN = tuple(
    Finding(severity="error", code=f"{what}-taken", message=f"The {what} is another's.")
    for what in ("team", "bucket")
)
RIVAL = FileReport(
    path="second.yaml",
    team="lakes",
    ok=False,
    findings=TAKEN,
    read="fedcba9876543210",
    lines={"lars": 5},
    rival=Rival(team="rivers", lines={"ada": 20, "evil": 22}),
)
SECOND = "rivers: A second file defines this team, and counts for nothing. "
BY_NAME = "The team is another's. (second.yaml, line 2{}, at fedcba987654)"


@pytest.mark.parametrize(
    ("login", "team", "said"),
    [
        ("ada", None, f"{SECOND}It lists “ada”. {BY_NAME.format(0)}"),
        ("ada", "rivers", f"{SECOND}It lists “ada”. {BY_NAME.format(0)}"),
        ("evil", None, f"{SECOND}It lists “evil”. {BY_NAME.format(2)}"),
        ("evil", "rivers", f"{SECOND}It lists “evil”. {BY_NAME.format(2)}"),
        ("carla", None, f"{SECOND}The team is another's. (second.yaml, at fedcba987654)"),
        ("mona", "rivers", f"{SECOND}The team is another's. (second.yaml, at fedcba987654)"),
        ("mona", None, None),
        ("ada", "lakes", None),
        ("ada", "seas", None),
    ],
)
def test_a_second_file_is_told_to_those_who_look_after_the_team(
    login: str, team: str | None, said: str | None
) -> None:
    snapshot = SNAPSHOT.model_copy(update={"files": (FILES[0], RIVAL)})

    def second(by: str) -> list[str]:
        caller = Caller(by, whole=True)
        answer = why(caller, login, team, snapshot, NOW.date(), accounts=Accounts())
        return [g for g in lines(answer) if g.startswith(SECOND)]

    assert second("olga") == second("rita") == ([said] if said else [])
    assert second("lars") == []
    if login == "ada":
        assert second("ada") == []


def test_an_admin_learns_of_a_file_of_another_team_only_that_it_wants_theirs() -> None:
    snapshot = SNAPSHOT.model_copy(update={"files": (FILES[0], RIVAL)})
    rita = Caller("rita", whole=True)
    for team in ("rivers", "lakes", None):
        answer = why(rita, "ada", team, snapshot, NOW.date(), accounts=Accounts())
        assert not any("bucket" in g or g.startswith("lakes: Error") for g in lines(answer))


# --- what is wrong with the file ---


def test_of_one_team_the_findings_of_its_file_are_told_to_those_who_look_after_it() -> None:
    codes = ("warning unknown-key", "info other-kind", "warning another-person", "error bad-flag",
             "warning bad-url", "warning expired")  # fmt: skip
    findings = tuple(
        Finding(line=n, severity=code.split()[0], code=code.split()[1], message=f"{code}.")
        for n, code in enumerate(codes, 1)
    )
    report = FILES[0].model_copy(update={"findings": findings})
    snapshot = SNAPSHOT.model_copy(update={"files": (report, FILES[1])})

    def said(by: str, team: str | None) -> list[str]:
        caller = Caller(by, whole=True)
        answer = why(caller, "carla", team, snapshot, NOW.date(), accounts=Accounts())
        return lines(answer)[2:]

    for by in ("olga", "rita"):
        assert said(by, "rivers") == [
            "rivers: Error in the file: error bad-flag. (rivers.yaml, line 4)",
            "rivers: Warning in the file: warning unknown-key. (rivers.yaml, line 1)",
            "rivers: Warning in the file: warning bad-url. (rivers.yaml, line 5)",
        ]
        assert said(by, None) == []
    assert said("carla", "rivers") == []
