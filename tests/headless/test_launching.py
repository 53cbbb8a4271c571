"""A fork server that is asked in vain leaves no descriptor open, nor a reader of one."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fairihub_headless.engine import launching
from fairihub_headless.engine.launching import WarmLauncher, _forked
from fairihub_headless.models import MARK
from fairihub_headless.warm.asking import Forked, NotForked, Unheard, ask
from tests.headless.conftest import settings_of

FACTS = {"modules": [], "late": [], "environment": {}, "user_site": None, "digest": None}


@pytest.mark.parametrize("fails", ["the second pipe", "the null device"])
async def test_no_descriptor_is_left_where_there_are_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    (tmp_path / "facts.json").write_text(json.dumps(FACTS))
    pipe, opened = os.pipe, os.open
    made: list[int] = []

    def one_pipe() -> tuple[int, int]:
        if made and fails == "the second pipe":
            raise OSError(errno.EMFILE, "too many")
        ends = pipe()
        made.extend(ends)
        return ends

    def no_device(path: Any, *more: Any, **named: Any) -> int:
        if path == os.devnull:
            raise OSError(errno.EMFILE, "too many")
        return opened(path, *more, **named)

    monkeypatch.setattr(os, "pipe", one_pipe)
    monkeypatch.setattr(os, "open", no_device)
    with pytest.raises(OSError, match="too many"):
        await _forked(tmp_path, tmp_path, {MARK: "r1"})
    for descriptor in made:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


async def test_an_order_that_was_sent_and_not_answered_is_told_from_one_that_never_was(
    tmp_path: Path,
) -> None:
    with pytest.raises(NotForked) as told:
        await ask(tmp_path / "none", {}, (), patience=0.1)
    assert not isinstance(told.value, Unheard)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "socket"))
        silent.listen()
        with pytest.raises(Unheard):
            await ask(tmp_path / "socket", {}, (0,), patience=0.1)


async def test_a_worker_that_may_have_begun_is_lost_and_the_next_begins_cold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    async def unheard(place: Path, *told: Any) -> Any:
        asked.append(place)
        raise Unheard("no answer")

    async def cold(*told: Any) -> str:
        return "cold"

    launcher = WarmLauncher(settings_of(tmp_path))
    monkeypatch.setattr(launching, "_forked", unheard)
    monkeypatch.setattr(launcher._warmth, "workers", lambda: tmp_path)
    monkeypatch.setattr(launcher._cold, "launch", cold)
    lost = await launcher.launch(tmp_path, {})
    assert (await lost.wait(), lost.returncode, await lost.line.read()) == (-9, -9, b"")
    assert await launcher.launch(tmp_path, {}) == "cold"
    assert asked == [tmp_path]


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from fairihub_headless.engine import launching

FILES = resource.RLIMIT_NOFILE
resource.setrlimit(FILES, (300, resource.getrlimit(FILES)[1]))
launching.open_many_files()
orders = []

async def ask(place, order, descriptors):
    orders.append(order)
    raise launching.NotForked("no")

async def main():
    launching.ask = ask
    try:
        await launching._forked(Path(sys.argv[1]), Path.cwd(), {"JOB_NAME": "r1"})
    except launching.NotForked:
        pass
    worker = await launching.ColdLauncher().launch(Path.cwd(), {})
    limit = resource.prlimit(worker.pid, FILES)
    worker.signal(9)
    await worker.wait()
    print(resource.getrlimit(FILES)[0] > 300, limit[0], orders[0]["limits"][0][:2])

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit stays")
def test_the_service_may_open_many_files_and_its_workers_as_many_as_before(tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(json.dumps(FACTS))
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert told.stdout.strip() == "True 300 ['RLIMIT_NOFILE', 300]", told.stderr


async def test_who_lets_go_of_a_process_listens_no_more() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    forked = Forked(ours, {"pid": 1, "guardian": 1})
    await asyncio.sleep(0)
    number = ours.fileno()
    forked.close()
    loop: Any = asyncio.get_running_loop()
    assert loop.remove_reader(number) is False
    theirs.close()
