"""What a forked process puts right, so that it is as one that has begun anew (Linux)."""

from __future__ import annotations

import ctypes
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Container, Mapping, Sequence
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
_ENV_START, _ENV_END = 47, 48
"""Where the environment block begins and ends, among the words of /proc/PID/stat."""
ROOM = "-" * 64
"""The value of a variable that is to be overwritten in place."""

_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Whatever begins below this process stays below it until it ends."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent: int) -> None:
    """This process is killed as soon as its parent is gone."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def outlive_parent() -> None:
    """No longer killed with it: from here on, the end of a line says so, and there is time."""
    _libc.prctl(_PR_SET_PDEATHSIG, 0, 0, 0, 0)


def call_itself(name: str) -> None:
    """What `ps` and `top` show."""
    _libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def close_all(keep: Container[int]) -> None:
    """Closes every descriptor but those, and lets 0, 1 and 2 lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        if standard not in keep:
            os.dup2(nowhere, standard)
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number > 2 and number not in keep:
            try:
                os.close(number)
            except OSError:
                continue


def reset_signals() -> None:
    """Signals as a new interpreter has them: none blocked, none handled but those Python does."""
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    ignored = {signal.SIGPIPE, signal.SIGXFSZ}
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        as_new: Any = signal.SIG_IGN if number in ignored else signal.SIG_DFL
        if number == signal.SIGINT:
            as_new = signal.default_int_handler
        if signal.getsignal(number) not in (as_new, None):
            signal.signal(number, as_new)


def mark(variable: str, value: str) -> None:
    """Writes `variable` where others see this process's environment, which begins empty there.

    A process that is forked shows the environment of the one that was there before it: without
    this nobody would find out whose it is.

    Raises:
        ValueError: there is no room for it.
    """
    wanted = f"{variable}={ROOM}".encode()
    with open("/proc/self/stat", "rb") as file:
        words = file.read().rpartition(b") ")[2].split()
    begin, end = int(words[_ENV_START]), int(words[_ENV_END])
    at = ctypes.string_at(begin, end - begin).find(wanted)
    raw = f"{variable}={value}".encode()
    if at < 0 or len(raw) > len(wanted):
        raise ValueError(f"no room for the mark {variable}")
    ctypes.memmove(begin + at, raw.ljust(len(wanted), b"\0"), len(wanted))


def become(
    order: Mapping[str, Any], descriptors: Sequence[int], streams: Sequence[int] = (0, 1, 2)
) -> None:
    """Takes over what the order says: environment, folder, streams, limits; draws new seeds."""
    for descriptor, number in zip(descriptors, streams):
        os.dup2(descriptor, number, inheritable=number <= 2)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.umask(order["umask"])
    os.chdir(order["cwd"])
    if order.get("nice") is not None:
        os.setpriority(os.PRIO_PROCESS, 0, order["nice"])
    for name, soft, hard in order.get("limits", ()):
        resource.setrlimit(getattr(resource, name), (soft, hard))
    _forget()


def limits_here() -> list[list[Any]]:
    """The limits of this process, for another that is to have the same."""
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return [[name, *resource.getrlimit(getattr(resource, name))] for name in names]


def _forget() -> None:
    """What modules drew by lot or noted from the environment while they were imported."""
    random.seed()
    numpy_random: Any = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    tempfile: Any = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile.tempdir = None
        tempfile._name_sequence = None
    multiprocessing: Any = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None:
        multiprocessing.current_process().authkey = os.urandom(32)


def remove_if_empty(folder: str) -> None:
    """The folder of a fork server and the one of all of them, once nothing is in them any more."""
    for place in (folder, os.path.dirname(folder)):
        try:
            os.rmdir(place)
        except OSError:
            return


def kill_below(seconds: float = 10.0) -> bool:
    """Kills all below this process, which is heir of their orphans; False if some are left."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for child in children():
            try:
                os.kill(child, signal.SIGKILL)
            except OSError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return True
        time.sleep(0.001)
    return False


def children() -> list[int]:
    """The processes right below this one."""
    me = os.getpid()
    try:
        with open(f"/proc/self/task/{me}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        every = map(int, filter(str.isdigit, os.listdir("/proc")))
        return [pid for pid in every if _ppid(pid) == me]


def _ppid(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b") ")[2].split()[1])
    except (OSError, IndexError):
        return 0
