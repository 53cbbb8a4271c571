"""The library follows its folders, and nothing in them harms it."""

from __future__ import annotations

import os
import time

import pytest

from fairihub_catalog.catalogue import hub_sources
from fairihub_catalog.index import Query
from tests.catalog.helpers import DIRECTORY, notebook, put
from tests.support.waiting import eventually

ALL = Query(visible=("uc1", "uc2", "public"))


def ids(catalogue) -> list[str]:
    return sorted(n.id for n in catalogue.index.search(ALL).notebooks)


def test_a_folder_is_a_category_and_a_team_sees_its_own(catalogue, places):
    put(places.library("uc1") / "land_cover/deep/ndvi.ipynb", notebook("NDVI", tags=["s2"]))
    put(places.library() / "start.ipynb", notebook("Start"))
    catalogue.library.scan()
    entry = catalogue.index.find("uc1.land-cover-deep-ndvi", ("uc1",)).entry
    assert (entry.title, entry.tags, entry.description) == (
        "NDVI",
        ("land cover", "s2"),
        "About NDVI.",
    )
    assert entry.kernel.name == "python3"
    assert ids(catalogue) == ["public.start", "uc1.land-cover-deep-ndvi"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no-notebook"),
        (b"[1, 2]", "no-notebook"),
        (b'{"cells": 1}', "no-notebook"),
        (b"\xff\xfe\x00", "no-notebook"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "no-notebook"),
        (
            b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {"x": NaN}, "cells": []}',
            "no-notebook",
        ),
        (b"x" * (21 * 2**20), "too-large"),
    ],
)
def test_a_broken_notebook_is_reported_and_the_rest_works(catalogue, places, content, code):
    put(places.library("uc1") / "broken.ipynb", content)
    put(places.library("uc1") / "fine.ipynb", notebook())
    catalogue.library.scan()
    assert ids(catalogue) == ["uc1.fine"]
    ((source, path, finding),) = catalogue.index.findings()
    assert (source, path, finding.code) == ("library/uc1", "broken.ipynb", code)


def test_links_hidden_and_other_files_are_left_alone(catalogue, places, tmp_path):
    outside = put(tmp_path / "outside/secret.ipynb", notebook("Secret"))
    folder = places.library("uc1")
    put(folder / "fine.ipynb", notebook())
    put(folder / ".ipynb_checkpoints/fine.ipynb", notebook())
    put(folder / "readme.md", b"# no notebook")
    (folder / "link.ipynb").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "folder.ipynb").mkdir()
    catalogue.library.scan()
    assert ids(catalogue) == ["uc1.fine"]


def test_a_file_that_becomes_a_link_is_not_read(catalogue, places, tmp_path):
    outside = put(tmp_path / "secret.ipynb", notebook("Secret"))
    path = put(places.library("uc1") / "fine.ipynb", notebook())
    catalogue.library.scan()
    found = catalogue.index.find("uc1.fine", ("uc1",))
    path.unlink()
    path.symlink_to(outside)
    with pytest.raises(Exception, match="not there any more"):
        catalogue.content(found)


def test_only_what_changed_is_read_again(catalogue, places, monkeypatch):
    folder = places.library("uc1")
    put(folder / "a.ipynb", notebook("A"))
    put(folder / "b.ipynb", notebook("B"))
    catalogue.library.scan()
    read = []
    reader = catalogue.library._reader
    facts = reader.facts
    monkeypatch.setattr(
        reader, "facts", lambda root, path: (read.append(path), facts(root, path))[1]
    )
    catalogue.library.scan()
    assert read == []
    put(folder / "b.ipynb", notebook("B, second"))
    (folder / "a.ipynb").unlink()
    catalogue.library.scan()
    assert read == ["b.ipynb"]
    assert ids(catalogue) == ["uc1.b"]


def test_odd_names_are_no_trouble(catalogue, places):
    folder = places.library("uc1")
    for name in ("<img src=x onerror=alert(1)>", "emoji 🛰", "new\nline", "ع ربي", "a" * 200):
        put(folder / f"{name}.ipynb", notebook(name))
    bad = os.fsencode(folder) + b"/\xff.ipynb"
    with open(bad, "wb") as file:
        file.write(b"{}")
    catalogue.library.scan()
    assert len(ids(catalogue)) == 5


def test_a_new_file_appears_within_seconds(catalogue, places):
    catalogue.library.start()
    put(places.library("uc2") / "new.ipynb", notebook())
    began = time.monotonic()
    assert eventually(lambda: ids(catalogue) == ["uc2.new"], 15)
    assert time.monotonic() - began < 15


def test_sources_of_a_hub_are_its_teams_and_everyone(places):
    sources = hub_sources(places, places.catalog / "published", DIRECTORY)
    assert [(s.key, s.team, s.origin) for s in sources][:4] == [
        ("published/uc1", "uc1", "contribution"),
        ("published/uc2", "uc2", "contribution"),
        ("published/old", "old", "contribution"),
        ("library/uc1", "uc1", "library"),
    ]
    assert sources[-1].team == "public"
