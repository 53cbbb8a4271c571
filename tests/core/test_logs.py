"""Log lines: what strangers send neither breaks nor fills them."""

from __future__ import annotations

import logging
import sys

import pytest

from fairihub_core.logs import (
    Bounded,
    BoundedFormatter,
    Queryless,
    Refusals,
    Remarkable,
    Unrepeated,
)


def line(message: str, *arguments: object, error: BaseException | None = None) -> str:
    told = error and (type(error), error, error.__traceback__)
    record = logging.LogRecord("fairihub", logging.INFO, "", 0, message, arguments, told)
    return BoundedFormatter("[%(name)s] %(message)s").format(record)


@pytest.mark.parametrize(
    "evil",
    [
        "x" * 10_000_000,
        "\N{PILE OF POO}" * 5_000,
        "\udcff" * 9,
        "a\r\nGET /admin 200",
        "\x1b[2J\u202e\0",
    ],
)
def test_a_hostile_name_makes_one_short_line(evil: str) -> None:
    written = line("who is %s?", evil)
    assert len(written.encode()) < 1024
    assert written.isprintable()
    assert written.startswith("[fairihub] who is ")


def test_a_traceback_stays_whole() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        written = line("a defect", error=error)
    assert written.splitlines()[0] == "[fairihub] a defect"
    assert "test_logs.py" in written
    assert written.endswith("ValueError: no")


def test_what_others_log_is_cut_and_nothing_is_dropped():
    record = logging.LogRecord("x", logging.INFO, "", 1, "404 GET %s", ("/" + "a" * 70_000,), None)
    assert Bounded().filter(record)
    assert len(record.getMessage()) < 1000
    short = logging.LogRecord("x", logging.INFO, "", 1, "404 GET %s", ("/a",), None)
    assert Bounded().filter(short)
    assert short.getMessage() == "404 GET /a"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("404 GET /hub/x?token=abc&y=1 (ada@::1)", "404 GET /hub/x?… (ada@::1)"),
        (
            "302 GET /hub/a -> https://x.example/b?code=1#c (",
            "302 GET /hub/a -> https://x.example/b?… (",
        ),
        (
            "Uncaught\nHTTPServerRequest(uri='/x?code=1', version",
            "Uncaught\nHTTPServerRequest(uri='/x?…', version",
        ),
        ("Is it /x? Or ?y=1", "Is it /x? Or ?y=1"),
        ("nothing %s", "nothing %s"),
    ],
)
def test_no_query_of_an_address_is_logged(said, left):
    record = logging.LogRecord("x", logging.INFO, "", 1, said, None, None)
    assert Queryless().filter(record)
    assert record.getMessage() == left


@pytest.mark.timeout(20)
@pytest.mark.parametrize("end", ["? (@::1)", " (@::1)", "?x=1 (@::1)"])
def test_a_hostile_address_holds_up_no_log(end):
    """What is quadratic here takes minutes, and the hub's event loop with it."""
    record = logging.LogRecord(
        "x", logging.INFO, "", 1, "404 GET " + "/" * 300_000 + end, None, None
    )
    assert Queryless().filter(record)
    assert "x=1" not in record.getMessage()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("200 GET /hub/api/fairihub/standing (ada@::1) 1.2ms", False),
        ("304 GET /hub/api/fairihub/snapshot?after=1&wait=20 (catalog@::1) 20000ms", False),
        ("200 GET /hub/api/user (ada@::1) 1.2ms", False),
        ("403 GET /hub/api/user (@::1) 1.2ms", True),
        ("200 GET /hub/api/users (ada@::1) 1.2ms", True),
        ("200 GET /hub/api/users/ada (ada@::1) 1.2ms", True),
        ("401 GET /hub/api/fairihub/standing (@::1) 1.2ms", True),
        ("200 GET /hub/home?next=/api/fairihub/standing (ada@::1) 1.2ms", True),
        ("200 GET /hub/api/fairihub/why?login=bob (ada@::1) 1.2ms", True),
    ],
)
def test_routine_is_not_logged_and_all_else_is(said, kept):
    record = logging.LogRecord("x", logging.INFO, "", 1, "%s", (said,), None)
    assert Remarkable().filter(record) is kept


def test_who_is_out_is_told_once_and_not_with_each_request(monkeypatch):
    told, hours = Unrepeated(), [0.0]
    monkeypatch.setattr("time.monotonic", lambda: 3600 * hours[0])

    def kept(said: str, *arguments: str) -> bool:
        return told.filter(logging.LogRecord("x", logging.INFO, "", 1, said, arguments, None))

    stale = "User %s has stale auth info. Login is required to refresh."
    assert [kept(stale, name) for name in ("ada", "ada", "bob", "ada")] == [True, False] * 2
    assert kept("User ada is here")
    assert kept("User ada is here")
    hours[0] = 1.5
    assert kept(stale, "ada")
    assert all(kept(stale, f"login{n}") for n in range(5000))


class Refusal(Exception):
    status_code = 403


class Defect(Refusal):
    status_code = 500


@pytest.mark.parametrize(
    ("error", "lines", "level"),
    [(Refusal("No."), 1, "WARNING"), (Defect("No."), 4, "ERROR"), (ValueError("No."), 4, "ERROR")],
)
def test_a_refusal_is_one_line_and_a_defect_has_its_traceback(error, lines, level):
    try:
        raise error
    except Exception:
        told = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, "", 1, "Failed to %s", ("spawn",), told)
    assert Refusals(Refusal).filter(record)
    written = BoundedFormatter("[%(levelname)s] %(message)s").format(record)
    assert len(written.splitlines()) >= lines
    assert ("Traceback" in written) == (lines > 1)
    assert written.startswith(f"[{level}] Failed to spawn")
    assert written.endswith("No.")
