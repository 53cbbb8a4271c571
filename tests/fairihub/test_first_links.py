"""Whom `fairihub up` prints a link for, and what `fairihub link` says of whom nobody lists."""

from __future__ import annotations

import contextlib
import json
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
from fairihub.up import UpOptions, _say_sign_in, _welcome
from fairihub_auth.store import AuthStore
from fairihub_core import clock
from fairihub_core.audit import Entry
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
    links = first_links(hub, kept_teams(hub), with_operators=True)
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
    assert first_links(by_github, kept_teams(hub), with_operators=True) == {}


def told(hub):
    """What stands in the audit log, in its file and in its table."""
    lines = (hub.places.hub / "audit.jsonl").read_text().splitlines()
    entries = [Entry.model_validate_json(line) for line in lines]
    with contextlib.closing(AuthStore.in_folder(hub.places.hub)) as store:
        assert list(store.audit(action="link-made"))[::-1] == entries
    return [(e.action, e.login, e.by, e.detail.partition(",")[0]) for e in entries]


def test_the_links_of_a_start_stand_in_the_audit_log_too(hub):
    first_links(hub, kept_teams(hub), with_operators=True)
    assert told(hub) == [
        ("link-made", login, "cli", "When the hub started") for login in ("ada", "gil", "opal")
    ]
    assert main(["link", "gil", "--data", str(hub.data)]) == 0
    assert told(hub)[3:] == [("link-made", "gil", "cli", "On the hub's machine")]


@pytest.mark.parametrize("file", [False, True])
def test_links_of_operators_are_in_no_journal(hub, file, tmp_path, capsys):
    """Whoever reads what a service says would sign in as an operator, after each start."""
    wanted = tmp_path / "links.json" if file else None
    _welcome(UpOptions(links=wanted), hub, TeamDirectory())
    said = capsys.readouterr().out
    assert said.count("#link=") == 1
    assert "gil  http" in said
    assert "Operators' links are shown in a terminal only" in said
    made = ["ada", "gil", "opal"] if file else ["gil"]
    assert [login for _, login, _, _ in told(hub)] == made
    if wanted is not None:
        assert list(json.loads(wanted.read_text())) == made
        assert wanted.stat().st_mode & 0o777 == 0o600


def test_in_a_terminal_operators_see_theirs(hub, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    _welcome(UpOptions(open_browser=False), hub, TeamDirectory())
    said = capsys.readouterr().out
    assert said.count("#link=") == 3
    assert "in a terminal only" not in said


def test_a_link_that_could_not_be_recorded_is_said(hub, capsys):
    (hub.places.hub / "audit.jsonl").mkdir()
    assert main(["link", "gil", "--data", str(hub.data)]) == 0
    said = capsys.readouterr()
    assert "#link=" in said.out
    assert "could not be written into the audit log" in said.err


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
    _say_sign_in(hub, {}, TeamDirectory(), in_terminal=True)
    said = capsys.readouterr().out
    assert said == "Sign in by link. No team file lists anybody yet; make links once one does.\n"
