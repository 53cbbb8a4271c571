"""Programs that read large notebooks: one for many requests, and killed if it takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fairihub_core.errors import FairihubError
from fairihub_headless import reader, reading
from fairihub_headless.models import NOTEBOOK_TYPE

LARGE = f"# {'x' * reading._SMALL}"


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Iterator[reader.Readers]:
    made = reader.Readers("fairihub_headless.reading")
    monkeypatch.setattr(reading, "_READERS", made)
    reading._known.clear()
    yield made
    made.end()


def pids(readers: reader.Readers) -> list[int]:
    """The one that is asked next comes last."""
    return [process.pid for process in readers._waiting]


async def test_one_program_reads_one_notebook_after_the_other_and_none_twice(
    readers: reader.Readers, notebook: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (notebook(f"{LARGE}{n}", parameters=f"a = {n}").encode() for n in (1, 2))
    assert [p.default for p in (await reading.told_by(first, "ada")).parameters] == [1]
    one = pids(readers)
    assert [p.default for p in (await reading.told_by(second, "ada")).parameters] == [2]
    with pytest.raises(FairihubError):
        await reading.told_by(b"[" * (reading._SMALL + 1), "ada")
    assert pids(readers) == one
    monkeypatch.setattr(readers, "ask", None)
    assert [p.default for p in (await reading.told_by(first, "ada")).parameters] == [1]


async def test_an_upload_is_read_once(
    readers: reader.Readers, notebook: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    value = json.loads(notebook(LARGE, parameters="a = 3"))
    raw = json.dumps({"inputs": {"notebook": {"value": value, "mediaType": NOTEBOOK_TYPE}}})
    _, sent = await reading.received(raw.encode(), "ada")
    monkeypatch.setattr(readers, "ask", None)
    assert [p.default for p in (await reading.told_by(sent or b"", "ada")).parameters] == [3]


async def test_what_takes_too_long_is_killed_and_the_next_is_read(
    readers: reader.Readers, notebook: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = notebook(LARGE).encode()
    await reading.told_by(content, "ada")
    spare, pid = pids(readers)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(reader, "_SECONDS", 0.2)
    with pytest.raises(FairihubError) as refused:
        await reading.told_by(content + b" ", "ada")
    assert refused.value.code == "too-large"
    assert pids(readers) == [spare]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_who_sends_many_and_large_ones_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large, go, begun = b" " * reading._LARGE, threading.Event(), threading.Semaphore(0)
    asked = list[bytes]()

    class Slow:
        def ask(self, what: str, given: bytes) -> bytes:
            asked.append(given[:5])
            begun.release()
            go.wait(10)
            return b'ok\n{"title": "", "parameters": []}'

    monkeypatch.setattr(reading, "_READERS", Slow())
    sent = [("linus", b"linus" + large + bytes([n])) for n in range(4)]
    sent += [("ada", b"ada  " + large), ("bob", b"bob  " + bytes(reading._SMALL))]
    waiting = [asyncio.ensure_future(reading.told_by(given, who)) for who, given in sent]
    try:
        for _ in range(3):
            assert await asyncio.to_thread(begun.acquire, timeout=10)
        assert sorted(asked) == [b"ada  ", b"bob  ", b"linus"]
    finally:
        go.set()
        await asyncio.gather(*waiting)
    assert len(asked) == len(sent)


SAYS = """
import os, sys
from fairihub_headless import reader

def read(what, given):
    if what == "too much":
        bytearray(3 * 2**30)
    return what.encode() + given + str(os.getpid()).encode()

reader._IDLE = float(sys.argv[1]) if sys.argv[1:] else 60
reader.serve(read)
"""


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "says.py").write_text(SAYS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = reader.Readers("says")
    yield made
    made.end()


async def test_what_takes_too_much_memory_ends_its_program_only(says: reader.Readers) -> None:
    assert says.ask("too much", b"") is None
    said = await asyncio.to_thread(says.ask, "a", b"b")
    assert said is not None
    assert said.startswith(b"ab")
    assert int(said[2:]) not in pids(says)  # in a process of its own


async def test_one_that_ended_for_want_of_work_is_begun_anew(
    says: reader.Readers, tmp_path: Path
) -> None:
    says._command.append("0.01")
    assert says.ask("a", b"") is not None
    before = pids(says)
    for process in says._waiting:
        await asyncio.to_thread(process.wait)
    with (tmp_path / "given").open("wb+") as file:
        file.write(b"from the file")
        file.flush()
        said = says.ask("b", file)
    assert said is not None
    assert said.startswith(b"bfrom the file")
    assert not set(before) & set(pids(says))


async def test_of_those_that_ended_nothing_stays_also_where_another_is_asked(
    says: reader.Readers,
) -> None:
    says._command.append("0.01")
    ended = says._begun()
    says._command.pop()
    says._waiting += [ended, says._begun()]
    await asyncio.to_thread(os.waitid, os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert says.ask("a", b"") is not None
    assert ended.returncode == 0
