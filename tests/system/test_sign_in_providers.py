"""`fairihub up` with a provider: GitHub's flow end to end, and its secret in nobody's hands."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import psutil
import pytest

from fairihub_core.processes import descendants
from tests.support.fake_github import Account, FakeGitHub
from tests.support.running_hub import RunningHub

GRACE, MALLORY = Account(7, "Grace", "grace@example.org"), Account(8, "mallory")


@pytest.fixture(scope="module")
def github() -> Iterator[FakeGitHub]:
    server = FakeGitHub(GRACE, MALLORY)
    yield server
    server.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, github: FakeGitHub) -> Iterator[RunningHub]:
    hub = RunningHub(tmp_path_factory.mktemp("github"))
    hub.environment = {
        "GITHUB_CLIENT_ID": github.client_id,
        "GITHUB_CLIENT_SECRET": github.client_secret,
        "GITHUB_URL": github.url,
    }
    hub.settings.write_text("operators: [olga, {userName: root, githubId: 20}]\n")
    hub.start()
    yield hub
    hub.close()


def signed_in(
    hub: RunningHub, github: FakeGitHub, login: str
) -> tuple[httpx.Client, httpx.Response]:
    github.visitor = login
    client = hub.client()
    return client, client.get("/hub/oauth_login", params={"next": "/hub/home"})


def test_a_member_signs_in_and_is_pinned(hub: RunningHub, github: FakeGitHub) -> None:
    client, answer = signed_in(hub, github, "Grace")
    assert (answer.status_code, answer.url.path) == (200, "/hub/home")
    assert client.get("/hub/api/fairihub/standing").json()["login"] == "grace"
    told = hub.run("audit", "--action", "signed-in", "--data", str(hub.data))
    assert "grace" in told.stdout


def test_a_stranger_is_told_what_to_ask_for(hub: RunningHub, github: FakeGitHub) -> None:
    _, answer = signed_in(hub, github, "mallory")
    assert answer.status_code == 403
    assert "mallory" in answer.text
    assert "githubId: 8" in answer.text
    told = hub.run("why", "mallory", "--data", str(hub.data))
    assert (told.returncode, "No team lists “mallory”" in told.stdout) == (1, True)


def test_who_has_not_signed_in_gets_no_token(hub: RunningHub, github: FakeGitHub) -> None:
    """It would come alive in the hands of whoever signs in with that login first."""
    for login in ("ada", "olga"):
        assert hub.run("why", login, "--data", str(hub.data)).returncode == 0
        refused = hub.run("token", login, "--data", str(hub.data))
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"“{login}” has not signed in yet" in refused.stderr
    refused = hub.run("token", "nobody", "--data", str(hub.data))
    assert "No team lists “nobody”" in refused.stderr


def test_another_account_with_the_login_is_refused_and_reported(
    hub: RunningHub, github: FakeGitHub
) -> None:
    signed_in(hub, github, "Grace")
    github.accounts[7] = Account(7, "grace-hopper")
    github.accounts[9] = Account(9, "grace")
    _, refused = signed_in(hub, github, "grace")
    assert refused.status_code == 403
    assert "another" in refused.text
    renamed, answer = signed_in(hub, github, "grace-hopper")
    assert answer.status_code == 200
    assert renamed.get("/hub/api/fairihub/standing").json()["login"] == "grace"
    del github.accounts[9]
    made = hub.run("token", "grace-hopper", "--data", str(hub.data))
    script = hub.client(headers={"Authorization": f"token {made.stdout.strip()}"})
    assert script.get("/hub/api/user").json()["name"] == "grace"
    told = hub.run("why", "grace-hopper", "--data", str(hub.data)).stdout
    assert "“grace-hopper” is “grace” on this hub (account 7)." in told
    assert "Account 9 was refused as “grace”: this login is pinned to account 7." in told
    unpinned = hub.run("unpin", "grace", "--data", str(hub.data))
    assert (unpinned.returncode, unpinned.stderr) == (0, "")
    assert "pinned to account 7 no more" in unpinned.stdout
    assert "waiting: account 9. Safer: say githubId in the team file" in unpinned.stdout
    assert hub.run("unpin", "grace", "--data", str(hub.data)).returncode == 1
    github.accounts[7] = GRACE


def test_an_operator_without_a_team_is_led_home_and_everybody_else_to_their_profiles(
    hub: RunningHub, github: FakeGitHub
) -> None:
    for number, login, landing in ((10, "olga", "/hub/home"), (11, "linus", "/hub/spawn")):
        github.accounts[number] = Account(number, login)
        github.visitor, client = login, hub.client()
        signed_in = client.get("/hub/oauth_login")
        assert (signed_in.status_code, signed_in.url.path) == (200, landing)
        assert client.get("/").url.path == landing
        assert ('id="all-teams"' in client.get("/hub/home").text) == (login == "olga")


def test_an_operator_is_the_account_that_settings_number(
    hub: RunningHub, github: FakeGitHub
) -> None:
    data = ("--data", str(hub.data))
    waits = "Nobody has signed in as the operator “root” yet: only account 20 can."
    assert waits in hub.log()
    assert waits in hub.run("why", "root", *data).stdout
    github.accounts[20], github.accounts[21] = Account(20, "toor"), Account(21, "root")
    _, refused = signed_in(hub, github, "root")
    assert refused.status_code == 403
    client, home = signed_in(hub, github, "toor")
    assert (home.status_code, client.get("/hub/api/user").json()["admin"]) == (200, True)
    known = "The operator “root” of the settings is “toor” on this hub, account 20."
    told = hub.run("why", "root", *data).stdout
    assert known in told
    assert "Account 21 gets nothing by “root”: the setting `operators` says githubId 20." in told
    assert known in hub.log()
    assert 'id="renamed-operators"' in home.text


def test_a_denied_page_that_is_reloaded_says_the_same(hub: RunningHub, github: FakeGitHub) -> None:
    github.accounts[12] = Account(12, "mallet")
    github.visitor, client = "mallet", hub.client()
    denied = client.get("/hub/oauth_login")
    assert denied.url.path == "/hub/oauth_callback"
    again = client.get(denied.url)
    assert (again.status_code, again.url) == (403, denied.url)
    assert "No team lists you yet" in again.text
    assert "githubId: 12" in again.text


@pytest.mark.parametrize("odd", ["/%0d%0aSet-Cookie:x=y", "/a%0bb", "/%7f", "//["])
@pytest.mark.parametrize("page", ["/hub/login", "/hub/oauth_login"])
def test_who_is_sent_to_what_is_no_address_lands_where_others_do(
    hub: RunningHub, github: FakeGitHub, page: str, odd: str
) -> None:
    github.accounts[11] = Account(11, "linus")
    client, _ = signed_in(hub, github, "linus")
    landed = client.get(f"{page}?next={odd}")
    assert (landed.status_code, landed.url.path) == (200, "/hub/spawn")
    cookies = [c for answer in landed.history for c in answer.headers.get_list("set-cookie")]
    assert "x=y" not in str(cookies)


def test_another_site_signs_nobody_out(hub: RunningHub, github: FakeGitHub) -> None:
    github.accounts[11] = Account(11, "linus")
    client, _ = signed_in(hub, github, "linus")
    for site in ("cross-site", "same-site"):
        asked = client.get("/hub/logout", headers={"Sec-Fetch-Site": site})
        assert (asked.status_code, 'href="/hub/logout"' in asked.text) == (403, True)
        assert "Another site asks to sign you out" in asked.text
        assert client.get("/hub/home").url.path == "/hub/home"
    german = {"Sec-Fetch-Site": "cross-site", "Accept-Language": "de"}
    assert "Eine andere Website" in client.get("/hub/logout", headers=german).text
    left = client.get("/hub/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert (left.status_code, "You are signed out" in left.text) == (200, True)
    assert client.get("/hub/home").url.path == "/hub/login"
    stranger = hub.client().get("/hub/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert "You are signed out" in stranger.text


def test_there_are_no_links(hub: RunningHub) -> None:
    assert hub.links == {}
    refused = hub.run("link", "grace", "--data", str(hub.data))
    assert (refused.returncode, "provider" in refused.stderr) == (2, True)


def test_no_child_of_the_hub_has_the_secret(hub: RunningHub, github: FakeGitHub) -> None:
    children = descendants(hub.pid)
    hubs = [p for p in children if "fairihub.hub" in " ".join(p.cmdline())]
    assert len(hubs) == 1
    others = [p for p in children if p.pid not in (hubs[0].pid, os.getpid())]
    assert len(others) > 3
    for process in others:
        assert github.client_secret not in _environment(process)
    assert github.client_secret not in hub.log()


def _environment(process: psutil.Process) -> set[str]:
    try:
        return set(process.environ().values())
    except psutil.Error:
        return set()
