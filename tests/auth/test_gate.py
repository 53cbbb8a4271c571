"""The gate without a hub: what a name means, and what the configuration cannot open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from traitlets import TraitError
from traitlets.config import Config

from fairihub_auth.gate import Denied
from fairihub_auth.github import GitHubGate
from fairihub_auth.links import LinkAuthenticator
from fairihub_core.audit import Entry
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
    return lambda: TeamDirectory(teams=teams, operators=frozenset({"olga", "kurt"}))


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
        (
            "a\nb",
            "unusable-login",
            "This hub cannot use the login “a�b”: a login has the letters a to z, digits and "
            ". _ @ + -, begins with a letter or digit, ends with a letter, a digit or _, and has "
            "64 characters at most. No line of a team file helps: have the account renamed where "
            "you sign in, or ask an operator of this hub.",
        ),
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


@pytest.mark.parametrize(
    ("name", "admin", "groups"),
    [("ada", False, ["two", "uc4"]), ("olga", True, []), ("kurt", True, ["uc4"])],
)
@pytest.mark.parametrize("said", [True, False, None])
async def test_operators_are_the_only_admins_whatever_else_is_said(
    name: str,
    admin: bool,
    groups: list[str],
    said: bool | None,
    directory: Callable[[], TeamDirectory],
) -> None:
    def promotes(gate: Any, handler: Any, model: dict[str, Any]) -> dict[str, Any]:
        return {**model, "admin": not admin, "groups": ["admins"]}

    gate = LinkAuthenticator(directory=directory, post_auth_hook=promotes)
    model = await gate.run_post_auth_hook(None, {"name": name, "admin": said})
    assert (model["admin"], model["groups"]) == (admin, groups)


@pytest.mark.parametrize("answer", [None, {"name": "mallory"}], ids=["nobody", "somebody else"])
async def test_a_hook_may_refuse_and_lets_nobody_in(
    answer: dict[str, Any] | None, directory: Callable[[], TeamDirectory]
) -> None:
    gate = LinkAuthenticator(directory=directory, post_auth_hook=lambda *_: answer)
    if answer is None:
        assert await gate.run_post_auth_hook(None, {"name": "ada"}) is None
    else:
        with pytest.raises(Denied):
            await gate.run_post_auth_hook(None, {"name": "ada"})


async def test_who_came_in_and_who_was_refused_is_recorded(
    directory: Callable[[], TeamDirectory],
) -> None:
    entries: list[Entry] = []
    gate = LinkAuthenticator(directory=directory, record=entries.append)
    await gate.run_post_auth_hook(None, {"name": "ada"})
    with pytest.raises(Denied):
        gate.check_allowed("mal\nlory")
    assert [(e.action, e.login, e.code) for e in entries] == [
        ("signed-in", "ada", ""),
        ("refused", "mal�lory", "unusable-login"),
    ]


async def test_a_provider_lets_nobody_in_by_itself(directory: Callable[[], TeamDirectory]) -> None:
    gate = GitHubGate(directory=directory)
    assert await gate.get_authenticated_user(None, {"username": "ada", "password": "x"}) is None
    assert "ada" not in gate.allowed_users
