"""The data folder: made once, never mistaken for another, one hub at a time, private."""

from __future__ import annotations

import os
import sys

import pytest

from fairihub import datafolder, processes
from fairihub_core.errors import BadInput, Conflict, Unavailable


def test_a_new_folder_is_made_private(tmp_path):
    places = datafolder.opened(tmp_path / "data")
    assert (places.data / "version").read_text().strip() == datafolder.VERSION
    assert places.data.stat().st_mode & 0o077 == 0
    assert datafolder.opened(tmp_path / "data") == places


def test_the_folder_of_another_version_is_left_alone(tmp_path):
    places = datafolder.opened(tmp_path / "data")
    (places.data / "version").write_text("99\n")
    with pytest.raises(BadInput, match="data version “99”") as refusal:
        datafolder.opened(tmp_path / "data")
    assert refusal.value.code == "other-version"


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(BadInput, match="no data folder of fairihub"):
        datafolder.opened(tmp_path)
    with pytest.raises(BadInput, match="no data folder of fairihub"):
        datafolder.opened(tmp_path / "thesis.tex")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_one_hub_at_a_time(tmp_path):
    places = datafolder.opened(tmp_path / "data")
    with datafolder.held(places), pytest.raises(Conflict, match="already"), datafolder.held(places):
        pass
    with datafolder.held(places):
        datafolder.announce(places, datafolder.Running("http://127.0.0.1:1", 1))
        assert datafolder.running_hub(places).pid == 1
    with pytest.raises(Unavailable, match="No hub runs"):
        datafolder.running_hub(places)


def test_who_inherits_the_lock_holds_the_folder(tmp_path):
    places = datafolder.opened(tmp_path / "data")
    with datafolder.held(places) as lock:
        child = processes.start(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            environment=os.environ,
            folder=tmp_path,
            log=tmp_path / "log",
            inherits=(lock,),
        )
    with pytest.raises(Conflict, match="already"), datafolder.held(places):
        pass
    child.kill()
    child.wait()
    with datafolder.held(places):
        pass


def test_tokens_are_made_once_and_private(tmp_path):
    places = datafolder.opened(tmp_path / "data")
    token = datafolder.token(places, "cli")
    assert len(token) == 64
    assert datafolder.token(places, "cli") == token
    assert (places.tokens / "cli").stat().st_mode & 0o777 == 0o600


def test_seeding_touches_nothing_that_is_there(tmp_path):
    places = datafolder.opened(tmp_path / "data")
    examples = tmp_path / "examples"
    for name in ("public", "uc4"):
        (examples / name).mkdir(parents=True)
        (examples / name / "a.ipynb").write_text(name)
    datafolder.seed_library(places, examples, ["uc4", "other"])
    (places.library("uc4") / "a.ipynb").write_text("mine")
    datafolder.seed_library(places, examples, ["uc4", "other"])
    assert (places.library("uc4") / "a.ipynb").read_text() == "mine"
    assert (places.library() / "a.ipynb").read_text() == "public"
    datafolder.seed_secrets(places, [("uc4", "key")])
    first = (places.secret("uc4", "key") / "DEMO_API_KEY").read_text()
    datafolder.seed_secrets(places, [("uc4", "key")])
    assert (places.secret("uc4", "key") / "DEMO_API_KEY").read_text() == first
