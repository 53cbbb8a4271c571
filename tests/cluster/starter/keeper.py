"""The process above all parts of the cluster: starts and stops them, and buries the dead.

Where the first process of the machine does not reap, dead shims of containerd would pile up; here
they become children of the keeper. It restarts nothing: a part that ends is an error to be seen.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from tests.cluster.starter.machine import end_processes
from tests.cluster.starter.parts import PARTS, command_of
from tests.cluster.starter.places import CACHE, KEEPER, LOGS, MARK, PROJECT

SET_CHILD_SUBREAPER = 36
PATIENCE_SECONDS = 10.0


class Keeper:
    """Knows which parts run, and how those ended that do not."""

    def __init__(self) -> None:
        self._running: dict[str, int] = {}
        self._ended: dict[str, int] = {}

    def serve(self) -> None:
        """Answers one request after the other until it is told to end."""
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.bind(str(KEEPER))
            door.listen(8)
            door.settimeout(0.5)
            while True:
                self._bury()
                # A caller that goes away or talks nonsense must not take the cluster with it.
                with suppress(OSError, ValueError, KeyError):
                    caller, _ = door.accept()
                    with caller:
                        if self._answer(caller):
                            return

    def _answer(self, caller: socket.socket) -> bool:
        """Whether that was the last request."""
        caller.settimeout(5)
        request = json.loads(caller.makefile().readline())
        match request["do"]:
            case "start":
                self._start(request["part"])
            case "stop":
                self._stop(request["part"], int(request.get("signal", signal.SIGTERM)))
            case "end":
                for part in reversed(PARTS):
                    self._stop(part, signal.SIGTERM)
                end_processes(self._bury)
        self._bury()
        answer = {"running": self._running, "ended": self._ended}
        with suppress(OSError):
            caller.sendall(json.dumps(answer).encode() + b"\n")
        return bool(request["do"] == "end")

    def _start(self, part: str) -> None:
        if part in self._running or part not in PARTS:
            return
        self._ended.pop(part, None)
        command = command_of(part)
        appended = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        # Not by `subprocess`, which wants to reap its children itself.
        self._running[part] = os.posix_spawnp(
            command[0], command, os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, str(LOGS / f"{part}.log"), appended, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )  # fmt: skip

    def _stop(self, part: str, number: int) -> None:
        pid = self._running.get(part)
        if pid is None:
            return
        os.kill(pid, number)
        until = time.monotonic() + PATIENCE_SECONDS
        while part in self._running:
            if time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
            self._bury()

    def _bury(self) -> None:
        """Also those who came to us because their own parents are gone."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for part in [name for name, running in self._running.items() if running == pid]:
                del self._running[part]
                self._ended[part] = os.waitstatus_to_exitcode(status)


def ask(do: str, **more: Any) -> dict[str, dict[str, int]] | None:
    """What the keeper says; None if there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(12 * PATIENCE_SECONDS)
        try:
            caller.connect(str(KEEPER))
            caller.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
            line = caller.makefile().readline()
        except (FileNotFoundError, ConnectionError):  # it may be about to end
            return None
    return json.loads(line) if line else None


def begin() -> None:
    """Starts a keeper that outlives this process."""
    with (LOGS / "keeper.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.starter", "keep"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            cwd=PROJECT, env={**os.environ, MARK: str(CACHE)},
        )  # fmt: skip
