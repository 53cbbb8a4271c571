"""A fork server that is asked in vain leaves no descriptor open, nor a reader of one."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from fairihub_headless.engine.launching import _forked
from fairihub_headless.models import MARK
from fairihub_headless.warm.asking import Forked

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
