"""What a hub starts with where team files are missing or broken: the state of before, and words."""

from __future__ import annotations

import shutil

import pytest

from fairihub.examples import EXAMPLE_TEAMS
from fairihub.team_files import beginning_of, kept_state
from fairihub_auth.sources import FolderSource
from fairihub_auth.watch import TeamWatch
from fairihub_core.errors import BadInput

TEAM = (EXAMPLE_TEAMS / "urbanclimate.yaml").read_text()


@pytest.fixture
def folder_of(tmp_path):
    """Fills a folder with files by their names and texts; without any, it is empty."""

    def fill(name, **files):
        folder = tmp_path / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for stem, text in files.items():
            (folder / (f"{stem}.yaml" if text else stem)).write_text(text)
        return folder

    return fill


def ran_with(state, *folders):
    """A hub was started with these folders, and ended."""
    watch = TeamWatch([FolderSource(f) for f in folders], lambda *_: None, kept=state)
    watch.start()
    watch.stop()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "Nothing at all is in"),
        ({"README": ""}, "holds no team files"),
        ({"climate": "kind: ["}, "no team that can be used"),
        (None, "No such file or directory. All teams stay"),
    ],
    ids=["empty", "another file", "broken", "gone"],
)
def test_where_no_team_can_be_read_a_hub_of_before_starts_again(files, said, folder_of, tmp_path):
    state = tmp_path / "teams.json"
    folder = folder_of("teams", climate=TEAM)
    ran_with(state, folder)
    if files is None:
        shutil.rmtree(folder)
    else:
        folder_of("teams", **files)
    begun = beginning_of([folder], kept_state(state), elsewhere=False)
    (warning,) = begun.warnings
    assert (begun.directory.teams, said in warning) == ((), True)
    assert beginning_of([folder], None, elsewhere=True).warnings == begun.warnings
    with pytest.raises(BadInput, match=r"no such|holds no|no team"):
        beginning_of([folder], None, elsewhere=False)


@pytest.mark.parametrize("kept", [True, False], ids=["again", "first"])
def test_an_empty_folder_beside_a_good_one_ends_no_start(kept, folder_of, tmp_path):
    state = tmp_path / "teams.json"
    good, empty = folder_of("good", climate=TEAM), folder_of("empty")
    if kept:
        ran_with(state, good, empty)
    begun = beginning_of([empty, good], kept_state(state), elsewhere=False)
    assert [team.name for team in begun.directory.teams] == ["urbanclimate"]
    assert [str(empty) in warning for warning in begun.warnings] == [True]


def test_a_folder_that_never_was_is_a_slip_also_on_a_hub_of_before(folder_of, tmp_path):
    state = tmp_path / "teams.json"
    ran_with(state, folder_of("teams", climate=TEAM))
    with pytest.raises(BadInput, match="taems: no such file"):
        beginning_of([tmp_path / "taems"], kept_state(state), elsewhere=False)


def test_good_files_need_no_words(folder_of):
    assert beginning_of([folder_of("teams", climate=TEAM)], None, elsewhere=False).warnings == ()
