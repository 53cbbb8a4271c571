"""Homes and team secrets: what is made, what is left alone, and what is said when it is missing."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from fairihub_core.errors import FairihubError
from fairihub_core.homes import prepare_home
from fairihub_core.offers import Offer
from fairihub_core.team_secrets import MAX_BYTES, secrets_of

from .conftest import team


def test_a_home_is_private_and_has_its_links(places):
    home = prepare_home(places, "uc4", "ada", "cubes")
    assert home.kept == ()
    assert home.path == places.home("uc4", "ada")
    assert home.path.stat().st_mode & 0o777 == 0o700
    (home.path / "s3/x").write_text("in the bucket")
    assert (places.bucket("cubes") / "x").exists()
    assert (home.path / "shared").resolve() == places.library("uc4").resolve()


def test_many_at_once_prepare_one_home(places):
    """Runs of a member begin side by side, with different buckets, too."""
    buckets = ["cubes", "other"] * 200
    with ThreadPoolExecutor(8) as many:
        list(many.map(lambda bucket: prepare_home(places, "uc4", "ada", bucket), buckets))
    home = places.home("uc4", "ada")
    assert sorted(path.name for path in home.iterdir()) == ["s3", "shared"]
    assert (home / "s3").resolve() in (places.bucket("cubes"), places.bucket("other"))


def test_a_data_folder_can_be_moved(places):
    prepare_home(places, "uc4", "ada", "cubes")
    moved = places.data.with_name("moved")
    places.data.rename(moved)
    link = moved / "homes/uc4/ada/s3"
    assert link.resolve() == (moved / "s3/buckets/cubes").resolve()


@pytest.mark.parametrize(
    ("there", "bucket", "leads_to", "kept"),
    [
        ("link to s3/buckets/other", "cubes", "cubes", ()),
        ("link to s3/buckets/other", None, None, ()),
        ("link to s3/buckets/gone", "cubes", "cubes", ()),
        ("link to elsewhere", "cubes", "elsewhere", ("s3",)),
        ("link to elsewhere", None, "elsewhere", ()),
        ("link to homes/uc5", "cubes", "uc5", ("s3",)),
        ("file", "cubes", "s3", ("s3",)),
        ("folder", "cubes", "s3", ("s3",)),
        ("folder", None, "s3", ()),
        ("nothing", None, None, ()),
    ],
)
def test_only_links_of_our_own_are_replaced(places, there, bucket, leads_to, kept):
    places.bucket("other").mkdir(parents=True)
    (places.data / "elsewhere").mkdir()
    path = places.home("uc4", "ada")
    path.mkdir(parents=True)
    if there == "file":
        (path / "s3").write_text("mine")
    elif there == "folder":
        (path / "s3").mkdir()
    elif there != "nothing":
        (path / "s3").symlink_to(places.data / there.removeprefix("link to "))
    assert prepare_home(places, "uc4", "ada", bucket).kept == kept
    assert os.path.lexists(path / "s3") is (leads_to is not None)
    assert leads_to is None or (path / "s3").resolve().name == leads_to


def offer_with(*secrets: str) -> Offer:
    made = team("uc4", "ada", small={"secret_names": secrets})
    return Offer(made, made.profiles[0])


@pytest.fixture
def secret(places):
    folder = places.secret("uc4", "qhub")
    folder.mkdir(parents=True)
    return folder


def test_secrets_become_variables(places, secret):
    (secret / "USER_NAME").write_text("ada\n")
    (secret / "KEY_2").write_bytes("ä=,{}\r\n".encode())
    (secret / "MANY").write_text("a\nb\n\n")
    (secret / "not-a-name").write_text("x")
    (secret / "ümlaut").write_text("x")
    (secret / "JUPYTERHUB_SINGLEUSER_EXTENSION").write_text("0")
    (secret / "PATH").write_text("/evil")
    (secret / ".hidden").write_text("x")
    (secret / "folder").mkdir()
    assert secrets_of(offer_with("qhub"), places) == {
        "USER_NAME": "ada",
        "KEY_2": "ä=,{}",
        "MANY": "a\nb\n",
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no-secret: This hub has no folder for the secret “qhub” of team “uc4”"),
        (
            b"x" * (MAX_BYTES + 1),
            "bad-secret: Key “KEY” of the secret “qhub” of team “uc4” is",
        ),
        (b"can\xffary", "bad-secret: Key “KEY” of the secret “qhub” of team “uc4” is not text"),
        (b"can\0ary", "bad-secret: Key “KEY” of the secret “qhub” of team “uc4” is not text"),
    ],
)
def test_a_missing_or_broken_secret_is_refused_by_name(places, content, says):
    if content is not None:
        folder = places.secret("uc4", "qhub")
        folder.mkdir(parents=True)
        (folder / "KEY").write_bytes(content)
    with pytest.raises(FairihubError) as refused:
        secrets_of(offer_with("qhub"), places)
    message = f"{refused.value.code}: {refused.value.message}"
    assert message.startswith(says)
    assert "Ask the operator of the hub, or ada of your team." in message
    assert "ary" not in message
