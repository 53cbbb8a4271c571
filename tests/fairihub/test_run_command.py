"""`fairihub run` where no hub is needed: parameters, wrong use, what is shown."""

from __future__ import annotations

import io

import pytest

from fairihub.cli import main
from fairihub.run_parameters import parameters_of, typed
from fairihub.run_screen import Screen, shown
from fairihub_core.errors import BadInput
from fairihub_headless.client import CellDone, Output, Progress, StatusChanged, StatusInfo
from tests.support.pretended_runs import STATUS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-5", -5),
        ("007", 7),
        ("1.5", 1.5),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("None", None),
        ("[1, 2]", [1, 2]),
        ('{"a": null}', {"a": None}),
        ("Graz", "Graz"),
        ("", ""),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1_000", "1_000"),
        ("2026-11-22", "2026-11-22"),
        ("½", "½"),
        ("TRUE", "TRUE"),
    ],
)
def test_a_value_means_what_it_looks_like(text, value):
    found = typed(text)
    assert (found, type(found)) == (value, type(value))


def test_what_is_given_singly_wins_over_files(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1\nday: 2026-11-22\nlist: [x, {y: 1.5}]\n")
    (tmp_path / "b.json").write_text('{"a": 2, "b": true}')
    files = [tmp_path / "a.yaml", tmp_path / "b.json"]
    assert parameters_of(files, ["c: 3"], [("b", "7")], [("d", "8")]) == {
        "a": 2, "day": "2026-11-22", "list": ["x", {"y": 1.5}], "b": 7, "c": 3, "d": "8",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("[1, 2]", "not a mapping"),
        ("1: 2", "not a mapping"),
        ("a: [", "not YAML"),
        ("a: .nan", "JSON"),
        ("a: !!binary aGk=", "JSON"),
        ("a: !!python/object/apply:os.system [ls]", "not YAML"),
    ],
)
def test_parameters_that_cannot_be_meant(yaml, says):
    with pytest.raises(BadInput, match=says):
        parameters_of([], [yaml], [], [])


def test_a_list_that_is_none_is_said_and_raw_takes_it():
    with pytest.raises(BadInput, match="For a text use -r"):
        parameters_of([], [], [("a", "[x]")], [])
    assert parameters_of([], [], [], [("a", "[x]")]) == {"a": "[x]"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run"], "NOTEBOOK"),
        (["run", "a.id", "-p", "x"], "-p"),
        (["run", "a.id", "--retries", "many"], "--retries"),
        (["run", "a.id"], "Say where the hub is"),
        (["run", "a.id", "--url", "hub"], "https://hub.example.org"),
        (["run", "a.id", "--url", "http://127.0.0.1:1"], "token"),
        (["run", "a.id", "--url", "http://127.0.0.1:1", "--token-file", "/nowhere"], "/nowhere"),
        (["run", "nowhere.ipynb", "--upload", "--login", "ada", "--data", "/nowhere"], "--data"),
        (["runs", "show"], "ID"),
        (["runs", "--status", "odd"], "odd"),
        (["runs"], "Say where the hub is"),
    ],
)
def test_wrong_use_exits_with_2(arguments, says, capsys, monkeypatch):
    for name in ("FAIRIHUB_URL", "FAIRIHUB_TOKEN", "FAIRIHUB_CATALOG_URL"):
        monkeypatch.delenv(name, raising=False)
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert says in capsys.readouterr().err


def test_without_a_terminal_a_few_lines_tell_how_far_it_is():
    stream = io.StringIO()
    screen = Screen(logs=True, stream=stream)
    for done in range(401):
        screen.show(CellDone(done, 400))
    screen.show(Progress(0.5, "half of it"))
    screen.show(Output("one\ntwo\n"))
    screen.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "cell 40 of 400"
    assert lines[9:] == ["cell 400 of 400", "50% half of it", "one", "two"]


def test_what_a_notebook_prints_does_nothing_to_a_terminal():
    text = "\x1b[31mred\x1b[0m \x1b]0;title\x07 50%\r100%\tdone"
    assert "\x1b" not in shown(text)
    assert "\x07" not in shown(text)
    assert shown("a\r\nb").splitlines() == ["a", "b"]
    assert shown(text).splitlines()[-1] == "100%    done"


def test_another_attempt_is_told_also_where_it_stands_as_the_one_before():
    stream = io.StringIO()
    screen = Screen(logs=False, stream=stream)
    for attempt in (1, 1, 2):
        told = STATUS | {"status": "running", "message": "Starting.", "attempt": attempt}
        screen.show(StatusChanged(StatusInfo.model_validate(told)))
    said = stream.getvalue().splitlines()
    assert said == ["a-job running: Starting.", "a-job running, attempt 2: Starting."]
