"""Files are written whole or not at all, and read only where they really lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fairihub_core.errors import Missing, TooLarge
from fairihub_core.files import (
    kept_secret,
    read_below,
    write_new,
    write_whole,
    write_whole_in,
)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_what_was_there_is_replaced_and_nothing_else_is_left(tmp_path):
    file = tmp_path / "a.json"
    write_whole(file, b"old")
    write_whole(file, b"new", mode=0o644)
    assert (file.read_bytes(), names(tmp_path)) == (b"new", ["a.json"])


def test_others_cannot_read_it_unless_that_is_meant(tmp_path):
    write_whole(tmp_path / "secret", b"x")
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "taken", b"x")
    assert names(tmp_path) == ["taken"]


@pytest.mark.parametrize("there", ["a file", "a broken link"])
def test_a_new_file_takes_nobodys_place(tmp_path, there):
    file = tmp_path / "mine"
    if there == "a file":
        file.write_text("theirs")
    else:
        file.symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        write_new(file, b"ours")
    assert names(tmp_path) == ["mine"]
    assert not file.exists() or file.read_text() == "theirs"


@pytest.mark.parametrize("path", ["link.txt", "out/file.txt", "pipe", "folder", "gone", "a/../b"])
def test_links_and_what_is_no_file_are_not_there(tmp_path, path):
    root, other = tmp_path / "root", tmp_path / "other"
    (root / "folder").mkdir(parents=True)
    other.mkdir()
    (other / "file.txt").write_text("theirs")
    (root / "link.txt").symlink_to(other / "file.txt")
    (root / "out").symlink_to(other)
    os.mkfifo(root / "pipe")
    with pytest.raises(Missing):
        read_below(root, path, 100)


def test_a_file_over_the_limit_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_below(tmp_path, "a", 5) == b"12345"
    with pytest.raises(TooLarge):
        read_below(tmp_path, "a", 4)


def test_a_secret_is_made_once_and_kept_for_nobody_else(tmp_path: Path) -> None:
    made = kept_secret(tmp_path / "secret")
    (tmp_path / "secret").chmod(0o644)
    assert kept_secret(tmp_path / "secret") == made
    assert len(set(made)) > 8
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_an_emptied_secret_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"")
    made = kept_secret(tmp_path / "secret")
    assert len(made) == 32
    assert kept_secret(tmp_path / "secret") == made


@pytest.mark.parametrize("synced", [True, False])
def test_the_disk_is_waited_for_only_where_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: bool
) -> None:
    waits: list[int] = []
    monkeypatch.setattr(os, "fsync", waits.append)
    folder = os.open(tmp_path, os.O_RDONLY)
    write_whole_in(folder, "a", b"b", synced=synced)
    os.close(folder)
    assert (tmp_path / "a").read_bytes() == b"b"
    assert len(waits) == (2 if synced else 0)
