"""A run again: the very notebook, parameters and limits of before, with what was changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from fairihub_core.errors import BadInput, FairihubError
from fairihub_core.parameters import parameters_of
from fairihub_core.teams import TeamDirectory
from fairihub_headless.again import repeated, shown_parameters, unstarred
from fairihub_headless.models import Environment, Limits, Run, RunState
from fairihub_headless.processes.execute_notebook import execute_notebook
from fairihub_headless.results.left import glued_in
from fairihub_headless.web.openapi_schemas import schemas
from fairihub_headless.worker.execution import Execution
from tests.support.runs import GLUE

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
RUN = Run(
    id="1", owner="ada", team="uc1", profile="uc1.small", notebook="work.ipynb", digest="x",
    parameters={"a": 1, "b": 2, "api_token": "canary", "deep": {"password": "canary2", "x": 1}},
    limits=Limits(mem_limit=2**30), kernel="python3", deadline=60.0, created=NOW, updated=NOW,
)  # fmt: skip


def parameters(changes: Any, *, whole: bool = False) -> Any:
    asked = repeated(RUN, {"inputs": changes}, whole=whole)
    return asked["inputs"]["parameters_json"]


def test_without_changes_it_is_the_same() -> None:
    asked = repeated(RUN, {})["inputs"]
    assert asked == {
        "notebook": "work.ipynb", "team": "uc1", "profile": "uc1.small", "kernel": "python3",
        "deadline": 60.0, "priority": "normal", "mem_limit": 2**30,
        "parameters_json": RUN.parameters,
    }  # fmt: skip


def test_what_may_change_is_what_the_document_says() -> None:
    told = schemas([execute_notebook((), None)])["Again"]["properties"]
    assert repeated(RUN, {name: {} for name in told}).keys() == told.keys()
    with pytest.raises(BadInput, match=", ".join(told)):
        repeated(RUN, {"other": 1})


@pytest.mark.parametrize(
    ("given", "whole", "left"),
    [
        ({"a": 5}, False, {**RUN.parameters, "a": 5}),
        ({"a": 5}, True, {"a": 5}),
        ({"api_token": "*****"}, True, {"api_token": "canary"}),
        ({"api_token": "new"}, True, {"api_token": "new"}),
        (
            {"deep": {"password": "*****", "x": 2}},
            True,
            {"deep": {"password": "canary2", "x": 2}},
        ),
    ],
)
def test_parameters(given: Any, whole: bool, left: Any) -> None:
    assert parameters({"parameters_json": given}, whole=whole) == left


def test_what_is_shown_leads_back_to_what_was_stored() -> None:
    shown = shown_parameters(RUN, ())
    assert "canary" not in str(shown)
    assert unstarred(shown, RUN.parameters) == RUN.parameters
    stored = {"db": "pg://u:canary@h/d"}
    assert unstarred({"db": "pg://u:*****@h/d"}, stored) == stored


def test_stars_that_were_given_once_are_given_again() -> None:
    assert unstarred({"a": "*****"}, {"a": "*****"}) == {"a": "*****"}


@pytest.mark.parametrize(
    "given",
    [
        {"a": "*****"},
        {"b_token": "*****"},
        {"other": {"password": "*****"}},
        {"a": ["*****"]},
        {"a": "pg://u:*****@h/d"},
    ],
)
def test_stars_where_nothing_was_starred_are_refused(given: Any) -> None:
    with pytest.raises(BadInput, match="stands for a secret"):
        parameters({"parameters_json": given})


def test_other_inputs_change_and_null_takes_back() -> None:
    changed = repeated(RUN, {"inputs": {"kernel": None, "mem_limit": "512Mi", "team": "uc2"}})
    asked = changed["inputs"]
    assert ("kernel" in asked, asked["mem_limit"], "profile" in asked) == (False, "512Mi", False)


@pytest.mark.parametrize("profile", ["large", "uc1.large", None])
def test_another_profile_has_its_own_sizes(profile: Any) -> None:
    assert "mem_limit" not in repeated(RUN, {"inputs": {"profile": profile}})["inputs"]
    small = {"profile": "large", "mem_limit": "1Gi"}
    assert repeated(RUN, {"inputs": small})["inputs"]["mem_limit"] == "1Gi"


@pytest.mark.parametrize("same", [{"profile": "small"}, {"profile": "uc1.small"}, {"team": "uc1"}])
def test_the_same_profile_keeps_what_was_asked_for(same: Any) -> None:
    asked = repeated(RUN, {"inputs": same})["inputs"]
    assert asked["mem_limit"] == 2**30
    assert asked["profile"].endswith("small")


def test_null_takes_all_parameters_back_and_outputs_can_be_others() -> None:
    assert parameters({"parameters_json": None}) == {}
    assert parameters({"parameters_json": {"a": None}})["a"] is None
    changes = {"outputs": {"scraps": {}}, "response": "raw"}
    asked = repeated(RUN, changes)
    assert {name: asked[name] for name in changes} == changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"inputs": {"notebook": "other.ipynb"}}, "bad-input"),
        ({"inputs": {"notebook_version": "0" * 40}}, "bad-input"),
        ({"inputs": []}, "no-inputs"),
        ({"mode": "sync"}, "unknown-input"),
        ({"inputs": {"parameters_json": [1]}}, "bad-parameters"),
        ({"inputs": {"parameters_json": {}, "parameters": "e30="}}, "bad-parameters"),
    ],
)
def test_what_is_no_change(changes: Any, code: str) -> None:
    with pytest.raises(FairihubError) as refused:
        repeated(RUN, changes)
    assert refused.value.code == code


@pytest.mark.parametrize(("before", "said"), [(None, 0), ("now", 0), ("then", 1)])
def test_other_packages_than_before_are_said(before: str | None, said: int) -> None:
    kernel = SimpleNamespace(
        environment=lambda: Environment(kernel="python3", digest="now"),
        command=(), guardian=None, unheard=False,
    )  # fmt: skip
    notes: list[str] = []
    worker: Any = SimpleNamespace(
        _kernel=kernel, _order=SimpleNamespace(packages=before), _note=notes.append,
        _line=SimpleNamespace(kernel=lambda _: None), _bounded=True,
    )  # fmt: skip
    Execution.kernel_up(worker, 1)
    assert len(notes) == said


async def test_the_notebook_of_before_runs_also_when_it_has_changed_or_gone(
    house: Any, notebook: Callable[..., str]
) -> None:
    cell = GLUE + "import os\nglue('seen', [a, api_token == 'caller-canary'])"
    file = house.put(notebook(cell, parameters="a = 1\napi_token = ''"))
    given = {"a": 5, "api_token": "caller-canary"}
    first = await house.ended(await house.submit(parameters_json=given, output_filename="mine"))
    file.write_text(notebook("raise SystemExit('another notebook')"))
    second = await house.runs.again(first.id, {}, house.caller())
    file.unlink()
    third = await house.runs.again(
        second.id, {"inputs": {"parameters_json": {"a": 6}}}, house.caller()
    )
    second, third = await house.ended(second), await house.ended(third)
    seen = [
        glued_in(house.runs.folder(run), "mine.ipynb").scraps["seen"]
        for run in (first, second, third)
    ]
    assert seen == [[5, True], [5, True], [6, True]]
    assert {run.digest for run in (second, third)} == {first.digest}
    assert first.environment.digest is not None
    assert second.source.packages == first.environment.digest
    assert "packages" not in second.message
    assert (third.source.kind, third.source.run, third.limits) == ("run", second.id, first.limits)


def test_what_was_left_out_is_shown_with_its_default_where_that_can_be_given() -> None:
    source = 'day = "mon"  # type: str\nn = 3\nnone = None\nat = now()\ntoken = "x"\nonly: int'
    cell = new_code_cell(source, metadata={"tags": ["parameters"]})
    run = RUN.model_copy(update={"parameters": {"n": 4}})
    shown = shown_parameters(run, parameters_of(new_notebook(cells=[cell])))
    assert shown == {"day": "mon", "n": 4, "none": None}


async def test_today_decides_what_may_be_repeated(house: Any, notebook: Callable[..., str]) -> None:
    house.put(notebook("1", parameters="a = 1"))
    run = await house.ended(await house.submit(mem_limit="1Gi"))
    small = house.directory.teams[0].profiles[0].model_copy(update={"mem_limit": 2**29})
    team = house.directory.teams[0].model_copy(update={"profiles": (small,)})
    house.directory = TeamDirectory(teams=(team,))
    again = await house.runs.again(run.id, {}, house.caller())
    assert again.limits.mem_limit == 2**29
    for changes, code in (
        ({"inputs": {"parameters_json": {"b": 1}}}, "undeclared-parameter"),
        ({"inputs": {"profile": "tiny"}}, "unknown-profile"),
    ):
        assert await refusal(house, run, changes) == code
    await house.ended(again)
    assert await refusal(house, run, {}, login="bob") == "no-such-job"


async def refusal(house: Any, run: Run, changes: Any, login: str = "ada") -> str:
    with pytest.raises(FairihubError) as refused:
        await house.runs.again(run.id, changes, house.caller(login))
    return refused.value.code


async def test_what_has_expired_or_was_tampered_with_is_not_repeated(house: Any) -> None:
    run = await house.ended(await house.submit("1"))
    assert run.state is RunState.successful
    kept = house.runs.folder(run).notebook
    content = kept.read_bytes()
    kept.write_bytes(content + b" ")
    assert await refusal(house, run, {}) == "notebook-changed"
    kept.write_bytes(content)
    house.runs.store.keeping.expire(run.id)
    assert await refusal(house, run, {}) == "expired"


async def test_pins_have_an_end(house: Any) -> None:
    house.runs.settings = house.runs.settings.model_copy(update={"max_pinned_per_member": 1})
    runs = [await house.ended(await house.submit("1", path=f"{n}.ipynb")) for n in range(2)]
    pinned = await house.runs.pin(runs[0].id, house.caller(), pinned=True)
    assert pinned.pinned
    assert (await house.runs.pin(runs[0].id, house.caller(), pinned=True)).pinned
    with pytest.raises(FairihubError, match="pinned 1 runs"):
        await house.runs.pin(runs[1].id, house.caller(), pinned=True)
    with pytest.raises(FairihubError, match="no job"):
        await house.runs.pin(runs[0].id, house.caller("bob"), pinned=False)
    assert not (await house.runs.pin(runs[0].id, house.caller(), pinned=False)).pinned
    house.runs.store.keeping.expire(runs[0].id)
    with pytest.raises(FairihubError, match="deleted to make room"):
        await house.runs.pin(runs[0].id, house.caller(), pinned=True)


async def test_without_room_nothing_is_accepted(house: Any) -> None:
    house.runs.settings = house.runs.settings.model_copy(update={"min_free_bytes": 2**62})
    with pytest.raises(FairihubError) as refused:
        await house.submit("1")
    assert (refused.value.code, refused.value.status) == ("no-room", 503)
