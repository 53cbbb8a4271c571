"""What an execute request may say, and how it is cut to the profile."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from fairihub_core.errors import FairihubError
from fairihub_core.offers import offers_for
from fairihub_core.teams import TeamDirectory
from fairihub_headless.engine.queueing import Slots
from fairihub_headless.models import Limits
from fairihub_headless.payload import json_object
from fairihub_headless.processes.notebook_request import (
    NotebookRequest,
    asked_of_notebook,
    request_of,
)

GIB = 2**30
Parse = Callable[..., NotebookRequest]


@pytest.fixture
def parse(directory: TeamDirectory) -> Parse:
    """The request that these inputs make, by a member."""

    def reader(body: Any = None, login: str = "ada", **inputs: Any) -> NotebookRequest:
        offers = offers_for(login, directory, date(2026, 6, 1))
        usual = {"inputs": {"notebook": "a.ipynb", **inputs}}
        return request_of(asked_of_notebook(usual if body is None else body), offers)

    return reader


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("inputs", "parameters"),
    [
        ({}, {}),
        ({"parameters_json": {"a": 1, "b": [1, {"c": None}]}}, {"a": 1, "b": [1, {"c": None}]}),
        ({"parameters": b64("a: 1\nday: 2024-02-29\nlist: [x, 1.5]")},
         {"a": 1, "day": "2024-02-29", "list": ["x", 1.5]}),
    ],
)  # fmt: skip
def test_both_forms_of_parameters(parse: Parse, inputs: Any, parameters: Any) -> None:
    assert parse(**inputs).parameters == parameters


@pytest.mark.parametrize(
    ("inputs", "limits"),
    [
        ({}, Limits(cpu_limit=1.0, mem_limit=2 * GIB)),
        ({"mem_limit": "512Mi", "cpu_limit": "500m"}, Limits(cpu_limit=0.5, mem_limit=GIB // 2)),
        ({"mem_limit": "64Gi", "cpu_limit": 64}, Limits(cpu_limit=1.0, mem_limit=2 * GIB)),
        ({"mem_requests": "4Gi", "cpu_requests": "4"},
         Limits(cpu_limit=1.0, mem_limit=2 * GIB, cpu_requests=1.0, mem_requests=2 * GIB)),
        ({"mem_limit": "128Mi"}, Limits(cpu_limit=1.0, mem_limit=128 * 2**20)),
        ({"profile": "tiny", "cpu_limit": 3}, Limits(cpu_limit=3.0, mem_limit=400 * 2**20)),
    ],
)  # fmt: skip
def test_sizes_are_cut_to_the_profile(parse: Parse, inputs: Any, limits: Limits) -> None:
    assert parse(**inputs).limits == limits


@pytest.mark.parametrize(
    ("login", "inputs", "profile"),
    [
        ("ada", {}, "uc1.small"),
        ("ada", {"profile": "tiny"}, "uc1.tiny"),
        ("ada", {"team": "uc1", "profile": "uc1.tiny"}, "uc1.tiny"),
        ("bob", {"team": "uc2"}, "uc2.small"),
        ("bob", {"profile": "uc2.small"}, "uc2.small"),
        ("bob", {"profile": "tiny"}, "uc1.tiny"),
        ("ada", {"node_purpose": "cheap"}, "uc1.small"),
    ],
)
def test_who_pays(parse: Parse, login: str, inputs: Any, profile: str) -> None:
    assert parse(login=login, **inputs).offer.name == profile


@pytest.mark.parametrize(
    ("login", "inputs", "code", "words"),
    [
        ("ada", {"notebok": "x", "shell": "rm"}, "unknown-input", "notebok, shell"),
        ("ada", {"team": "uc2"}, "unknown-team", "uc1"),
        ("bob", {}, "team-needed", "uc1, uc2"),
        ("bob", {"profile": "small"}, "unknown-profile", "uc1.small, uc2.small"),
        ("ada", {"profile": "uc2.small"}, "unknown-profile", "uc1.small"),
        ("eve", {}, "no-profile", "None of your teams"),
        ("ada", {"image": "evil/image"}, "bad-image", "none"),
        ("ada", {"node_purpose": "gpu"}, "bad-node-purpose", "cheap"),
        ("ada", {"profile": "tiny", "node_purpose": "cheap"}, "bad-node-purpose", "none"),
        ("ada", {"kernel": "py; rm -rf /"}, "bad-input", "`kernel` must be the name of a kernel"),
        ("ada", {"kernel": 3}, "bad-input", "must be a text"),
        ("ada", {"output_filename": "../x.ipynb"}, "bad-input",
         "must be a plain name without folders, not “../x.ipynb”"),
        ("ada", {"output_filename": ".x"}, "bad-input", "hidden"),
        ("ada", {"output_dirname": "a/b"}, "bad-input", "without folders"),
        ("ada", {"output_dirname": ".."}, "bad-input", "hidden"),
        ("ada", {"mem_limit": "lots"}, "bad-quantity", "512Mi"),
        ("ada", {"mem_limit": True}, "bad-quantity", "512Mi"),
        ("ada", {"mem_limit": 1}, "bad-quantity", "128 MiB or more"),
        ("ada", {"cpu_limit": -1}, "bad-quantity", "cores"),
        ("ada", {"parameters_json": [1]}, "bad-parameters", "object"),
        ("ada", {"parameters_json": {}, "parameters": b64("a: 1")}, "bad-parameters", "not both"),
        ("ada", {"parameters": "no base64!"}, "bad-parameters", "base64"),
        ("ada", {"parameters": b64("- a")}, "bad-parameters", "mapping"),
        ("ada", {"parameters": b64("a: [")}, "bad-parameters", "YAML"),
        ("ada", {"parameters": b64("a: &x [1]\nb: *x")}, "bad-parameters", "aliases"),
        ("ada", {"parameters": b64("a: !!python/name:os.system")}, "bad-parameters", "YAML"),
        ("ada", {"parameters": b64("a: !!int ''")}, "bad-parameters", "tags"),
        ("ada", {"parameters": b64("[" * 10_000)}, "bad-parameters", "deeper"),
        ("ada", {"parameters": b64("a: [" + "1," * 120_000 + "1]")}, "too-large",
         "parameters_json"),
        ("ada", {"parameters": b64("a: 1" + ":1" * 5000)}, "bad-value", "JSON"),
        ("ada", {"parameters": b64("a: 1" + ":1" * 5000 + ".5")}, "bad-parameters", "YAML"),
        ("ada", {"parameters": b64("a: 2024-02-31")}, "bad-parameters", "YAML"),
        ("ada", {"parameters": b64("a: .nan")}, "bad-value", "JSON"),
        ("ada", {"parameters": b64("1: x")}, "bad-value", "not a text"),
    ],
)  # fmt: skip
def test_what_is_refused(parse: Parse, login: str, inputs: Any, code: str, words: str) -> None:
    with pytest.raises(FairihubError) as refused:
        parse(login=login, **inputs)
    assert (refused.value.code, words in refused.value.message) == (code, True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "no-inputs"),
        ({"inputs": {}}, "no-notebook-named"),
        ({"inputs": []}, "no-inputs"),
        ({"inputs": {"notebook": "a"}, "subscriber": {}}, "unknown-input"),
        ({"inputs": {"notebook": "a"}, "response": "cooked"}, "bad-response"),
        ({"inputs": {"notebook": "a"}, "mode": "later"}, "bad-mode"),
        ({"inputs": {"notebook": "a"}, "outputs": {"nothing": {}}}, "unknown-input"),
        ({"inputs": {"notebook": "a"}, "outputs": {"files": {"transmissionMode": 1}}},
         "bad-outputs"),
    ],
)  # fmt: skip
def test_the_request_around_the_inputs(parse: Parse, body: Any, code: str) -> None:
    with pytest.raises(FairihubError) as refused:
        parse(body)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad-json"),
        (b"[]", "bad-json"),
        (b'{"a": NaN}', "bad-json"),
        (b'{"a": 1e999}', "bad-value"),
        (b"\xff", "bad-json"),
        (b'{"a": "\\ud800"}', "bad-value"),
        (b'{"a": "\\u0000"}', "bad-value"),
        (b"[" * 100_000, "bad-json"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "bad-value"),
        (b'{"a": 1' + b"0" * 400 + b"}", "bad-value"),
        (b'{"a": [' + b"[]," * 600_000 + b"1]}", "too-large"),
    ],
)
def test_bodies_that_are_no_object(body: bytes, code: str) -> None:
    with pytest.raises(FairihubError) as refused:
        json_object(body)
    assert refused.value.code == code


async def test_a_deadline_beyond_the_hubs_is_cut_and_shown_as_it_counts(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.engine._queue, "slots", Slots(0, 0))
    most = house.runs.settings.max_hours * 3600
    assert [(await house.submit("1", deadline=d)).deadline for d in (1e9, 60)] == [most, 60]
