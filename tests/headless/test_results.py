"""What a run left, handed out: parts of files, all of them as zip, a report."""

from __future__ import annotations

import asyncio
import io
import json
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from fairihub_core.errors import FairihubError, Missing, TooLarge, Unavailable
from fairihub_headless.folders import GLUED, RunFolder
from fairihub_headless.glued import Glued, read, written
from fairihub_headless.models import NOTEBOOK_TYPE, Run, RunState
from fairihub_headless.results.archive import Entry, Names, entries_of, zipped
from fairihub_headless.results.handing_out import is_known, part_of, tag_of
from fairihub_headless.results.left import (
    Found,
    LeftFile,
    file_of,
    files_of,
    found_in,
    glued_in,
    result_file,
    type_of,
)
from fairihub_headless.results.report import Reports
from fairihub_headless.web.outputs import Kept, Output, document_of, raw_of
from fairihub_headless.web.views import file_list, results_document

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
TAG = '"abc"'
NOTHING = Found([], [], 0)
RUN = Run(
    id="4f1c", owner="ada", team="uc1", profile="uc1.small", notebook="work.ipynb", digest="x",
    created=NOW, updated=NOW,
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "start", "stop", "status"),
    [
        (None, 0, 100, 200),
        ("bytes=0-9", 0, 10, 206),
        ("bytes=90-", 90, 100, 206),
        ("bytes=90-1000", 90, 100, 206),
        ("bytes=-10", 90, 100, 206),
        ("bytes=-1000", 0, 100, 206),
        ("bytes=5-4", 0, 100, 200),
        ("bytes=0-1,5-6", 0, 100, 200),
        ("bytes=-", 0, 100, 200),
        ("lines=0-9", 0, 100, 200),
        ("bytes=a-b", 0, 100, 200),
        ("bytes=100-", None, None, 416),
        ("bytes=-0", None, None, 416),
    ],
)
def test_parts_of_a_file(asked: str | None, start: int, stop: int, status: int) -> None:
    if status == 416:
        with pytest.raises(FairihubError, match="has 100 bytes"):
            part_of(asked, None, TAG, 100)
        return
    part = part_of(asked, None, TAG, 100)
    assert (part.start, part.stop, part.status) == (start, stop, status)
    assert part.headers["Content-Length"] == str(stop - start)
    if status == 206:
        assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/100"


def test_a_part_of_another_content_is_not_sent() -> None:
    assert part_of("bytes=0-9", '"old"', TAG, 100).status == 200
    assert part_of("bytes=0-9", TAG, TAG, 100).status == 206


@pytest.mark.parametrize(
    ("given", "known"),
    [(TAG, True), ('"x", W/"abc"', True), ("*", True), ('"x"', False), (None, False), ("", False)],
)
def test_what_the_caller_has_already(given: str | None, known: bool) -> None:
    assert is_known(given, TAG) is known


def test_another_content_has_another_tag(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("a")
    first = tag_of("1", "a", file.stat())
    file.write_text("ab")
    tags = {first, tag_of("1", "a", file.stat()), tag_of("1", "b", file.stat())}
    assert len(tags) == 3


def opened(content: bytes) -> Callable[[], io.BytesIO]:
    return lambda: io.BytesIO(content)


def test_an_archive_holds_everything_and_can_be_read() -> None:
    content = os.urandom(700_000)
    entries = [
        Entry("results/a.txt", 5, opened(b"hello")),
        Entry("results/big.bin", len(content), opened(content)),
        Entry("results/text", 50_000, opened(b"text " * 10_000)),
        Entry("gone", 1, _gone),
    ]
    whole = b"".join(zipped(entries, NOW, NOTHING))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "results/a.txt", "results/big.bin", "results/text", "LEFT-OUT.txt",
        ]  # fmt: skip
        assert archive.read("results/big.bin") == content
        assert archive.read("LEFT-OUT.txt") == b"gone\n"
        assert archive.getinfo("results/big.bin").compress_type == zipfile.ZIP_STORED
        assert archive.getinfo("results/text").compress_size < 5_000


def _gone() -> io.BytesIO:
    raise Missing("no-such-file", "It is gone.")


class Noise(io.RawIOBase):
    """So many bytes that nobody holds them, and that get no smaller."""

    piece = os.urandom(256 * 1024)

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.left, len(self.piece))
        self.left -= size
        return self.piece[:size]


def test_an_archive_is_never_held_in_memory() -> None:
    size = 300 * 2**20
    tracemalloc.start()
    sent = sum(map(len, zipped([Entry("a", size, lambda: Noise(size))], NOW, NOTHING)))  # type: ignore[arg-type,return-value]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > size
    assert most < 8 * 2**20


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("results/a.txt", "results/a.txt"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\x", "C__x"),
        ("a\nb", "a_b"),
        ("a.", "a"),
        ("größe.csv", "größe.csv"),
        ("gro\u0308ße.csv", "größe.csv"),
        ("results/nul.txt", "results/_nul.txt"),
        ("CON/console", "_CON/console"),
        (".../x", "_/x"),
    ],
)
def test_names_are_safe_wherever_they_are_unpacked(name: str, safe: str) -> None:
    assert Names().of(name) == safe


