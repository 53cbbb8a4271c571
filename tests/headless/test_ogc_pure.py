"""What is decided without a hub: preferences, the pace of members, outputs and their forms."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from fairihub_core.errors import BadInput, FairihubError
from fairihub_headless.models import OutputChoice, Run
from fairihub_headless.processes.asking import asked_of
from fairihub_headless.processes.echo import ECHO_PROCESS
from fairihub_headless.processes.execute_notebook import execute_notebook
from fairihub_headless.processes.notebook_inputs import INPUTS, OUTPUTS
from fairihub_headless.results.handing_out import is_known, part_of
from fairihub_headless.web.negotiating import prefers_page, require_acceptable
from fairihub_headless.web.outputs import Output, document_of, is_by_value, is_wanted, raw_of
from fairihub_headless.web.pace import Pace
from fairihub_headless.web.preferring import Preference, applied, preference_of, seconds_to_wait
from tests.support.runs import NOON

NOTEBOOK = execute_notebook((), None)


@pytest.mark.parametrize(
    ("headers", "preference"),
    [
        ([], Preference()),
        (["respond-async"], Preference(respond_async=True)),
        (["RESPOND-ASYNC; x=y , wait = 5"], Preference(respond_async=True, wait=5)),
        (['foo="a, wait=3", wait="7"'], Preference(wait=7)),
        (["wait=1", "wait=2"], Preference(wait=1)),
        (["wait=-1"], Preference()),
        (["wait=99999999999"], Preference()),
        (["respond-asynchronously, =, ;;, é"], Preference()),
        (['wait="'], Preference()),
        (['a="\\", wait=3", wait=4'], Preference(wait=4)),
        (["," * 500 + "wait=3"], Preference(wait=3)),
        (["," * 5000 + "wait=3"], Preference()),
    ],
)
def test_preference_of(headers: list[str], preference: Preference) -> None:
    assert preference_of(headers) == preference


def test_no_header_holds_the_service_up() -> None:
    """Whatever is repeated in a header of 8 KiB, reading it takes no time."""
    pieces = [*map(chr, range(32, 127)), "a;", 'a="', '\\"', "bytes=", "text/*,", "0-"]
    for piece in pieces:
        for text in (piece * (8192 // len(piece)), piece * 500 + " " * 1000 + '"'):
            began = time.process_time()
            preference_of([text])
            is_known(text, '"tag"')
            with suppress(FairihubError):
                require_acceptable(text)
            with suppress(FairihubError):
                part_of(text, None, '"tag"', 100)
            raw_of([output(1)], text)
            assert time.process_time() - began < 0.25, piece


@pytest.mark.parametrize(
    ("process", "preference", "mode", "seconds"),
    [
        (ECHO_PROCESS, Preference(), "auto", 60),
        (ECHO_PROCESS, Preference(respond_async=True), "auto", 0),
        (ECHO_PROCESS, Preference(respond_async=True, wait=5), "auto", 5),
        (ECHO_PROCESS, Preference(), "async", 0),
        (NOTEBOOK, Preference(), "auto", 0),
        (NOTEBOOK, Preference(wait=5), "auto", 5),
        (NOTEBOOK, Preference(wait=600), "async", 60),
        (NOTEBOOK, Preference(), "sync", 60),
        (NOTEBOOK, Preference(respond_async=True), "sync", 0),
    ],
)
def test_how_long_a_request_is_kept_waiting(
    process: Any, preference: Preference, mode: Any, seconds: float
) -> None:
    assert seconds_to_wait(process, preference, mode, 60) == seconds


def test_what_was_followed_is_said() -> None:
    both = Preference(respond_async=True, wait=600)
    assert applied(both, 60, finished=False) == "respond-async, wait=60"
    assert applied(both, 60, finished=True) == "wait=60"
    assert applied(Preference(), 60, finished=True) is None


def test_the_pace_of_a_member() -> None:
    """A minute's worth at a stretch, then as time goes by; others are not concerned."""
    pace = Pace()
    assert [pace.wait("ada", 60, 0.0) for _ in range(61)] == [0.0] * 60 + [1.0]
    assert pace.wait("bob", 60, 0.0) == 0
    assert pace.wait("ada", 60, 0.25) == 0.75
    assert [pace.wait("ada", 60, 1.5), pace.wait("ada", 60, 1.5)] == [0.0, 0.5]
    assert [pace.wait("ada", 60, 3600.0) for _ in range(61)].count(0.0) == 60


def run_of(**more: Any) -> Run:
    given: dict[str, Any] = {
        "id": "1", "owner": "ada", "team": "uc1", "profile": "uc1.small", "notebook": "a.ipynb",
        "digest": "0", "created": NOON, "updated": NOON, **more,
    }  # fmt: skip
    return Run(**given)


