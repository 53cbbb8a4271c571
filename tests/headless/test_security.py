"""Nothing that a request names or gives becomes code, a path outside, an address or a command."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from papermill.translators import papermill_translators

import fairihub_headless
from fairihub_core.errors import FairihubError
from fairihub_core.parameters import parameters_of, validated_parameters
from fairihub_headless.models import RunState
from fairihub_headless.payload import json_object
from fairihub_headless.worker.translators import write_values_as_values
from tests.headless.conftest import notebook

ROOM = Path(fairihub_headless.__file__).parent
_SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell",
           "subprocess_shell", "spawnl", "spawnlp"}  # fmt: skip
_STARTING = {"Popen", "run", "call", "check_call", "check_output", "create_subprocess_exec"}


def test_no_shell_and_no_code_of_others_anywhere_in_the_room() -> None:
    found = []
    for file in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else (
                node.func.id if isinstance(node.func, ast.Name) else "")  # fmt: skip
            by_shell = called in _STARTING and any(k.arg == "shell" for k in node.keywords)
            evaluated = isinstance(node.func, ast.Name) and called in {"eval", "exec"}
            if called in _SHELLS or by_shell or evaluated:
                found.append(f"{file.relative_to(ROOM)}:{node.lineno} {called}")
    assert found == []


NASTY = [
    '"', "'", "\\", '\\"', '"; import os; os._exit(1) #', "'''", '"""', "\n1/0\n", "\r", "\u2028",
    "$(id)", "${x}", "#{x}", "`id`", "{}", "{0.__class__}", "%s", "\x1b[0m", "\x7f", "é", "😀",
    '");system("id")#', "\\N{BULLET}", "\\u0041", "\t", "‘; calc ’", "a" * 5000,
]  # fmt: skip


def hostile_values(seed: int) -> Any:
    chance = random.Random(seed)  # noqa: S311 - reproducible

    def value(depth: int) -> Any:
        kind = chance.randrange(9 if depth < 4 else 6)
        if kind < 3:
            return "".join(chance.choices(NASTY, k=chance.randint(0, 5)))
        simple = [None, True, chance.randint(-(10**20), 10**20), chance.uniform(-1e300, 1e300)]
        if kind < 6:
            return chance.choice(simple)
        if kind < 8:
            return [value(depth + 1) for _ in range(chance.randint(0, 4))]
        return {chance.choice(NASTY): value(depth + 1) for _ in range(chance.randint(0, 4))}

    return value(0)


def test_in_python_every_value_stays_the_value_that_it_is() -> None:
    translator = papermill_translators.find_translator("python3", "python")
    for seed in range(2_000):
        given = hostile_values(seed)
        tree = ast.parse(translator.codify({"a": given}))
        (only,) = tree.body
        assert isinstance(only, ast.Assign)
        assert ast.literal_eval(only.value) == given


# What a text may look like in each language: no end within, nothing that is looked into.
_LITERALS = {
    "R": r'"(?:[^"\\]|\\.)*"',
    "julia": r'"(?:[^"\\$]|\\.)*"',
    "scala": r'"(?:[^"\\]|\\.)*"',
    ".net-powershell": r"'(?:[^'‘’‚‛]|(['‘’‚‛])\1)*'",
    "bash": r"(?:'[^']*'|\"'\"|[\w@%+=:,./-]*)+",
    "matlab": r'"(?:[^"]|"")*"',
}


@pytest.mark.parametrize("language", _LITERALS)
def test_in_other_languages_a_text_is_one_literal(language: str) -> None:
    write_values_as_values()
    translator = papermill_translators.find_translator(language, language)
    literal = re.compile(_LITERALS[language], re.DOTALL | re.ASCII)
    for seed in range(2_000):
        chance = random.Random(seed)  # noqa: S311 - reproducible
        text = "".join(chance.choices(NASTY[:-1], k=chance.randint(0, 6)))
        written = translator.translate(text)
        assert literal.fullmatch(written), (text, written)


_NAMES = [
    "x=1;import os", "a b", "a-b", "a.b", "a\n", "a\0", "", "1a", "class", "None", "a[0]", "a,b",
    "__import__('os')", "ａ", "a\u200b", "é", "a" * 5000, "$a", "a:int", "*a", "lambda",
    "undeclared", "__builtins__", "print",
]  # fmt: skip


def test_a_name_is_a_declared_identifier_or_refused(notebook: Callable[..., str]) -> None:
    import nbformat

    declared = parameters_of(nbformat.reads(notebook(parameters="a = 1"), as_version=4))
    for name in _NAMES:
        with pytest.raises(FairihubError) as refused:
            validated_parameters({name: 1}, declared)
        assert refused.value.code in ("bad-parameter-name", "undeclared-parameter"), name
        assert len(refused.value.message) < 500
    assert validated_parameters({"a": 1}, declared) == {"a": 1}