def left_in(root: Path) -> tuple[RunFolder, Path]:
    folder = RunFolder.of(root, "4f1c")
    (folder.files / "results").mkdir(parents=True)
    (folder.files / "executed.ipynb").touch()
    return folder, folder.files / "results"


def test_hidden_files_of_the_results_are_handed_out(tmp_path: Path) -> None:
    folder, results = left_in(tmp_path)
    (results / "a.zarr").mkdir()
    for name in (".zgroup", "a.zarr/.zarray", "a.zarr/0.0"):
        (results / name).write_text(name)
    (folder.files / ".ours.part").touch()
    names = [file.name for file in files_of(folder, "executed.ipynb")]
    assert names == [
        "executed.ipynb", "results/.zgroup", "results/a.zarr/.zarray", "results/a.zarr/0.0",
    ]  # fmt: skip
    for name in names[1:]:
        with file_of(folder, name) as file:
            assert file.read().decode() == name.removeprefix("results/")
    for name in (".ours.part", "results/../.ours.part", "results/./.zgroup", "results//.zgroup"):
        with pytest.raises(Missing):
            file_of(folder, name)
    entries = entries_of(files_of(folder, "executed.ipynb"), lambda _: io.BytesIO(b""), None)
    assert [entry.name for entry in entries] == names


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.csv", "text/csv"), ("a.csv.gz", "application/gzip"), ("a.csv.xz", "application/x-xz"),
     ("a.ipynb", "application/x-ipynb+json"), ("a", "application/octet-stream")],
)  # fmt: skip
def test_what_is_packed_is_called_so(name: str, kind: str) -> None:
    assert type_of(name) == kind


def test_what_is_not_handed_out_is_said(tmp_path: Path) -> None:
    folder, results = left_in(tmp_path)
    (results / "folder").symlink_to(tmp_path)
    (results / "link").symlink_to("/etc/passwd")
    (results / "a\nb").touch()
    os.mkfifo(results / "pipe")
    found = found_in(folder, "executed.ipynb")
    assert [file.name for file in found.files] == ["executed.ipynb"]
    names = [f"results/{name}" for name in ("a\nb", "folder", "link", "pipe")]
    assert (found.left_out, found.left_out_count) == (names, 4)
    beyond = found._replace(left_out_count=7)
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped([], NOW, beyond)))) as archive:
        said = archive.read("LEFT-OUT.txt").decode()
    assert said.endswith("results/link\nresults/pipe\nand 3 more\n")


def test_ten_thousand_files_and_one_are_listed_page_by_page(tmp_path: Path) -> None:
    folder, results = left_in(tmp_path)
    for number in range(10_001):
        (results / f"{number:05}").touch()
    found = found_in(folder, "executed.ipynb")
    page = file_list(RUN, found, "/", limit=10_000, offset=0)
    assert (page.numberMatched, page.numberReturned, page.left_out_count) == (10_002, 10_000, 0)
    assert [link.href for link in page.links if link.rel == "next"] == [
        "/jobs/4f1c/files?limit=10000&offset=10000"
    ]
    rest = file_list(RUN, found, "/", limit=10_000, offset=10_000)
    assert [file.name for file in rest.files] == ["results/09999", "results/10000"]
    linked = results_document(RUN, Glued({}, {}), found.files, None, "/")["files"]
    assert (len(linked), linked[-1]["title"]) == (10_001, "All 10,001 files")


def test_no_two_files_have_one_name() -> None:
    files = [LeftFile(n, 1, "x") for n in ("a.txt", "A.txt", "log.txt")]
    found = entries_of(files, lambda name: io.BytesIO(b""), Entry("log.txt", 1, opened(b"")))
    assert [e.name for e in found] == ["a.txt", "A (2).txt", "log.txt", "log (2).txt"]
    files = [LeftFile(n, 1, "x") for n in ("a?", "a*/x", "a*/y", "A_/z", "é", "e\u0301")]
    found = entries_of(files, lambda name: io.BytesIO(b""), None)
    assert [e.name for e in found] == ["a_", "a_ (2)/x", "a_ (2)/y", "A_ (3)/z", "é", "é (2)"]


@pytest.mark.parametrize(
    ("glued_path", "name"),
    [
        ("/data/headless/runs/4f/4f1c/attempt-1/work/results/a b.tif", "results/a b.tif"),
        ("a b.tif", "results/a b.tif"),
        ("results/a b.tif", "results/a b.tif"),
        ("/etc/passwd", None),
        ("../../x", None),
        ("", None),
        (5, None),
    ],
)
def test_the_file_that_a_notebook_names_as_its_result(glued_path: Any, name: str | None) -> None:
    names = ["executed.ipynb", "results/a b.tif", "results/b.csv"]
    assert result_file({"result-file": glued_path}, names) == name
    assert result_file({}, names) is None


