"""What a follower is told: frames that resume; the log in whole pieces; a watch for the rest."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairihub_core.errors import TooMany
from fairihub_core.periodically import Periodically
from fairihub_headless.engine.changes import (
    CellDone,
    Changes,
    Ended,
    Output,
    Progress,
    StateChanged,
)
from fairihub_headless.engine.watching import Watch
from fairihub_headless.models import Run, RunState
from fairihub_headless.results.log import piece, start_of_tail
from fairihub_headless.store.runs import AttemptProgress, Store
from fairihub_headless.web.seats import Seats
from fairihub_headless.web.story import Story
from tests.support.engines import claimed
from tests.support.runs import NOON


def run(name: str = "r1", **more: Any) -> Run:
    return Run(
        id=name, owner="ada", team="uc1", profile="uc1.small", notebook="a.ipynb",
        digest="0" * 64, created=NOON, updated=NOON, **more,
    )  # fmt: skip


def read(frames: bytes) -> list[tuple[str, str, Any]]:
    """Id, event and data of each frame."""
    found = []
    for frame in frames.decode().split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in frame.split("\n"))
        found.append((lines["id"], lines["event"], json.loads(lines["data"])))
    return found


def test_how_a_run_stands_for_one_who_comes_to_it() -> None:
    running = run(state=RunState.running, message="Cell 1.", cell=1, cells=4, attempt=1)
    assert read(Story(7).standing(running, Progress(0.5, "half"))) == [
        ("7", "state", {"status": "running", "message": "Cell 1.", "attempt": 1}),
        ("7", "cell", {"cell": 1, "cells": 4}),
        ("7", "progress", {"fraction": 0.5, "message": "half"}),
    ]


def test_nothing_is_told_twice_in_a_row() -> None:
    story = Story()
    assert story.cell(CellDone(1, 4))
    assert not story.cell(CellDone(1, 4))
    assert story.state(StateChanged(RunState.running))
    assert not story.state(StateChanged(RunState.running))
    assert story.state(StateChanged(RunState.accepted))
    assert story.cell(CellDone(2, 4))


def test_the_id_is_the_place_in_the_log() -> None:
    story = Story(3)
    text = "Grün\r\n\u2028 data: x\n\nid: 9\n"
    frames = story.output(text.encode()) + story.cell(CellDone(1, 1))
    end = str(3 + len(text.encode()))
    assert read(frames) == [
        (end, "output", {"offset": 3, "text": text}),
        (end, "cell", {"cell": 1, "cells": 1}),
    ]


def test_texts_that_are_no_utf_8_are_told_even_so() -> None:
    assert read(Story().output(b"\xff\n"))[0][2]["text"] == "\ufffd\n"
    assert read(Story().progress(Progress(0.1, "\udcff")))[0][2]["message"] == "?"


@pytest.mark.parametrize(
    ("text", "start", "most", "found"),
    [
        (b"", 0, 8, b""),
        (b"abc", 0, 8, b"abc"),
        (b"abc", 9, 8, b""),
        (b"ab\ncd\nef\n", 0, 7, b"ab\ncd\n"),
        (b"ab\ncd\nef\n", 3, 8, b"cd\nef\n"),
        (b"abcdefghij", 0, 4, b"abcd"),
        ("aüüü".encode(), 0, 4, "aü".encode()),
        ("a\U0001f600".encode()[:4], 0, 9, b"a"),
        ("\u20ac".encode()[:2], 0, 9, b""),
        ("\u20ac".encode(), 0, 9, "\u20ac".encode()),
        (b"\x80\x80\x80\x80\x80\x80", 0, 4, b"\x80\x80\x80\x80"),
    ],
)
def test_a_piece_of_the_log(text: bytes, start: int, most: int, found: bytes) -> None:
    assert piece(io.BytesIO(text), start, most) == found


@pytest.mark.parametrize("text", ["", "one\n", "ä\n\u20ac\n\nvier\n\U0001f600", "x" * 50, "\n" * 9])
@pytest.mark.parametrize("most", [4, 5, 16])
def test_the_pieces_are_the_whole(text: str, most: int) -> None:
    file, place, found = io.BytesIO(text.encode()), 0, ""
    while part := piece(file, place, most):
        place += len(part)
        found += part.decode()
    assert found == text


@pytest.mark.parametrize(
    ("text", "lines", "most", "found"),
    [
        ("", 3, None, ""),
        ("a\nb\nc\n", 2, None, "b\nc\n"),
        ("a\nb\nc", 2, None, "b\nc"),
        ("a\nb\nc\n", 3, None, "a\nb\nc\n"),
        ("a\nb\nc\n", 99, None, "a\nb\nc\n"),
        ("a\nb\nc\n", 0, None, ""),
        ("\n\n\n", 1, None, "\n"),
        ("aaa\nbbb\nccc\n", 9, 6, "ccc\n"),
        ("aaa\nbbb\nccc\n", 9, 8, "bbb\nccc\n"),
        ("a" * 20, 9, 8, "a" * 8),
        ("ü" * 20, 9, 7, "ü" * 3),
        ("x\n" * 70_000, 40_000, None, "x\n" * 40_000),
        ("x" * 200_000 + "\ny\n", 1, None, "y\n"),
        ("x" * 200_000 + "\ny\n", 2, None, "x" * 200_000 + "\ny\n"),
    ],
)
def test_the_end_of_the_log(
    tmp_path: Path, text: str, lines: int, most: int | None, found: str
) -> None:
    path = tmp_path / "log.txt"
    path.write_text(text)
    with path.open("rb") as file:
        file.seek(start_of_tail(file, lines, most))
        assert file.read().decode() == found


def test_seats_are_taken_and_given_back() -> None:
    seats, no = Seats(), TooMany("busy", "No.")
    with seats.taken("ada", 2, no), seats.taken("ada", 2, no), seats.taken("bob", 1, no):
        with pytest.raises(TooMany), seats.taken("ada", 2, no):
            pass
        with pytest.raises(TooMany), seats.taken("bob", 1, no):
            pass
    with seats.taken("ada", 2, no), seats.taken("ada", 2, no):
        pass
    with seats.taken("bob", 1, no):
        pass


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.in_folder(tmp_path / "store")
    store.add(run())
    yield store
    store.close()


def looking(watch: Watch) -> Periodically:
    """Looks again and again; to be stopped."""
    made = Periodically(watch.look, 0.01, "it could not look", logging.getLogger("test"))
    made.start()
    return made


async def test_what_another_engine_does_is_told_too(store: Store, tmp_path: Path) -> None:
    changes = Changes()
    watch = looking(Watch(store.listing, changes, tmp_path.joinpath))
    with changes.listening("r1") as told:

        async def comes(*events: Any) -> None:
            missing = set(events)
            while missing:
                missing -= set(await asyncio.wait_for(told.next(), 20))

        await comes(StateChanged(RunState.accepted))
        (tmp_path / "r1").write_text("hello\n")
        await comes(Output(6))
        hold = claimed(store, "r1")
        found = store.get("r1")
        assert found is not None
        await comes(StateChanged(RunState.running, found.message, found.attempt))
        store.progress(hold, AttemptProgress(1, 3))
        await comes(CellDone(1, 3))
        with (tmp_path / "r1").open("a") as log:
            log.write("bye\n")
        await comes(Output(10))
        store.dismiss("r1", "Cancelled.")
        await comes(Ended(RunState.dismissed))
    watch.stop()


async def test_a_store_that_is_away_is_asked_again(store: Store, tmp_path: Path) -> None:
    changes, away = Changes(), [True]

    class Shaky:
        def standing(self, ids: Any) -> Any:
            if away.pop() if away else False:
                raise OSError("away")
            return store.listing.standing(ids)

    watch = looking(Watch(Shaky(), changes, tmp_path.joinpath))  # type: ignore[arg-type]
    with changes.listening("r1") as told:
        assert await told.next(20) == [StateChanged(RunState.accepted)]
    watch.stop()
