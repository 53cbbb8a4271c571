"""An edit of a team file counts within five seconds; a broken one changes nothing but is told."""

from __future__ import annotations

import re

import httpx

from tests.support.running_hub import EXAMPLES, RunningHub, until

URBAN = (EXAMPLES / "teams/urbanclimate.yaml").read_text()
WITHIN = 5.0
"""Seconds until the hub goes by an edit."""
SOON = 10.0
"""Seconds until all its parts do: servers remember for a moment what the hub said."""
BROKEN = re.compile(r"urbanclimate\.yaml:\d+:\d+: error: .+ \[invalid-yaml\]")
HER_FILES = "/user/radia/api/contents"
NOTEBOOKS = "/services/catalog/api/notebooks"


def with_member(text: str, login: str) -> str:
    return re.sub(
        r"(    allowedLogins:\n)", rf"\1    - userName: {login}\n      role: user\n", text
    )


def without_member(text: str, login: str) -> str:
    """The file without the entry of `login`, which ends where the next one begins."""
    entries = re.split(r"(?=^    - approvalTimestamp)", text, flags=re.M)
    return "".join(e for e in entries if f"userName: {login}\n" not in e)


def status(client: httpx.Client, path: str) -> int:
    return client.get(path).status_code


def test_a_new_member_comes_in_and_a_removed_one_is_out(hub: RunningHub) -> None:
    with hub.edited("urbanclimate", with_member(URBAN, "radia")):
        until(
            lambda: hub.run("link", "radia", "--data", str(hub.data)).returncode == 0,
            "a link for the new member",
            WITHIN,
        )
        until(lambda: '"radia"' in teams_page(hub), "the hub knows of her", WITHIN)
        client, api = hub.sign_in("radia"), hub.api("radia")
        assert "Heat maps" in client.get("/hub/spawn").text
        assert status(api, NOTEBOOKS) == 200
        hub.start_server("radia", "small")
        assert status(api, HER_FILES) == 200
    until(lambda: status(api, NOTEBOOKS) in (401, 403), "her token is worth nothing", SOON)
    until(lambda: status(api, HER_FILES) != 200, "nor in her server", SOON)
    until(
        lambda: "Heat maps" not in client.get("/hub/spawn").text, "her page offers nothing", WITHIN
    )
    answer = api.post("/hub/api/users/radia/server", json={"user_options": {"profile": "small"}})
    assert 400 <= answer.status_code < 500


def teams_page(hub: RunningHub) -> str:
    """The snapshot that the services follow, as the command line may read it."""
    token = (hub.data / "tokens" / "cli").read_text().strip()
    headers = {"Authorization": f"token {token}"}
    return hub.client(headers=headers).get("/hub/api/fairihub/snapshot").text


def test_a_broken_edit_keeps_the_last_good_state_and_is_told(hub: RunningHub) -> None:
    with hub.edited("urbanclimate", URBAN.replace("    allowedLogins:", "  \tallowedLogins:")):
        until(lambda: BROKEN.search(hub.log()), "a word in the log", WITHIN)
        assert "Heat maps" in hub.sign_in("margaret").get("/hub/spawn").text
        page = hub.sign_in("margaret").get("/hub/home").text
        assert "urbanclimate.yaml" in page
        assert "last good state" in page
    until(
        lambda: "last good state" not in hub.sign_in("margaret").get("/hub/home").text,
        "the page without the note",
        WITHIN,
    )


def test_a_second_file_of_a_team_is_told_to_those_who_look_after_it(hub: RunningHub) -> None:
    def why(*asked: str) -> str:
        return hub.run("why", *asked, "--data", str(hub.data)).stdout

    second = hub.teams / "second.yaml"
    second.write_text(with_member(URBAN, "evil"))
    told = "urbanclimate: A second file defines this team, and counts for nothing. "
    try:
        until(lambda: told in why("margaret"), "a word on the second file", WITHIN)
        assert f"{told}It lists “evil”." in why("evil")
        assert told in why("evil", "--team", "urbanclimate")
        assert str(second) in why("evil")
        for page in ("/hub/home", "/hub/team/urbanclimate"):
            assert str(second) in hub.sign_in("margaret").get(page).text
        assert str(second) not in hub.sign_in("grace").get("/hub/home").text, "no admin of it"
    finally:
        second.unlink()
    until(lambda: told not in why("margaret"), "nothing to tell any more", WITHIN)


def test_a_team_that_closes_ends_the_way_in(hub: RunningHub) -> None:
    api = hub.api("margaret")
    assert status(api, NOTEBOOKS) == 200
    with hub.edited("urbanclimate", URBAN.replace("2099-12-31", "2025-06-30")):
        until(lambda: status(api, NOTEBOOKS) in (401, 403), "no way in any more", SOON)
        client = hub.client()
        answer = hub.open_link(client, hub.new_link("margaret"))
        assert (answer.status_code, "2025-06-30" in answer.text) == (403, True)
    until(lambda: hub.run("why", "margaret", "--data", str(hub.data)).returncode == 0, "in", SOON)
    assert status(api, NOTEBOOKS) == 401, "a token from before stays revoked"
    hub.forget_token("margaret")
    assert status(hub.api("margaret"), NOTEBOOKS) == 200


def test_a_member_taken_out_of_one_team_keeps_the_other(hub: RunningHub) -> None:
    with hub.edited("urbanclimate", without_member(URBAN, "grace")):
        client = hub.sign_in("grace")
        until(lambda: "Heat maps" not in client.get("/hub/spawn").text, "the profiles gone", WITHIN)
        assert "FAIRiCUBE-UC4" in client.get("/hub/spawn").text
