"""The fork server itself: imports once, then forks for whoever of the same user asks.

Its standard input is a line to the service: when that ends, so does this, and so does all that
waits here. What was handed over goes on without it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from . import process, wire
from .guardian import Guardian
from .rehearsal import rehearsed

_REFILL = 0.05
"""Seconds after which another waits in the place of one that was taken: that one goes first."""
_FAILURES = 3
_CANNOT = 70


def main(argument: str) -> Any:
    """Serves as the JSON argument says; in a forked process, does what that is there for."""
    said = json.loads(argument)
    if said["parent"]:
        process.die_with(said["parent"])
    process.call_itself("fairihub-warm")
    os.umask(0o077)
    kind = importlib.import_module("." + said["kind"], __package__)
    facts = _begun(kind, said)
    then: Any = Server(said, kind.prepared, facts).serve()
    del kind, facts, said
    while callable(then):
        then = then()
    return then


def _begun(kind: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    """Imports all that there is to import, and tells what a run must know of this process."""
    facts = rehearsed(kind, said)
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        _give_up(f"{threads - 1} threads were begun by its imports; they would be lost")
    gc.collect()
    gc.freeze()
    with open(os.path.join(said["folder"], wire.FACTS), "w") as file:
        json.dump(facts, file)
    return facts


class Server:
    """Accepts, forks and hands over; never waits for anybody."""

    def __init__(self, said: Mapping[str, Any], prepared: Any, facts: Mapping[str, Any]) -> None:
        self._said = said
        self._prepared = prepared
        self._about = {
            "home": said["home"],
            "home_names": facts["home_names"],
            "set": {name: os.environ[name] for name in facts["set"]},
        }
        self._guardians: set[int] = set()
        self._waiting: list[socket.socket] = []
        self._preparing: list[socket.socket] = []
        self._failures = 0
        self._refill_at = 0.0

    def serve(self) -> Guardian:
        """Until the service has gone; in a forked process, returns what that is to do."""
        process.adopt_orphans()
        self._woken, waking = os.pipe()
        for end in (self._woken, waking):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(os.path.join(self._said["folder"], wire.SOCKET))
        self._listener.listen(128)
        process.outlive_parent()
        print(json.dumps({"ready": True}), flush=True)
        while True:
            guardian = self._turn()
            if guardian is not None:
                return guardian

    def _turn(self) -> Guardian | None:
        missing = self._said["waiting"] - len(self._waiting) - len(self._preparing)
        pause = max(0.0, self._refill_at - time.monotonic()) if missing > 0 else None
        lines = self._waiting + self._preparing
        watched: list[Any] = [0, self._woken, self._listener, *lines]
        ready, _, _ = select.select(watched, [], [], pause)
        if 0 in ready and not os.read(0, 4096):
            self._clear_up()
            os._exit(0)
        if self._woken in ready:
            os.read(self._woken, 4096)
            self._reap()
        for line in lines:
            if line in ready:
                self._hear(line)
        if self._listener in ready:
            return self._answer()
        if missing > 0 and time.monotonic() >= self._refill_at:
            return self._fork()
        return None

    def _reap(self) -> None:
        """Counts the guardians that have ended; what else is ours was left by one that was killed.

        It may bear no mark, and be in a session of its own: nobody else would find it.
        """
        with contextlib.suppress(ChildProcessError):
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                self._guardians.discard(pid)
        for pid in set(process.children()) - self._guardians:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def _clear_up(self) -> None:
        """The service may have been killed: nobody else removes what is on the disk then."""
        folder = self._said["folder"]
        shutil.rmtree(self._said["home"], ignore_errors=True)
        for name in (wire.SOCKET, wire.FACTS):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))
        process.remove_if_empty(folder)

    def _hear(self, line: socket.socket) -> None:
        """A forked process has prepared itself, or it has ended."""
        try:
            wire.receive(line)
        except (EOFError, OSError):
            for lines in (self._waiting, self._preparing):
                if line in lines:
                    lines.remove(line)
            line.close()
            self._failures += 1
            self._refill_at = time.monotonic() + _REFILL * 2**self._failures
            if self._failures >= _FAILURES:
                _give_up("what is forked here ends before it can be used")
            return
        self._failures = 0
        if line in self._preparing:
            self._preparing.remove(line)
            self._waiting.append(line)

    def _answer(self) -> Guardian | None:
        """Hands who asks over to the one that has waited longest, else to a new one."""
        asking, _ = self._listener.accept()
        with asking:
            if not _is_own(asking):
                return None
            if not (self._waiting or self._preparing):
                forked = self._fork(asking)
                if forked is not None:
                    return forked
            line = (self._waiting or self._preparing).pop(0)
            # If it has just ended, who asks finds the line closed, and begins anew.
            with contextlib.suppress(OSError):
                wire.send(line, {}, [asking.fileno()])
            line.close()
            self._refill_at = time.monotonic() + _REFILL
        return None

    def _fork(self, *asking: socket.socket) -> Guardian | None:
        """None in this process, which goes on; what is to be done in the forked one."""
        ours, theirs = socket.socketpair()
        name = tempfile.mkdtemp(prefix="k", dir=self._said["folder"])
        if pid := os.fork():
            self._guardians.add(pid)
            theirs.close()
            self._preparing.append(ours)
            return None
        for line in (ours, self._listener, *asking, *self._waiting, *self._preparing):
            line.close()  # each by its owner, so that none closes its number again later
        process.reset_signals()
        process.close_all({theirs.fileno()})
        prepared, about = self._prepared, self._about
        return Guardian(
            theirs,
            name,
            lambda folder: prepared(folder, about),
            self._said["mark"],
            self._said["guard_mark"],
        )


def _is_own(asking: socket.socket) -> bool:
    """Whether who asks is of this user."""
    credentials = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", credentials)[1] == os.geteuid())


def _give_up(why: str) -> NoReturn:
    print(json.dumps({"problem": why}), flush=True)
    sys.stdout.flush()
    os._exit(_CANNOT)