@pytest.mark.parametrize("body", [
    '{"a": "\\ud800"}', '{"\\ud800": 1}', '{"a": {"\\u0000": 1}}', '{"a": "x\\u0000y"}',
    '{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', "[]", "", '{"a": 1' + "0" * 5000 + "}",
    '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
])  # fmt: skip
def test_a_body_that_would_poison_the_store_is_refused(body: str) -> None:
    with pytest.raises(FairihubError) as refused:
        json_object(body.encode())
    assert 400 <= refused.value.status < 500


OUTSIDE = [
    "/etc/passwd", "../../../etc/passwd", "a/../../x.ipynb", "..", ".", "", "./../x.ipynb",
    "\0", "x.ipynb\0.txt", "..\\..\\x.ipynb", "C:\\x.ipynb", "//host/x.ipynb", "~root/x.ipynb",
    "http://127.0.0.1/x.ipynb", "https://e.org/x.ipynb", "s3://b/x.ipynb", "gs://b/x.ipynb",
    "abs://x/x.ipynb", "adl://x/x.ipynb", "hdfs://x/x.ipynb", "github://x/x.ipynb", "github:x/y",
    "file:///etc/passwd", "-", "-rf", "--help", "link.ipynb", "linked/x.ipynb", "%2e%2e/x.ipynb",
    "x" * 5000, "a/" * 3000, "pipe.ipynb", "{x}.ipynb", "x\n.ipynb",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE)
async def test_a_notebook_is_named_by_id_or_a_path_in_the_home(
    house: Any, notebook: Callable[..., str], tmp_path: Path, path: str
) -> None:
    import os

    inside = house.put(notebook("1"))
    canary = tmp_path / "canary.ipynb"
    canary.write_text(notebook("print('canary')"))
    home = inside.parent
    (home / "link.ipynb").symlink_to(canary)
    (home / "linked").symlink_to(tmp_path)
    os.mkfifo(home / "pipe.ipynb")
    with pytest.raises(FairihubError) as refused:
        await house.submit(path=path)
    # What is no path is an id of the catalogue; this house has none.
    assert 400 <= refused.value.status < 500 or refused.value.code == "no-catalogue", refused.value
    assert "root:" not in refused.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in ("output_filename", "output_dirname", "kernel", "result_data_directory",
                     "git_revision")
        for value in ("../x", "a/../../b", "/etc", "\0", "a\nb", "-rf", "--upload-pack=id",
                      "ext::sh", "$(id)", "; id", "..", "s3://b/k", "http://x/", "x" * 3000)
    ],
)  # fmt: skip
async def test_no_other_name_leads_outside_or_starts_anything(
    house: Any, tmp_path: Path, name: str, value: str
) -> None:
    """Refused; or, of what is harmless as a name, taken as exactly that."""
    house.put('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}')
    try:
        run = await house.submit(**{name: value})
    except FairihubError as problem:
        refused = problem
    else:
        refused = None
        run = await house.ended(run)
    if refused is not None:
        assert 400 <= refused.status < 500 or refused.code == "no-repository"
    elif run.state is RunState.failed:
        assert run.failure.code in ("no-such-kernel", "bad-path"), run.failure
    known = {"headless", "homes", "library", "secrets", "runs", "environments"}
    assert {p.name for p in tmp_path.iterdir()} <= known


async def test_a_value_is_only_a_value_in_the_run_itself(
    house: Any, notebook: Callable[..., str]
) -> None:
    given = ['"; import os; os._exit(1) #', "{x}", "\n1/0\n", {"'": '"'}]
    house.put(notebook(f"assert a == {given!r}", parameters="a = 1"))
    run = await house.ended(await house.submit(parameters_json={"a": given}))
    assert run.state is RunState.successful, run.failure


async def test_a_password_that_is_a_word_stays_nowhere(house: Any) -> None:
    given = {"login_password": "swordfish", "sort_key": "temperature"}
    cells = (
        'login_password = sort_key = ""',
        "import os, pathlib; print(login_password, sort_key)",
        "place = pathlib.Path(os.environ['RESULTS_DIRECTORY']).parents[1]",
        "print([p.name for p in place.iterdir() if p.name == 'order.json'])",
    )
    house.put(notebook(*cells[1:], parameters=cells[0]))
    run = await house.ended(await house.submit(parameters_json=given))
    assert run.state.value == "successful", run.failure
    executed = (house.runs.folder(run).files / run.executed_name).read_text()
    assert "swordfish" not in executed + house.log(run)
    assert "temperature" in executed
    assert "order.json" not in house.log(run)
