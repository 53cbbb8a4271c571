"""The parent of one forked process: hands it its order, tells how it goes, and clears up behind it.

It is heir of all that begins below it, so that nothing of a run is left when the run has ended;
nothing of the run can keep it from that short of killing it, and then its child dies with it.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import time
from typing import Any, Callable

from . import process, wire

Prepared = Callable[[str], Any]
_PATIENCE = 20.0
"""Seconds that whoever asked may take to say what is to be done."""


class Guardian:
    """What the fork server leaves in a process of its own.

    `prepared` runs in the child and returns what is to be called with the order.
    """

    def __init__(
        self, server: socket.socket, folder: str, prepared: Prepared, mark: str, guard_mark: str
    ) -> None:
        self._server = server
        self._folder = folder
        self._prepared = prepared
        self._mark = mark
        self._guard_mark = guard_mark
        self._child = 0
        self._status: int | None = None

    def __call__(self) -> Child:
        """Until nothing is left; returns what the child is to do, in the child."""
        process.call_itself("fairihub-guard")
        os.setsid()
        process.adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._inner, theirs = socket.socketpair()
        me = os.getpid()
        self._child = os.fork()
        if self._child == 0:
            process.die_with(me)
            self._inner.close()
            self._server.close()
            return Child(theirs, self._folder, self._prepared, self._mark)
        theirs.close()
        self._woken, waking = os.pipe()
        os.set_blocking(waking, False)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        try:
            self._watch()
        finally:
            process.kill_below()
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
                process.remove_if_empty(os.path.dirname(self._folder))
            os._exit(0)

    def _watch(self) -> None:
        line = self._handed_over()
        if line is None:
            return
        self._server.close()
        grace = self._introduced(line)
        if grace is not None:
            self._until_the_end(line, grace)

    def _handed_over(self) -> socket.socket | None:
        """The line to whoever asked; None if nobody will ask any more."""
        while True:
            for ready in self._wait(self._server, self._inner):
                try:
                    message, descriptors = wire.receive(ready)
                except (EOFError, OSError):
                    return None
                if ready is self._inner:
                    wire.send(self._server, message)
                else:
                    return socket.socket(fileno=descriptors[0])
            if self._ended():
                return None

    def _introduced(self, line: socket.socket) -> float | None:
        """Passes the order on, and the answer back; how long the child may outlive the line."""
        line.settimeout(_PATIENCE)
        order, descriptors = wire.receive(line)
        line.settimeout(None)
        try:
            process.mark(self._guard_mark, order["run"])
            wire.send(self._inner, order, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        while True:
            for ready in self._wait(self._inner, line):
                if ready is line:
                    return None
                answer, _ = wire.receive(self._inner)
                if "prepared" not in answer:
                    about = {"pid": self._child, "guardian": os.getpid()}
                    wire.send(line, dict(answer, **about))
                    return float(order.get("grace", 0.0))
            if self._ended():
                return None

    def _until_the_end(self, line: socket.socket, grace: float) -> None:
        """Until the child has ended, or the other side has gone and the child had its time."""
        self._inner.close()
        deadline: float | None = None
        while not self._ended():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            for ready in self._wait(*([] if deadline else [line]), timeout=left):
                try:
                    message, _ = wire.receive(ready)
                except (EOFError, OSError):
                    deadline = time.monotonic() + grace
                else:
                    self._signal(message["signal"])
        swept = process.kill_below()
        if deadline is None:
            wire.send(line, {"ended": self._status, "swept": swept})

    def _wait(self, *lines: socket.socket, timeout: float | None = None) -> list[socket.socket]:
        readable: list[Any] = [*lines, self._woken]
        ready, _, _ = select.select(readable, [], [], timeout)
        if self._woken in ready:
            os.read(self._woken, 4096)
        return [line for line in lines if line in ready]

    def _signal(self, number: int) -> None:
        """Only while the child has not been counted: its number is nobody else's until then."""
        if self._status is None:
            os.kill(self._child, number)

    def _ended(self) -> bool:
        """Counts the children that have ended, also those that came to us; whether ours is one."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid == self._child:
                    self._status = _code(status)
        except ChildProcessError:
            pass
        return self._status is not None


class Child:
    """What the guardian leaves in the process that it guards."""

    def __init__(self, line: socket.socket, folder: str, prepared: Prepared, mark: str) -> None:
        self._line = line
        self._folder = folder
        self._prepared = prepared
        self._mark = mark

    def __call__(self) -> Callable[[], Any]:
        """Begins what can begin before there is an order, waits for it, and follows it."""
        os.setsid()
        process.reset_signals()
        follow, streams = self._prepared(self._folder)
        wire.send(self._line, {"prepared": True})
        try:
            order, descriptors = wire.receive(self._line)
        except EOFError:
            os._exit(0)
        process.mark(self._mark, order["run"])
        try:
            process.become(order, descriptors, streams)
            answer, then = follow(order)
        except Exception as problem:
            wire.send(self._line, {"problem": f"{type(problem).__name__}: {problem}"})
            os._exit(70)
        wire.send(self._line, dict(answer, ready=True))
        self._line.close()
        then_do: Callable[[], Any] = then
        return then_do


def _code(status: int) -> int:
    """As `subprocess` says it: below zero, ended by that signal."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