def test_what_was_glued_is_written_as_far_as_there_is_room() -> None:
    found = Glued({"a": [1, "é"], "b": "x" * 100, "c": None}, {"d": {"text/plain": "y"}})
    content, left_out = written(found, most=80)
    assert left_out == ["b"]
    assert len(content) < 80 + 100
    assert read(content) == Glued({"a": [1, "é"], "c": None}, found.displays)


def test_what_was_glued_is_read_at_once() -> None:
    """Python's reader of JSON stops everybody; many small values take it long."""
    small, large = {"a": {"b": [1]}}, [{"b": [n]} for n in range(30_000)]
    content, left_out = written(Glued({"large": large, "small": small}, {}))
    assert left_out == ["large"]
    assert read(content).scraps == {"small": small}
    with pytest.raises(ValueError, match="more than is read at once"):
        read(json.dumps({"scraps": {"large": large}, "displays": {}}).encode())


@pytest.mark.parametrize("planted", [None, b"{", b"[]", b'{"scraps": 1, "displays": {}}'])
def test_without_a_list_of_what_was_glued_the_notebook_is_read_apart(
    tmp_path: Path, planted: bytes | None
) -> None:
    folder, _ = left_in(tmp_path)
    if planted is not None:
        (folder.path / GLUED).write_bytes(planted)
    data = {"application/scrapbook.scrap.json+json": {"name": "a", "data": 7}}
    cell = {"outputs": [{"output_type": "display_data", "data": data, "metadata": {}}]}
    (folder.files / "executed.ipynb").write_text(json.dumps({"cells": [cell]}))
    assert glued_in(folder, "executed.ipynb") == Glued({"a": 7}, {})


@pytest.mark.parametrize("content", [None, b"", b"{]"])
def test_results_that_cannot_be_read_are_no_empty_results(
    tmp_path: Path, content: bytes | None
) -> None:
    folder, _ = left_in(tmp_path)
    notebook = folder.files / "executed.ipynb"
    notebook.unlink() if content is None else notebook.write_bytes(content)
    with pytest.raises(Unavailable, match="cannot be read now"):
        glued_in(folder, "executed.ipynb")


def test_a_folder_that_cannot_be_read_is_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = left_in(tmp_path)

    def broken(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("fairihub_headless.folders.folder_below", broken)
    with pytest.raises(Unavailable):
        files_of(folder, "executed.ipynb")


@pytest.mark.parametrize("bound", ["_MOST_WITHIN", "_MOST_MARKS"])
def test_a_large_notebook_stands_in_no_document(
    bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "n").write_text('{"cells": [1, 2, 3]}')
    kept = Kept(lambda: (tmp_path / "n").open("rb"))
    output = Output("notebook", NOTEBOOK_TYPE, "/n", kept, by_value=True)
    assert document_of([output])["notebook"]["value"] == {"cells": [1, 2, 3]}
    assert b'{"cells": [1, 2, 3]}' in raw_of([output, output]).body
    monkeypatch.setattr(f"fairihub_headless.web.outputs.{bound}", 4)
    for made in (document_of, raw_of):
        with pytest.raises(TooLarge, match="by reference"):
            made([output, output])
    assert document_of([replace(output, by_value=False)])["notebook"]["href"] == "/n"
    assert raw_of([output]).file is kept, "alone, it is sent as it is read"


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(tmp_path / "reports")


async def test_a_report_shows_what_failed_and_nothing_in_it_acts(
    house: Any, reports: Reports
) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)><form action=x>"
    run = await house.submit(
        f"from IPython.display import HTML\nHTML({hostile!r} + '<b>bold</b>')",
        "secret_code = 1 / 0",
    )
    run = await house.ended(run)
    assert run.state is RunState.failed
    folder = house.runs.folder(run)
    shown = await asyncio.to_thread(reports.of, run.id, folder, "executed.ipynb", "show")
    hidden = await asyncio.to_thread(reports.of, run.id, folder, "executed.ipynb", "hide")
    page = shown.page.decode()
    assert not shown.failed
    for words in ("ZeroDivisionError", "<b>bold</b>", "secret_code"):
        assert words in page
    for words in ("<script", "<img src=x", "<form"):
        assert words not in page
    assert "ZeroDivisionError" in hidden.page.decode()
    assert "IPython.display" not in hidden.page.decode()
    (folder.files / "executed.ipynb").unlink()
    with pytest.raises(Missing):
        reports.of(run.id, folder, "executed.ipynb", "show")


async def test_a_failed_run_leaves_its_partial_notebook(house: Any) -> None:
    run = await house.ended(await house.submit("print('first')", "1 / 0", "print('never')"))
    folder = house.runs.folder(run)
    assert [f.name for f in files_of(folder, "executed.ipynb")] == ["executed.ipynb"]
    cells = json.loads((folder.files / "executed.ipynb").read_text())["cells"]
    assert cells[-2]["outputs"][0]["output_type"] == "error"
    assert run.failure.traceback
