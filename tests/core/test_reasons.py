"""Why a login gets in or does not, with the place in the file that decided."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from fairihub_core.findings import Finding
from fairihub_core.people import People, Person
from fairihub_core.reasons import Explanation, explained, findings_of, rivals_of
from fairihub_core.resolution import ClaimRules, Grant, resolved
from fairihub_core.snapshot import NAME_TAKEN, FileReport, Place, Rival, Snapshot
from fairihub_core.teams import Member, Team, TeamDirectory

TODAY = date(2026, 6, 1)
PAST = date(2024, 12, 31)
SINCE = datetime(2026, 5, 1, 8, 30, tzinfo=timezone.utc)
COMMIT = "0123456789abcdef0123"

TEAMS = (
    Team(
        name="uc4",
        namespace="uc4",
        allow_claims=True,
        members=(
            Member(login="ada", role="admin"),
            Member(login="bob", rights=frozenset({"notebooks"})),
            Member(login="lovelace2", github_id=43),
            Member(login="gone", expires=PAST),
        ),
    ),
    Team(name="old", namespace="old", expires=PAST, members=(Member(login="bob"),)),
    Team(name="shaky", namespace="shaky", members=(Member(login="cleo"),)),
)
FILES = (
    FileReport(
        path="teams/uc4.yaml",
        team="uc4",
        revision=COMMIT,
        lines={
            "ada": 11,
            "bob": 13,
            "lovelace2": 15,
            "gone": 17,
            "allowedLogins": 10,
            "allowClaims": 9,
        },
    ),
    FileReport(path="teams/old.yaml", team="old", lines={"bob": 9, "expirationDate": 6}),
    FileReport(path="teams/shaky.yaml", team="shaky", ok=False, since=SINCE, lines={"cleo": 7}),
    FileReport(
        path="teams/broken.yaml",
        ok=False,
        revision=COMMIT,
        read="fedcba9876543210",
        findings=(Finding(line=3, severity="error", code="broken-yaml", message="Not YAML."),),
    ),
)
PEOPLE = People(
    persons=(
        Person(name="ada2", id="43", logins=("ada2",)),
        Person(name="eve", id="5", logins=("eve",), claims=frozenset({"x"})),
        Person(name="gil", id="6", logins=("gil",), claims=frozenset({"y"})),
    )
)
RULES = ClaimRules(
    grants={
        "x": (Grant(team="uc4", rights=frozenset({"environments"})),),
        "y": (Grant(team="uc4"),),
    }
)


@pytest.fixture
def why() -> object:
    directory = resolved(TEAMS, PEOPLE, rules=RULES, operators=[Member(login="olga")])
    snapshot = Snapshot(number=1, taken=SINCE, directory=directory, files=FILES)

    def ask(login: str, team: str | None = None, written: str | None = None) -> Explanation:
        return explained(login, snapshot, TODAY, team, written)

    return ask


def grounds(explanation: Explanation) -> list[tuple[str, bool, str, str]]:
    return [(g.team, g.admitted, g.said, str(g.place)) for g in explanation.grounds]


@pytest.mark.parametrize(
    ("login", "admitted", "said", "found"),
    [
        (
            "ada", True, "“ada” comes in.",
            [("uc4", True, "Listed as admin, curates environments, notebooks.",
              "teams/uc4.yaml, line 11, at 0123456789ab")],
        ),
        (
            "bob", True, "“bob” comes in.",
            [("uc4", True, "Listed as user, curates notebooks.",
              "teams/uc4.yaml, line 13, at 0123456789ab"),
             ("old", False, "Team “old” closed after 2024-12-31.", "teams/old.yaml, line 6")],
        ),
        (
            "gone", False, "Membership of “uc4” ended after 2024-12-31.",
            [("uc4", False, "Membership of “uc4” ended after 2024-12-31.",
              "teams/uc4.yaml, line 17, at 0123456789ab")],
        ),
        (
            "cleo", True, "“cleo” comes in.",
            [("shaky", True, "Listed as user. (The file has an error since 2026-05-01 08:30 UTC; "
              "this is its last good state.)", "teams/shaky.yaml, line 7")],
        ),
        (
            "eve", True, "“eve” comes in.",
            [("uc4", True, "A member by the claim value “x”, as settings grant it, curates "
              "environments.", "teams/uc4.yaml, line 9, at 0123456789ab")],
        ),
        (
            "gil", True, "“gil” comes in.",
            [("uc4", True, "A member by the claim value “y”, as settings grant it.",
              "teams/uc4.yaml, line 9, at 0123456789ab")],
        ),
        ("olga", True, "“olga” comes in as an operator of the hub.", []),
        (
            "mallory", False,
            "No team lists “mallory”. Ask a team's admin to add this login.", [],
        ),
    ],
)  # fmt: skip
def test_by_every_team_that_lists_the_login(login, admitted, said, found, why):
    explanation = why(login)
    assert (explanation.login, explanation.admitted, explanation.said) == (login, admitted, said)
    assert grounds(explanation) == found


@pytest.mark.parametrize("team", [None, "uc4", "nowhere"])
def test_a_login_that_no_file_can_name_is_told_as_that(team, why):
    explanation = why("dörte", team)
    assert not explanation.admitted
    assert explanation.said.startswith("This hub cannot use the login “dörte”: a login has")
    assert "renamed where you sign in" in explanation.said
    assert "login_claim" not in explanation.said, "which hubs with links or GitHub do not have"


def test_the_place_is_where_the_file_writes_the_login(why):
    (ground,) = why("ada2", written="lovelace2").grounds
    assert ground.place == Place(path="teams/uc4.yaml", line=15, revision=COMMIT)
    assert ground.said == "Listed as user."


def test_who_comes_in_by_several_claims_is_told_by_which():
    eve = PEOPLE.persons[1].model_copy(update={"claims": frozenset({"y", "x", "else"})})
    directory = resolved(TEAMS, People(persons=(eve,)), rules=RULES)
    snapshot = Snapshot(number=1, taken=SINCE, directory=directory, files=FILES)
    (ground,) = explained("eve", snapshot, TODAY).grounds
    by = "A member by the claim values “x”, “y”, as settings grant it, curates environments."
    assert (ground.said, ground.place.line) == (by, 9)


def test_no_claim_brings_anybody_where_the_file_allows_none():
    teams = (Team(name="old", namespace="old", members=(Member(login="dan"),)),)
    directory = TeamDirectory(teams=teams)
    snapshot = Snapshot(number=1, taken=SINCE, directory=directory, files=FILES)
    (ground,) = explained("dan", snapshot, TODAY).grounds
    assert ground.said == "Listed as user."


@pytest.mark.parametrize(
    ("login", "team", "admitted", "said", "found"),
    [
        (
            "bob", "uc4", True, "Team “uc4” lets “bob” in.",
            [("uc4", True, "Listed as user, curates notebooks.",
              "teams/uc4.yaml, line 13, at 0123456789ab")],
        ),
        (
            "ada", "old", False,
            "Team “old” does not let “ada” in, but “ada” comes in without it.",
            [("old", False, "“ada” is not in allowedLogins.", "teams/old.yaml")],
        ),
        (
            "mallory", "uc4", False, "Team “uc4” does not let “mallory” in.",
            [("uc4", False, "“mallory” is not in allowedLogins, and no claim brings them in.",
              "teams/uc4.yaml, line 10, at 0123456789ab")],
        ),
        (
            "bob", "old", False,
            "Team “old” does not let “bob” in, but “bob” comes in without it.",
            [("old", False, "Team “old” closed after 2024-12-31.", "teams/old.yaml, line 6")],
        ),
        (
            "ada", "uc5", False,
            "Team “uc5” does not let “ada” in, but “ada” comes in without it.",
            [("uc5", False, "There is no team “uc5”.", "None"),
             ("uc5", False, "This file cannot be taken in: Not YAML.",
              "teams/broken.yaml, line 3, at fedcba987654")],
        ),
    ],
)  # fmt: skip
def test_by_one_team(login, team, admitted, said, found, why):
    explanation = why(login, team)
    assert (explanation.admitted, explanation.said) == (admitted, said)
    assert grounds(explanation) == found


def test_of_two_repositories_the_place_says_which():
    team = Team(name="uc4", namespace="uc4", members=(Member(login="ada"),))
    said = Finding(line=4, severity="warning", code="unknown-key", message="Unknown key.")
    taken = Finding(severity="error", code=NAME_TAKEN, message="Taken.")
    files = (
        FileReport(path="c/uc4.yaml", source="geo", team="uc4", lines={"ada": 3}, findings=(said,)),
        FileReport(
            path="c/uc4.yaml", source="bio", ok=False, findings=(taken,),
            rival=Rival(team="uc4", lines={"ada": 7}),
        ),
    )  # fmt: skip
    directory = TeamDirectory(teams=(team,))
    snapshot = Snapshot(number=1, taken=SINCE, directory=directory, files=files)
    found = (
        *explained("ada", snapshot, TODAY).grounds,
        *findings_of("uc4", snapshot),
        *rivals_of("ada", {"ada"}, None, snapshot),
    )
    places = ["geo: c/uc4.yaml, line 3", "geo: c/uc4.yaml, line 4", "bio: c/uc4.yaml, line 7"]
    assert [str(ground.place) for ground in found] == places


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(path="a.yaml"), "a.yaml"),
        (Place(path="a.yaml", line=3), "a.yaml, line 3"),
        (Place(path="a.yaml", revision=COMMIT), "a.yaml, at 0123456789ab"),
        (Place(source="geo", path="a.yaml", line=3), "geo: a.yaml, line 3"),
        (Place(source="/teams", path="/teams/a.yaml"), "/teams/a.yaml"),
        (Place(source="/a.yaml", path="/a.yaml"), "/a.yaml"),
    ],
)
def test_a_place_in_words(place, text):
    assert str(place) == text
