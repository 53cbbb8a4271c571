"""What a folder offers as team files, and what it says of what is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fairihub_auth.sources import MAX_FILE_BYTES, MAX_FILES, FolderSource
from fairihub_core.errors import FairihubError


def as_folder(path: Path) -> None:
    path.mkdir()


def as_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(b"x" * (MAX_FILE_BYTES + 1)), "file-too-large"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not-utf-8"),
        (lambda path: path.symlink_to("nowhere"), "file-unreadable"),
        (as_folder, "not-a-file"),
        (as_pipe, "not-a-file"),
    ],
)
def test_a_file_that_cannot_be_read_is_listed_and_says_why(
    make: Callable[[Path], object], code: str, tmp_path: Path
) -> None:
    make(tmp_path / "bad.yaml")
    (tmp_path / "good.yaml").write_text("kind: Customer")
    source = FolderSource(tmp_path)
    bad, good = source.stamps()
    assert source.read(good) == "kind: Customer"
    with pytest.raises(FairihubError) as refused:
        source.read(bad)
    assert refused.value.code == code


def test_what_counts_as_a_team_file(tmp_path: Path) -> None:
    for name in (".hidden.yaml", "README.md", "b.yml", "C.YAML", "a.yaml", "a.yaml~"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    found = [Path(name).name for name in FolderSource(tmp_path).stamps()]
    assert found == ["C.YAML", "a.yaml", "b.yml"]


def test_a_name_that_is_no_text_can_be_written_down_all_the_same(tmp_path: Path) -> None:
    try:
        with open(os.fsencode(tmp_path) + b"/\xff.yaml", "w") as file:
            file.write("kind: Customer")
    except OSError:
        pytest.skip("this file system has no such names")
    source = FolderSource(tmp_path)
    (name,) = source.stamps()
    assert name == f"{tmp_path}/\\xff.yaml"
    assert source.read(name) == "kind: Customer"


def test_a_stamp_changes_with_the_text(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")
    (tmp_path / "README.md").touch()
    source = FolderSource(tmp_path)
    stamps = [source.stamps()]
    assert source.stamps() == stamps[0]
    for change in (
        lambda: file.write_text("22"),
        lambda: os.utime(file, (1, 1)),
        lambda: (tmp_path / "new").write_text("22") and (tmp_path / "new").replace(file),
        lambda: file.chmod(0o600),
        file.unlink,
    ):
        change()
        stamps.append(source.stamps())
        assert stamps[-1] != stamps[-2]


def test_a_folder_without_team_files_has_no_teams_and_an_empty_or_missing_one_no_answer(
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    assert FolderSource(tmp_path).stamps() == {}
    assert FolderSource(tmp_path / "removed.yaml").stamps() == {}
    for accident in ("nowhere", "empty"):
        with pytest.raises(FairihubError) as refused:
            FolderSource(tmp_path / accident).stamps()
        assert refused.value.code == "teams-unreadable"
    source = FolderSource(tmp_path / "nowhere" / "a.yaml")
    (name,) = source.stamps()
    with pytest.raises(FairihubError) as unread:
        source.read(name)
    assert unread.value.code == "file-unreadable"


def test_a_thousand_files_at_most(tmp_path: Path) -> None:
    for n in range(MAX_FILES + 1):
        (tmp_path / f"{n}.yaml").touch()
    with pytest.raises(FairihubError) as refused:
        FolderSource(tmp_path).stamps()
    assert refused.value.code == "too-many-teams"
