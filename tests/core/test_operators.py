"""Who the operators are on this hub, and what is said of it."""

from __future__ import annotations

import pytest

from fairihub_core.operators import operators_of
from fairihub_core.people import People, Person, Provider
from fairihub_core.teams import Member

PEOPLE = People(
    persons=(
        Person(name="bob", id="22", logins=("bob", "bobby")),
        Person(name="olga", id="1", logins=("olga",)),
    )
)
FIRST = "whoever does so first is the operator from then on."


@pytest.mark.parametrize(
    ("login", "number", "provider", "remarkable", "said"),
    [
        ("olga", None, "github", False, "is “olga” on this hub, account 1."),
        ("olga", 1, "github", False, "is “olga” on this hub, account 1."),
        ("bobby", None, "github", True, "“bobby” of the settings is “bob” on this hub, account 22"),
        ("countess", 22, "github", True, "is “bob” on this hub, account 22."),
        ("ada", None, "github", True, f"“ada” yet: {FIRST} Safer: say githubId in the settings."),
        ("ada", None, "oidc", True, f"“ada” yet: {FIRST}"),
        ("ada", 42, "github", True, "“ada” yet: only account 42 can."),
        ("olga", 42, "github", True, "“olga” yet: only account 42 can."),
    ],
)
def test_an_operator_who_is_not_plain_from_the_settings_is_told(
    login: str, number: int | None, provider: Provider, remarkable: bool, said: str
) -> None:
    (operator,) = operators_of([Member(login=login, github_id=number)], PEOPLE)
    assert operator.remarkable == remarkable
    assert operator.said(provider).endswith(said) or said in operator.said(provider)


def test_an_operator_is_found_by_the_login_of_the_settings_and_by_their_own() -> None:
    bob, ada = operators_of([Member(login="countess", github_id=22), Member(login="ada")], PEOPLE)
    assert [bob.is_called(name) for name in ("countess", "bob", "bobby", "ada")] == [
        True, True, True, False,
    ]  # fmt: skip
    assert [ada.is_called(name) for name in ("ada", "bob")] == [True, False]
