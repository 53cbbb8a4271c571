"""From logins in team files to hub names: by number, by rename, by claim."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from fairihub_core.people import People, Person
from fairihub_core.resolution import ClaimRules, Grant, Mismatch, mismatches, resolved
from fairihub_core.teams import Member, Right, Team

ADA = Person(name="ada", id="42", logins=("ada", "lovelace"))
BOB = Person(name="bob", id="7", logins=("bob",))
BOTH: frozenset[Right] = frozenset({"notebooks", "environments"})


def listed(said: str) -> Member:
    """`ada`, `ada=42` with a number, `ada*` for an admin, `ada+notebooks` with a right."""
    login, _, right = said.partition("+")
    login, _, number = login.partition("=")
    return Member(
        login=login.removesuffix("*"),
        role="admin" if login.endswith("*") else "user",
        rights=frozenset({right}) if right else frozenset(),
        github_id=int(number) if number else None,
    )


def team(*said: str, name: str = "uc4", claims: bool = False) -> Team:
    return Team(name=name, namespace=name, members=tuple(map(listed, said)), allow_claims=claims)


def people(*persons: Person) -> People:
    return People(persons=persons)


def names(teams: Team, everybody: People) -> list[str]:
    return [m.login for m in resolved([teams], everybody).teams[0].members]


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (["ada"], ["ada"]),
        (["lovelace"], ["ada"]),
        (["lovelace", "ada"], ["ada"]),
        (["cleo"], ["cleo"]),
        (["ada=42"], ["ada"]),
        (["whatever=42"], ["ada"]),
        (["bob=42"], ["ada"]),
        (["cleo=99"], ["cleo"]),
        # Another account than the file says: nobody comes in by that entry.
        (["ada=99"], []),
        (["lovelace=99"], []),
        (["ada=99", "bob"], ["bob"]),
        # A number that somebody has wins over the login next to it.
        (["ada=7"], ["bob"]),
        (["ada=7", "bob=42"], ["bob", "ada"]),
    ],
)
def test_logins_become_hub_names(file: list[str], found: list[str]) -> None:
    assert names(team(*file), people(ADA, BOB)) == found


@pytest.mark.parametrize("file", [["ada"], ["ada=42"], ["lovelace", "ada=1"]])
def test_while_nobody_has_signed_in_the_file_stands_as_it_is(file: list[str]) -> None:
    assert resolved([team(*file)], people()).teams == (team(*file),)


def test_nobody_is_ever_let_in_by_a_number_that_is_not_theirs() -> None:
    """Every entry of two logins and two numbers against every holder of them."""
    for login, number, holder, holds in product(("a", "b"), (None, 1, 2), "12", ("a", "b")):
        person = Person(name=holds, id=holder, logins=(holds,))
        entry = Member(login=login, github_id=number)
        uc4 = Team(name="uc4", namespace="uc4", members=(entry,))
        lets_in = holds in names(uc4, people(person))
        meant = str(number) == holder if number is not None else login == holds
        assert lets_in == meant
        reported = bool(mismatches([uc4], people(person)))
        assert reported == (number is not None and login == holds and not meant)


def test_a_mismatch_names_team_login_and_both_numbers() -> None:
    teams = [team("ada=99", "bob"), team("bob=8", name="urban"), team("ada=42", name="ok")]
    assert mismatches(teams, people(ADA, BOB)) == (
        Mismatch(team="uc4", login="ada", expected="99", found="42"),
        Mismatch(team="urban", login="bob", expected="8", found="7"),
    )


def test_of_two_entries_of_one_person_the_first_counts() -> None:
    (uc4,) = resolved([team("lovelace*", "ada")], people(ADA)).teams
    assert [(m.login, m.role) for m in uc4.members] == [("ada", "admin")]


@pytest.mark.parametrize(
    ("rights_from", "file", "allowed", "found"),
    [
        ("both", ["bob"], True, {"bob": set(), "eve": {"notebooks"}}),
        ("both", ["bob"], False, {"bob": set()}),
        ("claim", ["bob"], True, {"bob": set(), "eve": {"notebooks"}}),
        ("file", ["bob"], True, {"bob": set(), "eve": set()}),
        ("both", ["eve"], True, {"eve": {"notebooks"}}),
        ("both", ["eve"], False, {"eve": set()}),
        ("both", ["eve+environments"], True, {"eve": {"notebooks", "environments"}}),
        ("claim", ["eve+environments"], True, {"eve": {"notebooks"}}),
        ("claim", ["eve+environments"], False, {"eve": set()}),
        ("file", ["eve+environments"], True, {"eve": {"environments"}}),
        ("file", ["eve+environments"], False, {"eve": {"environments"}}),
    ],
)
def test_claims_bring_members_and_rights(
    rights_from: str, file: list[str], allowed: bool, found: dict[str, set[str]]
) -> None:
    grant = {"curators": (Grant(team="uc4", rights=frozenset({"notebooks"})),)}
    rules = ClaimRules.model_validate({"grants": grant, "rights_from": rights_from})
    eve = Person(name="eve", id="5", logins=("eve",), claims=frozenset({"curators", "else"}))
    (uc4,) = resolved([team(*file, claims=allowed)], people(eve), rules=rules).teams
    assert {m.login: set(m.rights) for m in uc4.members} == found
    by_claim = {m.login: m.claims for m in uc4.members if m.claims}
    assert by_claim == ({"eve": ("curators",)} if allowed else {})


def test_several_claims_add_up_and_none_makes_an_admin() -> None:
    rules = ClaimRules(
        grants={
            "a": (Grant(team="uc4", rights=frozenset({"notebooks"})), Grant(team="urban")),
            "b": (Grant(team="uc4", rights=frozenset({"environments"})),),
            "admin": (Grant(team="uc4"), Grant(team="no-such-team")),
        }
    )
    eve = Person(name="eve", id="5", logins=("eve",), claims=frozenset({"a", "b", "admin"}))
    teams = [team(claims=True), team(name="urban", claims=True), team(name="shut")]
    found = resolved(teams, people(eve), rules=rules)
    assert [(t.name, m.role, m.rights) for t in found.teams for m in t.members] == [
        ("uc4", "user", BOTH),
        ("urban", "user", frozenset()),
    ]


def test_a_claim_lets_in_by_hub_name_and_takes_no_role_from_the_file() -> None:
    rules = ClaimRules(grants={"x": (Grant(team="uc4"),)})
    ada = ADA.model_copy(update={"claims": frozenset({"x"})})
    (uc4,) = resolved([team("lovelace*", claims=True)], people(ada), rules=rules).teams
    assert [(m.login, m.role) for m in uc4.members] == [("ada", "admin")]


def test_a_claim_does_not_help_who_the_file_puts_an_end_to() -> None:
    """A membership that has expired by the file is not renewed by a claim."""
    rules = ClaimRules(grants={"x": (Grant(team="uc4"),)})
    ada = ADA.model_copy(update={"claims": frozenset({"x"})})
    ended = Member(login="ada", expires=date(2024, 12, 31))
    uc4 = Team(name="uc4", namespace="uc4", members=(ended,), allow_claims=True)
    (found,) = resolved([uc4], people(ada), rules=rules).teams
    assert not found.admits("ada", date(2026, 6, 1))


@pytest.mark.parametrize(
    ("operators", "found"),
    [
        ([], set()),
        (["ada"], {"ada"}),
        (["lovelace"], {"ada"}),
        (["lovelace", "cleo"], {"ada", "cleo"}),
        (["countess=42"], {"ada"}),
        (["bob=42"], {"ada"}),
        (["cleo=99"], {"cleo"}),
        # Another account than settings say is no operator by that login.
        (["bob=99"], set()),
        (["lovelace=99"], set()),
    ],
)
def test_operators_are_known_as_members_are(operators: list[str], found: set[str]) -> None:
    named = [listed(said) for said in operators]
    assert resolved([], people(ADA, BOB), operators=named).operators == found


def test_while_nobody_has_signed_in_operators_are_as_settings_say() -> None:
    named = [listed("ada"), listed("bob=7")]
    assert resolved([], people(), operators=named).operators == {"ada", "bob"}
