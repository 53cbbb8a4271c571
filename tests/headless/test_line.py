"""The worker's line: what is said arrives in its order, what no worker says is skipped."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from fairihub_headless import line
from fairihub_headless.folders import RunFolder
from fairihub_headless.line import Cells, KernelUp, Line, Reported, heard, read
from fairihub_headless.models import Environment, ExitRecord
from tests.support.runs import NOON

DONE = ExitRecord(state="successful", cells=2, finished=NOON)
UP = KernelUp(Environment(kernel="python3"), ("python", "-m", "x"), 7, True, "/forks")


async def all_heard(raw: bytes) -> list[line.Said]:
    reader = asyncio.StreamReader()
    reader.feed_data(raw)
    reader.feed_eof()
    return [said async for said in heard(reader)]


async def test_what_a_worker_says_is_heard_in_its_order_until_its_last_word(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    place = tmp_path / "attempt-1"
    place.mkdir()
    said = Line(writing, place / "started")
    said.kernel(UP)
    for done in range(3):
        said.cells(done, 2)
    said.report(1.5, "x" * 5000)
    said.end(DONE)
    said.cells(2, 2)
    with os.fdopen(reading, "rb") as pipe:
        told = await all_heard(pipe.read() + b'{"event": "cell", "done": 1, "cells": 2}\n')
    assert told[:2] == [UP, Cells(0, 2)]
    assert told[-3:] == [Cells(2, 2), Reported(1.0, "x" * 1000), DONE]


def test_that_a_notebook_begins_is_on_the_disk_before_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def sync(folder: Path) -> None:
        assert (tmp_path / "attempt-1" / "started").exists()
        synced.append(folder)

    monkeypatch.setattr(line, "sync_folder", sync)
    (tmp_path / "attempt-1").mkdir()
    Line(-1, tmp_path / "attempt-1" / "started").kernel(UP)
    assert synced == [tmp_path / "attempt-1", tmp_path]


def test_a_notebook_does_not_begin_where_another_service_has_sealed_the_place(
    tmp_path: Path,
) -> None:
    with pytest.raises(OSError, match="No such file"):
        Line(-1, tmp_path / "gone" / "started").kernel(UP)
    # The place was made only after it was sealed.
    folder = RunFolder(tmp_path, 1)
    assert folder.seal().place.is_dir()
    folder.place.mkdir()
    with pytest.raises(FileExistsError):
        Line(-1, folder.started).kernel(UP)


def test_a_service_that_has_died_ends_no_worker(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    said = Line(writing, tmp_path / "started")
    said.cells(0, 1)
    said.end(DONE)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[", b"[]", b"null", b"{}", b'{"event": []}', b'{"event": "cell"}', b"\xff",
        b'{"event": "cell", "done": 2, "cells": 1}', b'{"event": "cell", "done": -1, "cells": 1}',
        b'{"event": "cell", "done": 1, "cells": 10000000}', b"[" * 100_000,
        b'{"event": "progress", "fraction": "x", "message": ""}',
        b'{"event": "progress", "fraction": NaN}',
        b'{"event": "end", "record": {"state": "dismissed"}}',
        b'{"event": "kernel", "environment": {}}',
    ],
)  # fmt: skip
def test_what_no_worker_says_is_nothing(raw: bytes) -> None:
    assert read(raw) is None


async def test_a_line_without_end_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "MAX_LINE", 1000)
    told = b'{"event": "cell", "done": 1, "cells": 2}\n'
    assert await all_heard(told + b"x" * 300_000 + b"\n" + told) == [Cells(1, 2), Cells(1, 2)]


async def test_after_too_many_lines_only_the_end_is_listened_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line, "MOST_LINES", 2)
    told = b'{"event": "cell", "done": 1, "cells": 2}\n' * 5
    end = b'{"event": "end", "record": ' + DONE.model_dump_json().encode() + b"}\n"
    assert await all_heard(told + end) == [Cells(1, 2), Cells(1, 2), DONE]
