"""Inputs of runs that bring something in or out: a revision of a repository, a folder for files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairihub_core.errors import FairihubError
from fairihub_core.homes import behind_own_link
from fairihub_headless.checkout import repository_of
from fairihub_headless.models import RunState, WorkOrder
from fairihub_headless.processes.notebook_request import asked_of_notebook
from fairihub_headless.results.left import glued_in
from fairihub_headless.settings import CheckoutSettings
from fairihub_headless.sources import CatalogSource, Sources
from fairihub_headless.worker import copies
from tests.support.git_origin import Origin
from tests.support.runs import GLUE

SEEN = GLUE + (
    "import os, tool\nfrom pathlib import Path\n"
    "here = os.environ['ALGORITHM_DIRECTORY']\n"
    "glue('seen', [tool.version, os.getcwd() == here, Path(here, 'tool.py').exists()])"
)


@pytest.fixture
def origin(house: Any, tmp_path: Path) -> Origin:
    """A repository, and a house whose operator has set it."""
    origin = Origin(tmp_path / "served")
    asked = CheckoutSettings(url=str(origin.path))
    settings = house.runs.settings.model_copy(update={"checkout_git_repo": asked})
    house.runs.settings = house.engine._settings = settings
    repository = repository_of(settings, house.places)
    house.runs.sources = Sources(house.places, CatalogSource(None), repository)
    return origin


def glued_by(house: Any, run: Any) -> Any:
    return glued_in(house.runs.folder(run), "executed.ipynb").scraps


async def test_a_notebook_of_a_revision_runs_beside_its_files_and_again(
    house: Any, origin: Origin, notebook: Callable[..., str]
) -> None:
    first = origin.commit({"notebook.ipynb": notebook(SEEN), "tool.py": "version = 1"})
    asked = {"notebook": "git/algorithm/notebook.ipynb", "git_revision": "main"}
    run = await house.ended(
        await house.runs.submit(asked_of_notebook({"inputs": asked}), house.caller())
    )
    assert run.state is RunState.successful, run.failure
    assert glued_by(house, run) == {"seen": [1, True, True]}
    assert (run.source.kind, run.source.revision, run.git_revision) == ("git", first, "main")
    second = origin.commit({"tool.py": "version = 2"})
    same = await house.ended(await house.runs.again(run.id, {}, house.caller()))
    changes = {"inputs": {"git_revision": second}}
    newer = await house.ended(await house.runs.again(run.id, changes, house.caller()))
    assert [glued_by(house, r)["seen"][0] for r in (same, newer)] == [1, 2]
    assert not list(house.runs.folder(run).path.rglob("tool.py"))


async def test_a_notebook_of_the_home_finds_the_revision(house: Any, origin: Origin) -> None:
    origin.commit({"tool.py": "version = 3"})
    cell = GLUE + "import os\nglue('seen', sorted(os.listdir(os.environ['ALGORITHM_DIRECTORY'])))"
    run = await house.ended(await house.submit(cell, git_revision="main"))
    assert glued_by(house, run) == {"seen": ["tool.py"]}


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"git_revision": "main"}, "no-repository"),
        ({"git_revision": "--upload-pack=x"}, "bad-input"),
        ({"run_on_fargate": True}, "no-fargate"),
        ({"result_data_directory": "../out"}, "bad-path"),
        ({"result_data_directory": "/out"}, "bad-path"),
        ({"result_data_directory": "~bob/out"}, "bad-path"),
        ({"result_data_directory": ".hidden/out"}, "bad-path"),
        ({"result_data_directory": "out/{owner}"}, "bad-input"),
        ({"result_data_directory": ""}, "bad-path"),
        ({"notebook_version": "0" * 40}, "bad-input"),
    ],
)
async def test_what_is_refused(house: Any, inputs: Any, code: str) -> None:
    with pytest.raises(FairihubError) as refused:
        await house.submit("1", **inputs)
    assert refused.value.code == code


RESULTS = (
    "import os\nfrom pathlib import Path\nr = Path(os.environ['RESULTS_DIRECTORY'])\n"
    "(r / 'deep').mkdir()\n(r / 'deep' / 'a.txt').write_text('new')\n"
    "(r / '.hidden').write_text('x')\n(r / 'link').symlink_to('/etc/passwd')\n"
)


async def test_result_files_are_copied_into_the_home(house: Any) -> None:
    home = house.places.home("uc1", "ada")
    house.put("old", "out/latest/deep/a.txt")
    run = await house.submit(RESULTS, result_data_directory="out/latest", run_on_fargate=False)
    named = await house.submit(RESULTS, path="b.ipynb", result_data_directory="~/out/{job_name}/")
    run, named = await house.ended(run), await house.ended(named)
    assert "2 files are at ~/out/latest. Left out, as links are: 1." in run.message
    for folder in ("latest", named.id):
        there = home / "out" / folder
        assert (there / "deep" / "a.txt").read_text() == "new"
        assert sorted(p.name for p in there.iterdir()) == [".hidden", "deep"]
    left = house.runs.folder(run).files / "results" / "deep" / "a.txt"
    (home / "out" / "latest" / "deep" / "a.txt").write_text("changed")
    assert left.read_text() == "new"


async def test_a_failed_run_copies_nothing(house: Any) -> None:
    run = await house.submit(RESULTS, "1 / 0", result_data_directory="out")
    assert (await house.ended(run)).state is RunState.failed
    assert not (house.places.home("uc1", "ada") / "out").exists()


def test_a_link_that_is_put_there_after_the_check_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (home / "out" / "deep").mkdir(parents=True)
    elsewhere.mkdir()
    order = WorkOrder(run="1", cwd="", home=str(home), notebook_name="a.ipynb",
                      max_output_bytes=1, max_log_bytes=1)  # fmt: skip

    def swapped(*given: Any) -> Any:
        found = behind_own_link(*given)
        (home / "out" / "deep").rmdir()
        (home / "out" / "deep").symlink_to(elsewhere)
        return found

    monkeypatch.setattr(copies, "behind_own_link", swapped)
    with pytest.raises(OSError, match="deep"):
        copies.opened_in_home(order, "out/deep")
    assert os.listdir(elsewhere) == []


def test_a_copy_is_put_beside_what_is_there_and_through_our_own_links_only(tmp_path: Path) -> None:
    home, shared = tmp_path / "home", tmp_path / "shared"
    home.mkdir()
    shared.mkdir()
    (home / "shared").symlink_to(shared)
    order = WorkOrder(run="1", cwd="", home=str(home), notebook_name="a.ipynb",
                      own_places=(str(shared),), max_output_bytes=1, max_log_bytes=1)  # fmt: skip
    names = [
        copies.put_beside(copies.opened_in_home(order, "shared/x"), "a.ipynb", content)
        for content in (b"1", b"2")
    ]
    assert names == ["a.ipynb", "a (1).ipynb"]
    assert (shared / "x" / "a (1).ipynb").read_bytes() == b"2"
    with pytest.raises(FairihubError):
        copies.opened_in_home(order.model_copy(update={"own_places": ()}), "shared/x")


async def test_no_link_in_the_home_leads_the_copies_elsewhere(house: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    house.put("x", "a/b.txt")
    (house.places.home("uc1", "ada") / "out").symlink_to(elsewhere)
    run = await house.ended(await house.submit(RESULTS, result_data_directory="out"))
    assert run.state is RunState.successful
    assert "could not be copied to ~/out" in run.message
    assert os.listdir(elsewhere) == []
