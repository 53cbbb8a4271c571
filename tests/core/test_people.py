"""Who an identity is: by the provider's number, never by a login alone."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from pydantic import ValidationError

from fairihub_core.people import AnotherPerson, Identity, People, Person

CLAIMS = frozenset({"curators"})


def person(name: str, number: str, *later: str) -> Person:
    return Person(name=name, id=number, logins=(name, *later))


ADA = person("ada", "42")
BOB = person("bob", "7", "robert")
PEOPLE = People(persons=(ADA, BOB))


@pytest.mark.parametrize(
    ("identity", "recognised"),
    [
        (Identity("42", "ada"), ADA),
        (Identity("99", "cleo"), person("cleo", "99")),
        (Identity("42", "lovelace"), person("ada", "42", "lovelace")),
        (Identity("7", "bob"), Person(name="bob", id="7", logins=("robert", "bob"))),
        # A login that is another's: who they are stays, and the login is not theirs.
        (Identity("42", "bob"), ADA),
        (Identity("42", "robert"), ADA),
        (Identity("42", "ada", CLAIMS), ADA.model_copy(update={"claims": CLAIMS})),
        (Identity("42", "bob", CLAIMS), ADA.model_copy(update={"claims": CLAIMS})),
    ],
)
def test_recognised(identity: Identity, recognised: Person) -> None:
    assert PEOPLE.recognise(identity, listed=True) == recognised


def test_a_login_that_no_file_lists_is_not_kept() -> None:
    assert PEOPLE.recognise(Identity("42", "lovelace", CLAIMS), listed=False) == ADA.model_copy(
        update={"claims": CLAIMS}
    )
    assert PEOPLE.recognise(Identity("7", "bob"), listed=False).logins == ("robert", "bob")
    assert PEOPLE.recognise(Identity("99", "cleo"), listed=False) == person("cleo", "99")


def test_a_later_login_can_be_released_and_a_hub_name_cannot() -> None:
    assert PEOPLE.releasing("robert") == person("bob", "7")
    assert PEOPLE.releasing("bob") is PEOPLE.releasing("nobody") is None


@pytest.mark.parametrize("login", ["ada", "bob", "robert"])
def test_a_login_that_is_somebodys_is_nobody_elses(login: str) -> None:
    with pytest.raises(AnotherPerson) as refused:
        PEOPLE.recognise(Identity("99", login), listed=True)
    assert (refused.value.code, refused.value.status) == ("another-person", 403)
    assert f"“{login}” is known here with another account number" in refused.value.message
    assert refused.value.details["given"] == "99"


def test_whatever_people_rename_to_names_and_logins_stay_of_one_each() -> None:
    """Every order of three accounts that each try each of three logins, two visits each."""
    visits = [Identity(number, login) for number, login in product("123", ("a", "b", "c"))]
    seen = set()
    for order in permutations(visits, 4):
        people = People()
        for identity in order:
            try:
                people = people.including(people.recognise(identity, listed=True))
            except AnotherPerson:
                seen.add("refused")
        logins = [login for p in people.persons for login in p.logins]
        assert len(set(logins)) == len(logins)
        assert len({p.name for p in people.persons}) == len(people.persons)
        assert all(p.name in p.logins for p in people.persons)
        for p in people.persons:
            assert people.recognise(Identity(p.id, "never-seen"), listed=True).name == p.name
        seen.add("done")
    assert seen == {"refused", "done"}


def test_found_by_number_name_and_any_login() -> None:
    assert PEOPLE.with_id("7") == PEOPLE.named("bob") == PEOPLE.with_login("robert") == BOB
    assert PEOPLE.with_id("robert") is PEOPLE.named("robert") is PEOPLE.with_login("7") is None
    assert BOB.login == "robert"


def test_everybody_but_or_with_somebody_else() -> None:
    renamed = person("ada", "42", "lovelace")
    assert PEOPLE.including(renamed) == People(persons=(BOB, renamed))
    assert PEOPLE.without("bob") == People(persons=(ADA,))
    assert PEOPLE.without("robert") == PEOPLE
    assert PEOPLE.without("bob").recognise(Identity("99", "bob"), listed=True).id == "99"


def test_nobody_is_changed_in_place() -> None:
    with pytest.raises(ValidationError):
        ADA.name = "eve"  # type: ignore[misc]
