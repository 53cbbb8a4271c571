"""Copies into the home: never outside it, never over something, with a kernel that is there."""

from __future__ import annotations

import json

import nbformat
import pytest

from fairihub_catalog import home
from fairihub_catalog.kernels import match_for
from fairihub_catalog.models import Kernel, Share
from fairihub_core.errors import BadInput, Conflict, FairihubError, Missing
from fairihub_core.homes import own_places, prepare_home
from tests.catalog.helpers import notebook, put

PY = Kernel(name="python3", display_name="Python 3", language="python")
ENV = Kernel(name="conda-env-geo-py", display_name="Geo", language="python")
R = Kernel(name="ir", display_name="R", language="R")


@pytest.mark.parametrize(
    ("wanted", "here", "name", "by"),
    [
        (PY, [ENV, PY, R], "python3", "name"),
        (Kernel(name="edc", language="python"), [ENV, PY, R], "python3", "language"),
        (Kernel(name="edc", language="Python"), [ENV], "conda-env-geo-py", "language"),
        (Kernel(name="xr", language="r"), [PY, R], "ir", "language"),
        (Kernel(name="julia", language="julia"), [PY, R], None, "nothing"),
        (Kernel(), [PY, R], None, "nothing"),
        (Kernel(name="python3"), [], None, "nothing"),
    ],
)
def test_match_for(wanted, here, name, by):
    match = match_for(wanted, here)
    assert (match.name, match.by, match.matched) == (name, by, name is not None)
    assert match.available == (() if name else tuple(here))


def home_in(folder):
    return home.Home(folder, own_places(folder, "cubes"))


def copied(folder, path="copy.ipynb", made=None, kernels=(PY,)):
    raw = nbformat.writes(made or notebook()).encode()
    return home.put_copy(
        home_in(folder), path, raw, {"id": "uc1.a", "version": "v1"}, list(kernels)
    )


def test_a_copy_knows_where_it_comes_from_and_runs_here(tmp_path):
    made = notebook()
    made.metadata["kernelspec"] = {"name": "edc", "display_name": "EDC", "language": "python"}
    match = copied(tmp_path, made=made)
    assert (match.name, match.wanted) == ("python3", "EDC")
    raw = json.loads((tmp_path / "copy.ipynb").read_text())
    assert raw["metadata"]["kernelspec"]["name"] == "python3"
    assert raw["metadata"]["fairihub"] == {"id": "uc1.a", "version": "v1"}
    assert [p.name for p in tmp_path.iterdir()] == ["copy.ipynb"]


def test_nothing_is_overwritten_not_even_a_broken_link(tmp_path):
    (tmp_path / "a.ipynb").write_text("mine")
    (tmp_path / "a-1.ipynb").symlink_to("nowhere")
    with pytest.raises(Conflict) as caught:
        copied(tmp_path, "a.ipynb")
    assert caught.value.to_dict()["suggestion"] == "a-2.ipynb"
    assert caught.value.to_dict()["path"] == "a.ipynb"
    assert (tmp_path / "a.ipynb").read_text() == "mine"


@pytest.mark.parametrize(
    "path",
    [
        "../a.ipynb",
        "/tmp/a.ipynb",
        "x/../../a.ipynb",
        "~/a.ipynb",
        ".hidden.ipynb",
        "link/a.ipynb",
        "shared/a.ipynb",
        "a\\b.ipynb",
        "a\0.ipynb",
        "a.txt",
        "",
        "file.ipynb/a.ipynb",
        "nothing/a.ipynb",
    ],
)
def test_a_copy_never_leaves_the_home(tmp_path, path):
    folder, outside = tmp_path / "home", tmp_path / "outside"
    outside.mkdir(parents=True)
    put(folder / "file.ipynb", b"")
    (folder / "link").symlink_to(outside)
    (folder / "shared").symlink_to(outside)
    with pytest.raises((BadInput, Missing)):
        copied(folder, path)
    assert list(outside.iterdir()) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "outside"]


@pytest.mark.parametrize(
    ("identifier", "path"),
    [("uc1.ndvi", "ndvi.ipynb"), ("public.a-b", "a-b.ipynb"), ("odd/../x", "x.ipynb")],
)
def test_default_path(identifier, path):
    assert home.default_path(identifier) == path


def share(path: str) -> Share:
    return Share(path=path, team="uc1", title="T")


def test_sharing_reads_the_notebook_and_nothing_else(tmp_path):
    put(tmp_path / "work/a.ipynb", notebook("A"))
    body = json.loads(home.contribution_body(home_in(tmp_path), share("work/a.ipynb")))
    assert (body["filename"], body["team"], body["title"]) == ("a.ipynb", "uc1", "T")
    assert body["content"]["cells"]


def test_sharing_from_the_bucket_and_copying_into_it(places):
    folder = prepare_home(places, "uc1", "ada", "cubes").path
    put(places.bucket("cubes") / "deep/a.ipynb", notebook("A"))
    put(places.library("uc1") / "b.ipynb", notebook("B"))
    assert home.contribution_body(home_in(folder), share("s3/deep/a.ipynb"))
    assert home.contribution_body(home_in(folder), share("shared/b.ipynb"))
    assert home.existing(home_in(folder), "s3/deep/a.ipynb")
    copied(folder, "s3/deep/c.ipynb")
    assert (places.bucket("cubes") / "deep/c.ipynb").is_file()


@pytest.mark.parametrize("link", ["s3", "shared"])
@pytest.mark.parametrize("leads_to", ["homes/uc1/bob", "s3/buckets/other", "library/uc2", ""])
def test_a_link_that_is_not_fairihubs_own_is_not_followed(places, link, leads_to):
    folder = prepare_home(places, "uc1", "ada", "cubes").path
    other = places.data / leads_to
    put(other / "theirs.ipynb", notebook("Theirs"))
    (folder / link).unlink()
    (folder / link).symlink_to(other)
    attempts = (
        lambda: home.contribution_body(home_in(folder), share(f"{link}/theirs.ipynb")),
        lambda: home.existing(home_in(folder), f"{link}/theirs.ipynb"),
        lambda: copied(folder, f"{link}/planted.ipynb"),
    )
    for attempt in attempts:
        with pytest.raises(BadInput, match="passes through a link"):
            attempt()
    assert not (other / "planted.ipynb").exists()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../a.ipynb", "bad-path"),
        ("/etc/passwd.ipynb", "bad-path"),
        ("link.ipynb", "bad-path"),
        ("s3/link.ipynb", "bad-path"),
        ("a.txt", "no-notebook-path"),
        ("nothing.ipynb", "no-such-file"),
        ("folder.ipynb", "no-such-file"),
        ("broken.ipynb", "no-notebook"),
        ("huge.ipynb", "too-large"),
    ],
)
def test_bad_paths_to_share(tmp_path, places, path, code):
    folder = prepare_home(places, "uc1", "ada", "cubes").path
    put(tmp_path / "outside.ipynb", notebook())
    put(folder / "broken.ipynb", b"nothing")
    put(folder / "a.txt", b"")
    put(folder / "huge.ipynb", b" " * 21 * 2**20)
    (folder / "folder.ipynb").mkdir()
    (folder / "link.ipynb").symlink_to(tmp_path / "outside.ipynb")
    (folder / "s3/link.ipynb").symlink_to(tmp_path / "outside.ipynb")
    with pytest.raises(FairihubError) as caught:
        home.contribution_body(home_in(folder), share(path))
    assert caught.value.code == code
