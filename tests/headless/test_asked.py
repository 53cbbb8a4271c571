"""What of a list is asked for: queries as they are written, read strictly, and written again."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from fairihub_core.errors import BadInput
from fairihub_headless.models import RunState
from fairihub_headless.store.listing import EVERY, Filter, Order, Position
from fairihub_headless.web.asked import ListQuery, list_query, period, read, written
from tests.support.runs import NOON


def given(query: str) -> dict[str, list[str]]:
    return parse_qs(query, keep_blank_values=True)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("", EVERY),
        ("status=&q=&datetime=&pinned=", EVERY),
        ("status=failed", Filter(states=(RunState.failed,))),
        ("status=failed,running", Filter(states=(RunState.failed, RunState.running))),
        ("status=failed&status=running,failed",
         Filter(states=(RunState.failed, RunState.running))),
        ("processID=echo", Filter(processes=("echo",))),
        ("processID=echo,other&processID=x", Filter(processes=("echo", "other", "x"))),
        ("q=Soil+map%25", Filter(words=("Soil", "map%"))),
        ("q=" + "a+" * 50, Filter(words=("a",) * 8)),
        ("q=" + "x" * 900, Filter(words=("x" * 200,))),
        ("minDuration=3&maxDuration=4.5", Filter(least=3.0, most=4.5)),
        ("pinned=true", Filter(pinned=True)),
        ("pinned=false", Filter(pinned=False)),
    ],
)  # fmt: skip
def test_which_runs(query: str, meant: Filter) -> None:
    assert list_query(given(query)).meant == meant


@pytest.mark.parametrize(
    ("text", "since", "before"),
    [
        ("2026-06-01", "2026-06-01T00:00:00", "2026-06-02T00:00:00"),
        ("2026-06-01T12:00:00Z", "2026-06-01T12:00:00", "2026-06-01T12:00:01"),
        ("2026-06-01t12:00:00z", "2026-06-01T12:00:00", "2026-06-01T12:00:01"),
        ("2026-06-01T12:00:00.5Z", "2026-06-01T12:00:00.500000", "2026-06-01T12:00:00.500001"),
        ("2026-06-01T12:00:00+02:00", "2026-06-01T10:00:00", "2026-06-01T10:00:01"),
        ("2026-06-01T12:00:00 02:00", "2026-06-01T10:00:00", "2026-06-01T10:00:01"),
        ("2026-06-01/2026-06-03", "2026-06-01T00:00:00", "2026-06-04T00:00:00"),
        ("2026-06-01T12:00:00Z/2026-06-01T12:00:00Z", "2026-06-01T12:00:00",
         "2026-06-01T12:00:01"),
        ("../2026-06-03", None, "2026-06-04T00:00:00"),
        ("/2026-06-03", None, "2026-06-04T00:00:00"),
        ("2026-06-03/..", "2026-06-03T00:00:00", None),
        ("2026-06-03/", "2026-06-03T00:00:00", None),
    ],
)  # fmt: skip
def test_a_period(text: str, since: str | None, before: str | None) -> None:
    expected = tuple(t and datetime.fromisoformat(t + "+00:00") for t in (since, before))
    assert period(text) == expected


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=x", "limit=1e3", "limit=" + "9" * 40, "offset=-1",
        "status=done", "status=failed,done", "sort=owner", "sort=--created", "sort=-",
        "pinned=yes", "minDuration=-1", "minDuration=nan", "maxDuration=1e9",
        "datetime=yesterday", "datetime=../..", "datetime=/", "datetime=2026-13-01",
        "datetime=2026-06-02/2026-06-01", "datetime=2026-06-01/2026-06-02/2026-06-03",
        "datetime=9999-12-31", "datetime=2026-06-01T12:00", "datetime=2026-06-01T25:00:00Z",
        "datetime=0001-01-01T00:00:00%2B10:00",
        "state=failed", "statu=failed", "type=openeo", "type=process,openeo",
        "cursor=x", "cursor=%00", "cursor=%C3%BC", "cursor=W10", "cursor=bnVsbA",
    ],
)  # fmt: skip
def test_what_cannot_be_read(query: str) -> None:
    with pytest.raises(BadInput) as problem:
        list_query(given(query))
    assert problem.value.code == "bad-query"


@pytest.mark.parametrize(
    ("order", "place"),
    [
        (Order(), Position(NOON, 7)),
        (Order("created", descends=False), Position(NOON, 7, before=True)),
        (Order("duration"), Position(1.5, 7)),
        (Order("notebook"), Position("grün 100%\u2028", 2**40)),
        (Order("status", descends=False), Position("failed", 0)),
    ],
)
def test_a_cursor_names_a_place_in_its_own_order_only(order: Order, place: Position) -> None:
    cursor = written(order, place)
    assert read(order, cursor) == place
    for other in (Order(order.by, not order.descends), Order("created"), Order("status")):
        if other != order:
            with pytest.raises(BadInput):
                read(other, cursor)


@pytest.mark.parametrize(
    "inside",
    [
        ["-created", "2026-06-01", 7, False],
        ["-created", 5, 7, False],
        ["-created", "2026-06-01T00:00:00+00:00", "7", False],
        ["-created", "2026-06-01T00:00:00+00:00", -7, False],
        ["-created", "2026-06-01T00:00:00+00:00", 10**30, False],
        ["-created", "2026-06-01T00:00:00+00:00", 7],
        ["-created", "0001-01-01T00:00:00+23:59", 1, False],
        ["-created", "9999-12-31T23:59:59-23:59", 1, False],
        {"a": 1},
        "x",
    ],
)
def test_a_cursor_that_somebody_made_up(inside: Any) -> None:
    with pytest.raises(BadInput):
        read(Order(), base64.urlsafe_b64encode(json.dumps(inside).encode()).decode())


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_a_cursor_holds_only_what_a_database_could(text: str) -> None:
    made = json.dumps(["notebook", text, 1, False]).encode()
    with pytest.raises(BadInput):
        read(Order("notebook", descends=False), base64.urlsafe_b64encode(made).decode())


@pytest.mark.parametrize(
    "query",
    [
        "",
        "status=failed&status=running",
        "limit=7&offset=20&team=uc1&owner=ada&sort=duration",
        "q=a+b%26c&datetime=2026-06-01%2F..&minDuration=3&pinned=true&processID=echo",
    ],
)
def test_what_is_asked_for_is_written_as_it_is_read(query: str) -> None:
    asked = list_query(given(query))
    assert list_query(given(asked.query())) == asked
    assert given(asked.query()) == given(query)


def test_the_next_page_asks_for_the_same() -> None:
    asked = list_query(given("q=a&sort=duration&offset=5&status=failed"))
    further = list_query(given(asked.query(offset=0, place=Position(2.5, 9))))
    assert (further.place, further.offset) == (Position(2.5, 9), 0)
    assert (further.meant, further.order) == (asked.meant, asked.order)


def test_a_cursor_goes_without_an_offset() -> None:
    with pytest.raises(BadInput):
        list_query(given(f"offset=5&cursor={written(Order(), Position(NOON, 7))}"))


def test_no_page_is_larger_than_a_thousand() -> None:
    assert list_query(given("limit=100000")).limit == 1000
    assert ListQuery().limit == 50
