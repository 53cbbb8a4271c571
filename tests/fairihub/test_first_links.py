"""Whom `fairihub up` prints a link for, and what `fairihub link` says of whom nobody lists."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import pytest

from fairihub.cli import main
from fairihub.first_links import (
    MAX_LINKS,
    first_links,
    first_logins,
    kept_teams,
    teams_read,
    told_of,
)
from fairihub.hub_settings import HubSettings, Ports
from fairihub.settings import Settings
from fairihub.team_file_settings import FolderTeams, GitTeams
from fairihub.up import _say_sign_in
from fairihub_core import clock
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import Member, Team, TeamDirectory

PORTS = Ports(public=1, hub=2, proxy_api=3, catalog=4, headless=5, s3=6)
GIT = "https://git.example.org/hub/teams.git"


def directory(**teams: str) -> TeamDirectory:
    """Teams by name, with their members; the first is the admin."""
    return TeamDirectory(
        teams=tuple(
            Team(
                name=name,
                namespace=name,
                members=tuple(
                    Member(login=login, role="user" if n else "admin")
                    for n, login in enumerate(logins.split())
                ),
            )
            for name, logins in teams.items()
        )
    )


@pytest.fixture
def hub(tmp_path):
    """A hub of a folder and a repository, which has read both."""
    made = HubSettings(
        settings=Settings.model_validate({"operators": ["opal", "ada"]}),
        sources=(FolderTeams(folder=tmp_path / "teams"), GitTeams(git=GIT, path="customers")),
        data=tmp_path,
        ports=PORTS,
        proxy_command=("true",),
    )
    kept = Snapshot(number=1, taken=clock.now(), directory=directory(here="ada", there="gil"))
    made.places.hub.mkdir(parents=True)
    (made.places.hub / "settings.json").write_text(made.model_dump_json())
    made.team_state_file.write_text(kept.model_dump_json())
    return made


def test_members_of_repositories_and_operators_get_links_too(hub):
    links = first_links(hub, kept_teams(hub))
    assert list(links) == ["ada", "gil", "opal"]
    assert len({urlsplit(link).fragment for link in links.values()}) == 3
    said = [told_of(login, kept_teams(hub), ("opal", "ada")) for login in links]
    assert said == ["(here: admin, operator)", "(there: admin)", "(operator)"]


def test_a_hub_that_left_no_state_has_no_teams_to_tell_of(hub):
    hub.team_state_file.write_text("{")
    assert kept_teams(hub) is None


def test_a_cluster_that_tells_of_its_teams_a_moment_later_is_waited_for(hub):
    late = hub.team_state_file.read_text()
    none = Snapshot(number=1, taken=clock.now()).model_dump_json()
    hub.team_state_file.write_text(none)
    telling = threading.Timer(0.3, hub.team_state_file.write_text, (late,))
    telling.start()
    assert [team.name for team in teams_read(hub, TeamDirectory()).teams] == ["here", "there"]
    telling.join()


def test_where_a_provider_signs_in_there_are_no_links(hub):
    by_github = hub.model_copy(update={"sign_in": "github"})
    assert first_links(by_github, kept_teams(hub)) == {}


def test_of_a_large_hub_the_first_members_and_no_operator_less():
    many = directory(uc4=" ".join(f"m{n}" for n in range(99)))
    assert first_logins(many, ("opal",)) == [*(f"m{n}" for n in range(MAX_LINKS)), "opal"]


def test_who_is_listed_nowhere_may_be_added_in_a_repository_too(hub, capsys):
    assert main(["link", "nobody", "--data", str(hub.data)]) == 2
    assert f"in one of {hub.data}/teams, {GIT} (customers)." in capsys.readouterr().err


@pytest.mark.parametrize("left", [None, [], ["README.md"]])
def test_a_folder_without_team_files_takes_no_link_of_a_repositorys_member(hub, left, capsys):
    folder = hub.data / "teams"
    if left is not None:
        folder.mkdir()
        for name in left:
            (folder / name).touch()
    assert main(["link", "gil", "--data", str(hub.data)]) == 0
    assert "#link=" in capsys.readouterr().out


def test_where_nobody_is_listed_no_empty_list_is_printed(hub, capsys):
    _say_sign_in(hub, {}, TeamDirectory())
    said = capsys.readouterr().out
    assert said == "Sign in by link. No team file lists anybody yet; make links once one does.\n"
