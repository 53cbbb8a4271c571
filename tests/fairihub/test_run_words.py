"""Web pages and the command line call where a run stands by the same words."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from fairihub.run_command import add_run_commands
from fairihub.run_screen import word
from fairihub_core.run_words import RUN_WORDS
from fairihub_headless.client import State
from fairihub_headless.models import RunState
from fairihub_headless.web.pages import _templates


@pytest.mark.parametrize("state", [state.value for state in RunState])
def test_a_page_and_the_command_line_say_the_same(state: str) -> None:
    page = _templates.from_string("{{ state | word }}").render(state=RunState(state))
    assert page == word(State(state)) == RUN_WORDS[state]


def test_there_is_a_word_for_each_state() -> None:
    assert list(RUN_WORDS) == [s.value for s in RunState] == [s.value for s in State]


@pytest.mark.parametrize("state", RUN_WORDS)
def test_runs_are_chosen_by_what_people_read_and_by_what_programs_read(state: str) -> None:
    for said in (state, RUN_WORDS[state]):
        assert parsed("runs", "--status", said).status == [state]


@pytest.mark.parametrize(
    "said", [["runs", "--status", "done"], ["runs", "cancel", "--status", "failed"]]
)
def test_another_word_is_refused_with_those_that_can_be_said(
    said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed(*said)
    assert f"“{said[-1]}” is none of: waiting, running" in capsys.readouterr().err


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_run_commands(parser.add_subparsers(), Path("data"))
    return parser.parse_args(arguments)