def test_which_outputs_are_wanted_and_how() -> None:
    everything = run_of()
    assert is_wanted(everything, "files")
    assert is_by_value(everything, "scraps")
    assert not is_by_value(everything, "notebook")
    chosen = run_of(outputs={"notebook": OutputChoice()})
    assert is_by_value(chosen, "notebook")
    assert not is_wanted(chosen, "files")


def output(value: Any, media_type: str = "application/json", *, by_value: bool = True) -> Output:
    return Output("o", media_type, "http://hub/o", value, by_value)


def test_outputs_in_a_document() -> None:
    link = {"href": "http://hub/o", "type": "application/json", "title": "o"}
    for value, shown in (
        (1, 1),
        ([{}], [{}]),
        ({"a": 1}, {"value": {"a": 1}, "mediaType": "application/json"}),
        (
            {"bbox": [1, 2, 3, 4]},
            {"value": {"bbox": [1, 2, 3, 4]}, "mediaType": "application/json"},
        ),
    ):
        assert document_of([output(value)]) == {"o": shown}
    box = replace(output({"bbox": [1, 2, 3, 4]}), bare=True)
    assert document_of([box]) == {"o": {"bbox": [1, 2, 3, 4]}}
    assert document_of([output(1, by_value=False)]) == {"o": link}


def test_outputs_raw() -> None:
    assert raw_of([]).status == 204
    nothing = raw_of([output(1, by_value=False)])
    assert (nothing.status, nothing.body, nothing.headers[0][0]) == (204, b"", "Link")
    text = output("ä", "text/plain")
    assert raw_of([text]).body == "ä".encode()
    assert raw_of([text], "application/json").headers == [("Content-Type", "application/json")]
    assert raw_of([text], "text/*, application/json").body == "ä".encode()


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        ("", False),
        ("*/*", False),
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html, application/json", True),
        ("application/json, text/html", False),
        ("application/json, text/html;q=0.1", False),
        ("application/json;q=0.1, text/html;q=0.5", True),
        ("text/html;q=0.1, */*;q=0.5", False),
        ("text/html;q=0, */*", False),
        ("text/html;q=x", True),
    ],
)
def test_what_is_wanted_most_is_given(accept: str, page: bool) -> None:
    assert prefers_page(accept) is page


def test_what_is_not_wanted_is_not_acceptable() -> None:
    require_acceptable("application/json;q=0.1, */*;q=0")
    with pytest.raises(FairihubError, match="Accept"):
        require_acceptable("application/json;q=0, image/png")


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ({"station": "Graz"}, {"station": "Graz"}),
        ({"value": {"a": 1}}, {"a": 1}),
        ({"value": {"a": 1}, "mediaType": "application/json"}, {"a": 1}),
        ({"value": 1}, {"value": 1}),
        ({"value": {"a": 1}, "other": 2}, {"value": {"a": 1}, "other": 2}),
        ({"value": {"href": "http://x"}}, {"href": "http://x"}),
        ({"href": "http://x", "other": 1}, {"href": "http://x", "other": 1}),
    ],
)
def test_an_object_may_be_qualified_or_bare(given: Any, understood: Any) -> None:
    """Older clients write parameters bare, also ones that are called `value` or `href`."""
    body = {"inputs": {"notebook": "a.ipynb", "parameters_json": given}}
    assert asked_of(body, INPUTS, OUTPUTS).inputs["parameters_json"] == understood


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"parameters_json": {"href": "http://x"}}, "no-references"),
        ({"kernel": {"href": "http://x", "type": "text/plain"}}, "no-references"),
        ({"parameters": {"value": "YTogMQ==", "mediaType": "image/png"}}, "bad-media-type"),
        ({"parameters": {"value": "YTogMQ==", "encoding": "hex"}}, "bad-media-type"),
    ],
)
def test_what_an_input_cannot_be(inputs: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as refused:
        asked_of({"inputs": {"notebook": "a.ipynb", **inputs}}, INPUTS, OUTPUTS)
    assert refused.value.code == code


def test_a_format_may_be_named_where_it_is_the_right_one() -> None:
    asked = {"notebook": {"format": {"mediaType": "application/x-ipynb+json"}}}
    body = {"inputs": {"notebook": "a.ipynb"}, "outputs": asked}
    assert asked_of(body, INPUTS, OUTPUTS).outputs == {"notebook": OutputChoice()}
    body["outputs"] = {"notebook": {"format": {"mediaType": "text/html"}}}
    with pytest.raises(BadInput, match="can only be"):
        asked_of(body, INPUTS, OUTPUTS)
