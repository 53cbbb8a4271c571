"""Another provider, or accounts that were lost: nothing of earlier people goes on for new ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairihub_auth.continuity import Continuity
from tests.auth.conftest import GITHUB_CONFIG, Hub, customer_text
from tests.auth.test_removal import server_of, server_token, start_server, tokens_of
from tests.support import duty_hub
from tests.support.fake_github import FakeGitHub


@pytest.mark.parametrize(
    ("before", "now", "strangers"),
    [
        ("links", "links", {"bob"}),
        ("links", "github", {"ada", "bob"}),
        ("oidc https://a.example", "oidc https://b.example", {"ada", "bob"}),
        ("", "links", {"ada", "bob"}),
    ],
)
def test_strangers(before: str, now: str, strangers: set[str], tmp_path: Path) -> None:
    if before:
        Continuity(tmp_path / "provider", before, knows=bool).keep()
    there = Continuity(tmp_path / "provider", now, knows=lambda name: name == "ada")
    assert there.strangers(["ada", "bob"]) == strangers


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Team uc4 of ada and cleo."""
    hub = Hub(tmp_path, more_config=duty_hub.CONFIG)
    hub.tokens |= {"cli": "0123456789abcdef", "reporter": "fedcba9876543210"}
    hub.teams.mkdir()
    (hub.teams / "uc4.yaml").write_text(customer_text("uc4", "ada", "cleo"))
    yield hub
    hub.stop()


def test_another_provider_s_people_find_nothing_of_earlier_ones(hub: Hub) -> None:
    hub.start()
    ada, cleo, token = hub.signed_in("ada"), hub.signed_in("cleo"), hub.user_token("cleo")
    start_server(hub, "cleo")
    of_server = server_token(hub, "cleo")
    hub.end()
    hub.environment["TEST_SIGN_IN"] = "oidc https://id.example"
    hub.start()
    assert not ada.is_in()
    assert not cleo.is_in()
    assert hub.api("/user", token).status_code == 403
    assert hub.api("/fairihub/standing", of_server).status_code == 401
    new = hub.signed_in("cleo")
    assert not server_of(hub, "cleo"), "gone before anybody new came in"
    assert tokens_of(hub, "cleo") == []
    assert not cleo.is_in()
    (told,) = [e for e in hub.audit() if e["action"] == "tokens-revoked"]
    assert told["detail"].startswith("The provider was links and is oidc https://id.example")
    hub.end()
    hub.start()
    assert new.is_in(), "once only"


def test_without_the_accounts_a_cookie_is_nobody_s(
    hub: Hub, github: FakeGitHub, tmp_path: Path
) -> None:
    hub.provider, hub.more_config = "github", GITHUB_CONFIG + duty_hub.CONFIG
    hub.environment = {
        "TEST_GITHUB": github.url,
        "TEST_CLIENT_ID": github.client_id,
        "TEST_CLIENT_SECRET": github.client_secret,
    }
    hub.start()
    github.joins(7, "cleo")
    github.visitor = "cleo"
    old = hub.browser()
    assert old.by_github().status_code == 302
    token = hub.user_token("cleo")
    assert hub.api("/user", token).status_code == 200
    hub.end()
    for path in tmp_path.glob("people.sqlite*"):
        path.unlink()
    hub.start()
    assert not old.is_in()
    token = hub.user_token("cleo")  # of an operator's script
    assert hub.api("/user", token).status_code == 403
    github.accounts.clear()
    github.joins(8, "cleo")
    new = hub.browser()
    assert new.by_github().status_code == 302
    assert new.is_in()
    assert not old.is_in()
