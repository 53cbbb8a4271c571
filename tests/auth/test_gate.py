"""The gate without a hub: what a name means, and what the configuration cannot open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from traitlets import TraitError
from traitlets.config import Config

from fairihub_auth.gate import Denied
from fairihub_auth.links import LinkAuthenticator
from fairihub_core.customer import read_customers
from fairihub_core.logins import login_of, printable
from fairihub_core.teams import TeamDirectory

Customer = Callable[..., str]


@pytest.fixture
def directory(customer: Customer) -> Callable[[], TeamDirectory]:
    texts = {
        "uc4.yaml": customer("uc4", "ada", "kurt"),
        "two.yaml": customer("two", "ada"),
        "old.yaml": customer("old", "ada", "eve", expires="2024-12-31"),
    }
    teams = tuple(r.team for r in read_customers(texts) if r.team)
    return lambda: TeamDirectory(teams=teams)


@pytest.mark.parametrize(
    ("name", "login"),
    [
        ("ada", "ada"),
        ("Ada", "ada"),
        (" ada\n", "ada"),
        ("ａｄａ", "ａｄａ"),
        ("\N{KELVIN SIGN}urt", "\N{KELVIN SIGN}urt"),
        ("аda", "аda"),
        ("ad\N{ZERO WIDTH JOINER}a", "ad\N{ZERO WIDTH JOINER}a"),
    ],
)
def test_one_identity_or_none(
    name: str, login: str, directory: Callable[[], TeamDirectory]
) -> None:
    assert login_of(name) == login
    gate = LinkAuthenticator(directory=directory)
    assert (gate.denial(gate.normalize_username(name)) is None) == (login == "ada")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("ada", "ada"), ("a\r\nb\x1b[31m", "a��b�[31m"), ("x" * 99, "x" * 80 + "…")],
)
def test_strangers_text_is_made_fit_to_show(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("login", "reason", "message"),
    [
        ("mallory", "no-team", "No team lists “mallory”. Ask a team's admin to add this login."),
        ("eve", "closed", "Team “old” closed after 2024-12-31."),
        ("a\nb", "no-team", "No team lists “a�b”. Ask a team's admin to add this login."),
    ],
)
def test_a_denial_says_why(
    login: str, reason: str, message: str, directory: Callable[[], TeamDirectory]
) -> None:
    with pytest.raises(Denied) as refused:
        LinkAuthenticator(directory=directory).check_allowed(login)
    assert refused.value.status_code == 403
    assert refused.value.denial.reason == reason
    assert refused.value.get_message() == message


@pytest.mark.parametrize("name", ["allow_all", "allow_existing_users"])
def test_the_configuration_opens_no_other_way(name: str) -> None:
    with pytest.raises(TraitError, match="only the team files"):
        LinkAuthenticator(config=Config({"Authenticator": {name: True}}))


def test_a_list_of_the_configuration_lets_nobody_in(
    directory: Callable[[], TeamDirectory],
) -> None:
    gate = LinkAuthenticator(directory=directory, allowed_users={"mallory"})
    with pytest.raises(Denied):
        gate.check_allowed("mallory")


def test_the_configuration_names_no_admins() -> None:
    with pytest.raises(TraitError, match="operators in fairihub's settings"):
        LinkAuthenticator(config=Config({"Authenticator": {"admin_users": {"mallory"}}}))


def test_without_a_directory_nobody_gets_in() -> None:
    with pytest.raises(Denied):
        LinkAuthenticator().check_allowed("ada")


async def test_the_groups_are_the_open_teams(directory: Callable[[], TeamDirectory]) -> None:
    gate = LinkAuthenticator(directory=directory)
    model = await gate.run_post_auth_hook(None, {"name": "ada", "groups": ["admins"]})
    assert model["groups"] == ["two", "uc4"]
