"""Signing in through GitHub: who somebody is there, and who that makes them here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from traitlets import TraitError
from traitlets.config import Config

from fairihub_auth.github import GitHubGate
from fairihub_core.audit import Entry, line_of
from tests.support.fake_github import USER, FakeGitHub

Hub = Any
Customer = Callable[..., str]
MEMBERS = ("ada", "bob", "cleo", "dora", "fay", "gil", "hal", "ivy")


@pytest.fixture(scope="module")
def hub(github_hub: Callable[..., Hub], customer: Customer, github: FakeGitHub) -> Hub:
    """Team uc4 of many, each with an account numbered by age; team old of eve, which has closed."""
    for number, login in enumerate((*MEMBERS, "mallory", "eve", "root"), 1):
        github.joins(number, login, f"{login}@canary-mail.example")
    return github_hub(
        uc4=customer("uc4", *MEMBERS),
        old=customer("old", "eve", expires="2024-12-31"),
        operators="root countess",
    )


@pytest.fixture(autouse=True)
def _behaves(github: FakeGitHub) -> Iterator[None]:
    yield
    github.behave()


@pytest.fixture
def comes_in(hub: Hub, github: FakeGitHub) -> Callable[[str], str]:
    """The hub name that the holder of this login comes in as, else the words of the refusal."""

    def as_whom(login: str) -> str:
        github.visitor, browser = login, hub.browser()
        answer = browser.by_github()
        if answer.status_code == 302:
            return str(me(browser)["name"])
        assert answer.status_code == 403
        assert not browser.is_in()
        return " ".join(answer.text.split())

    return as_whom


def me(browser: Any) -> dict[str, Any]:
    answer = browser.get("/hub/api/user", headers={"X-XSRFToken": browser.cookies["_xsrf"]})
    return dict(answer.json())


@pytest.fixture
def team(hub: Hub, customer: Customer) -> Iterator[Callable[..., None]]:
    """Makes a team of these logins, `ada=42` with a number, and waits until it is in force."""
    files = []

    def make(name: str, *logins: str) -> None:
        number = hub.snapshot().json()["number"]
        text = customer(name, *(login.partition("=")[0] for login in logins))
        for login, _, account in (login.partition("=") for login in logins):
            if account:
                entry = f"userName: {login}\n"
                text = text.replace(entry, f"{entry}    githubId: {account}\n")
        files.append(hub.teams / f"{name}.yaml")
        files[-1].write_text(text)
        assert hub.snapshot(after=number, wait=5).status_code == 200

    yield make
    number = hub.snapshot().json()["number"]
    for file in set(files):
        file.unlink()
    assert not files or hub.snapshot(after=number, wait=5).status_code == 200


def reports(hub: Hub, code: str) -> set[str]:
    return {
        f"{file['team']}: {finding['message']}"
        for file in hub.snapshot().json()["files"]
        for finding in file["findings"]
        if finding["code"] == code
    }


def test_who_is_listed_comes_in(hub: Hub, github: FakeGitHub) -> None:
    github.visitor, browser = "ada", hub.browser()
    page = browser.get("/hub/login")
    assert "/hub/oauth_login" in page.text
    answer = browser.by_github("?next=/hub/token")
    assert (answer.status_code, answer.headers["location"]) == (302, "/hub/token")
    who = me(browser)
    assert (who["name"], who["admin"], who["groups"]) == ("ada", False, ["uc4"])


def test_capitals_are_the_same_login(github: FakeGitHub, comes_in: Callable[[str], str]) -> None:
    github.rename(2, "Bob")
    assert comes_in("Bob") == "bob"


@pytest.mark.parametrize(
    ("login", "words"),
    [("mallory", "denied mallory no-team 9"), ("eve", "denied eve closed 10 old 2024-12-31")],
)
def test_who_is_not_let_in_reads_why(
    login: str, words: str, hub: Hub, comes_in: Callable[[str], str]
) -> None:
    assert words in comes_in(login)
    last = hub.audit()[-1]
    assert (last["action"], last["login"]) == ("refused", login)
    assert last["detail"].endswith(f"Account {words.split()[3]}.")
    assert login not in {u["name"] for u in hub.api("/users", hub.tokens["operator"]).json()}


def test_an_address_of_mail_opens_nothing_and_is_not_kept(
    hub: Hub, github: FakeGitHub, team: Callable[..., None], comes_in: Callable[[str], str]
) -> None:
    team("mail", "mallory@canary-mail.example", "canary-mail.example")
    assert "denied mallory no-team" in comes_in("mallory")
    assert comes_in("ada") == "ada"
    assert set(github.scopes) == {""}
    assert {path for path in github.asked if "email" in path} == set()
    for kept in hub.data.glob("*"):
        assert kept.is_dir() or b"canary-mail" not in kept.read_bytes() or kept.suffix == ".json"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ａｄａ", "denied ａｄａ unusable-login 9"),
        ("\N{KELVIN SIGN}urt", "unusable-login 9"),
        ("\N{CYRILLIC SMALL LETTER A}da", "unusable-login 9"),
        ("ADA", "denied ada another-person 9"),
        ("ada\n", "denied ada another-person 9"),
        (" ada ", "denied ada another-person 9"),
    ],
)
def test_a_look_alike_is_nobody_and_a_variant_is_the_same(
    said: str, words: str, github: FakeGitHub, comes_in: Callable[[str], str]
) -> None:
    comes_in("ada")
    github.garbles[USER] = lambda answer: {**answer, "login": said}
    assert words in comes_in("mallory")


def test_a_rename_changes_nothing(
    hub: Hub, github: FakeGitHub, team: Callable[..., None], comes_in: Callable[[str], str]
) -> None:
    assert comes_in("cleo") == "cleo"
    github.rename(3, "cleopatra")
    assert comes_in("cleopatra") == "cleo"
    team("new-name", "cleopatra")
    assert comes_in("cleopatra") == "cleo"
    groups = hub.api("/users/cleo", hub.tokens["operator"]).json()["groups"]
    assert sorted(groups) == ["new-name", "uc4"]
    first, *later = (e for e in hub.audit() if (e["action"], e["login"]) == ("signed-in", "cleo"))
    assert first["detail"] == ""
    said = {line_of(Entry.model_validate(entry)).partition("  ")[2] for entry in later}
    assert said == {"signed-in  cleo  by cleo  Renamed: “cleopatra” at the provider."}


def test_a_login_taken_by_somebody_else_opens_nothing_and_is_reported(
    hub: Hub, github: FakeGitHub, comes_in: Callable[[str], str]
) -> None:
    assert comes_in("dora") == "dora"
    github.rename(4, "theodora")
    github.joins(104, "dora")
    assert "denied dora another-person 104" in comes_in("dora")
    assert any(
        "“dora” signs in with account 104" in said for said in reports(hub, "another-person")
    )
    assert (hub.audit()[-1]["code"], hub.audit()[-1]["login"]) == ("another-person", "dora")
    assert "dora was tried with account 104" in hub.log()
    assert comes_in("theodora") == "dora"


def test_a_number_in_the_file_says_whose_the_login_is(
    hub: Hub, github: FakeGitHub, team: Callable[..., None], comes_in: Callable[[str], str]
) -> None:
    github.joins(201, "kim")
    team("numbers", "kim=200", "lee=202")
    assert "denied kim another-person 201" in comes_in("kim")
    assert any(said.startswith("numbers: “kim”") for said in reports(hub, "another-person"))
    github.rename(201, "kim2")
    github.joins(200, "kim")
    assert comes_in("kim") == "kim"
    # By the number alone, whatever the login is by now.
    github.joins(202, "somebody")
    assert comes_in("somebody") == "somebody"
    assert reports(hub, "another-person").isdisjoint({"numbers"})


def test_a_number_that_a_file_gains_puts_the_wrong_one_out(
    hub: Hub, github: FakeGitHub, team: Callable[..., None]
) -> None:
    github.joins(301, "max")
    team("late", "ned", "max")
    github.visitor, browser = "max", hub.browser()
    assert browser.by_github().status_code == 302
    team("late", "ned", "max=300")
    hub.eventually(lambda: not browser.is_in())
    team("late", "ned", "max=301")
    assert hub.browser().by_github().status_code == 302


def test_who_is_removed_is_out_without_a_word_to_github(
    hub: Hub, github: FakeGitHub, team: Callable[..., None]
) -> None:
    github.joins(401, "pat")
    team("short", "pat")
    github.visitor, browser = "pat", hub.browser()
    browser.by_github()
    token = hub.user_token("pat")
    asked = len(github.asked)
    assert browser.is_in()
    assert hub.api("/user", token).status_code == 200
    team("short", "somebody-else")
    hub.eventually(lambda: not browser.is_in() and hub.api("/user", token).status_code == 403)
    page = browser.get("/hub/login")
    assert page.status_code == 403
    assert "oauth_login" in page.text
    assert len(github.asked) == asked


def test_another_account_in_the_same_browser_ends_the_session_before(
    hub: Hub, github: FakeGitHub
) -> None:
    github.visitor, browser = "fay", hub.browser()
    browser.by_github()
    session = browser.cookies["jupyterhub-session-id"]
    github.visitor = "gil"
    browser.by_github()
    assert me(browser)["name"] == "gil"
    assert browser.cookies["jupyterhub-session-id"] != session


def test_operators_are_the_only_admins_and_only_as_long_as_settings_say_so(
    hub: Hub, github: FakeGitHub
) -> None:
    github.visitor, root = "root", hub.browser()
    assert root.by_github().status_code == 302
    github.visitor, hal = "hal", hub.browser()
    hal.by_github()
    assert (me(root)["admin"], me(root)["groups"], me(hal)["admin"]) == (True, [], False)
    token = hub.user_token("root")
    made = hub.api("/users/hal", token, "PATCH", json={"admin": True})
    assert (made.status_code, made.json()["code"]) == (403, "decided-elsewhere")
    assert not me(hal)["admin"]

    assert hub.api("/users/hal", token).status_code == 200
    hub.end()
    named, hub.operators = hub.operators, "hal"
    hub.start()
    assert not root.is_in()
    assert hub.api("/users/hal", token).status_code == 403
    assert (hal.is_in(), me(hal)["admin"]) == (True, True)
    hub.end()
    hub.operators = named
    hub.start()


def test_an_operator_who_was_renamed_leaves_no_login_to_others(
    hub: Hub, github: FakeGitHub, comes_in: Callable[[str], str]
) -> None:
    """Known here as ivy, named in the settings as countess, and renamed once more."""
    assert comes_in("ivy") == "ivy"
    github.rename(8, "countess")
    github.visitor, ivy = "countess", hub.browser()
    ivy.by_github()
    assert (me(ivy)["name"], me(ivy)["admin"]) == ("ivy", True)
    github.rename(8, "baroness")
    github.joins(99, "countess")
    assert "denied countess another-person 99" in comes_in("countess")
    hub.end()
    hub.start()
    assert "denied countess another-person 99" in comes_in("countess")
    assert me(ivy)["admin"]
    github.rename(8, "ivy")


@pytest.mark.parametrize(
    "off_site",
    [
        "https://example.org/",
        "//example.org",
        "//[example.org",
        "///example.org",
        "/\\example.org",
        "\\\\example.org",
        "https:///a%40b/x",
        "https:example.org",
        "/\t/example.org",
        "/%0d%0aSet-Cookie:x=y",
        "javascript:alert(1)",
        "http:////example.org",
        "/" + "x" * 5000,
    ],
)
def test_next_never_leaves_the_hub(off_site: str, hub: Hub, github: FakeGitHub) -> None:
    github.visitor, browser = "ivy", hub.browser()
    there = browser.get("/hub/oauth_login", params={"next": off_site})
    back = httpx.get(there.headers["location"]).headers["location"]
    answer = browser.get(back)
    assert answer.status_code == 302
    location = answer.headers["location"]
    assert urlsplit(urljoin(hub.url, location)).netloc == urlsplit(hub.url).netloc
    assert re.fullmatch(r"/[!-~]{0,2000}", location)
    assert "x=y" not in str(answer.headers.get_list("set-cookie"))


def test_what_the_browser_carries_to_github(hub: Hub, github: FakeGitHub) -> None:
    there = urlsplit(hub.browser().get("/hub/oauth_login").headers["location"])
    assert f"{there.scheme}://{there.netloc}" == github.url
    asked = {name: values[0] for name, values in parse_qs(there.query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["redirect_uri"] == f"{hub.url}/hub/oauth_callback"
    assert "scope" not in asked
    assert github.client_secret not in there.query


@pytest.mark.parametrize(
    "setting",
    [
        {"scope": ["user:email"]},
        {"enable_pkce": False},
        {"admin_users": {"ada"}},
        {"allow_all": True},
        {"allow_existing_users": True},
    ],
)
def test_the_configuration_opens_no_other_way(setting: dict[str, Any]) -> None:
    with pytest.raises(TraitError):
        GitHubGate(config=Config({"GitHubGate": setting}))


async def test_what_oauthenticator_would_allow_does_not_count() -> None:
    gate = GitHubGate(
        allowed_users={"ada"}, allowed_organizations={"o"}, admin_groups={"g"}, allowed_groups={"g"}
    )
    with pytest.raises(Exception, match="No team lists"):
        gate.check_allowed("ada", {"name": "ada", "admin": True, "groups": ["g"]})
