"""Paths stay where they belong."""

from __future__ import annotations

import pytest

from fairihub_core.equipment import BucketAccess, environment_of, own_packages
from fairihub_core.errors import BadInput
from fairihub_core.offers import Offer
from fairihub_core.places import Places, confined
from fairihub_core.teams import Profile, Team


@pytest.mark.parametrize("path", ["a.ipynb", "work/a b.ipynb", "s3/data.csv", "ä/ö.ipynb", "a..b"])
def test_paths_below_the_root(tmp_path, path):
    assert confined(tmp_path, path) == tmp_path / path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "~/x",
        "../x",
        "a/../../x",
        "a/./b",
        "a//b",
        ".ssh/id",
        "a/.git/config",
        "a\\..\\b",
        "a\0b",
        "a\nb",
        "C:/x",
        "s3://bucket/x",
        "x" * 2000,
        "x" * 300 + ".ipynb",
    ],
)
def test_paths_that_leave_it(tmp_path, path):
    with pytest.raises(BadInput) as refusal:
        confined(tmp_path, path)
    assert refusal.value.code == "bad-path"


def test_links_are_not_followed_but_those_of_fairihub(tmp_path):
    home, outside = tmp_path / "home", tmp_path / "home-evil"
    home.mkdir()
    outside.mkdir()
    (home / "link").symlink_to(outside)
    (home / "s3").symlink_to(outside)
    (outside / "s3").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="passes through a link"):
        confined(home, "link/a.ipynb")
    assert confined(home, "s3/a.ipynb") == home / "s3/a.ipynb"
    with pytest.raises(BadInput, match="passes through a link"):
        confined(home, "s3/s3/a.ipynb")


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a\0"])
def test_names_that_are_no_folders(tmp_path, name):
    with pytest.raises(BadInput):
        Places(tmp_path).home(name, "ada")


def test_the_environment_of_a_profile():
    profile = Profile(
        slug="small", display_name="S", mem_limit=2**30, cpu_limit=1.5, s3_bucket_name="b"
    )
    offer = Offer(Team(name="uc4", namespace="uc4", profiles=(profile,)), profile)
    access = BucketAccess("http://127.0.0.1:1", "key", "secret")
    said = environment_of(offer, access, {"API_KEY": "x", "FAIRIHUB_TEAM": "other"})
    assert said["FAIRIHUB_TEAM"] == "uc4"
    assert said["FAIRIHUB_PROFILE"] == "uc4.small"
    assert (said["MEM_LIMIT"], said["CPU_LIMIT"], said["API_KEY"]) == ("1073741824", "1.5", "x")
    assert (said["S3_USER_STORAGE_BUCKET"], said["AWS_ACCESS_KEY_ID"]) == ("b", "key")
    assert "CPU_GUARANTEE" not in said
    assert "AWS_ACCESS_KEY_ID" not in environment_of(offer, None, {})


def test_packages_of_a_member_go_into_the_home(tmp_path):
    said = own_packages(tmp_path)
    assert said["PIP_TARGET"] == said["PYTHONPATH"] == str(tmp_path / ".packages")
