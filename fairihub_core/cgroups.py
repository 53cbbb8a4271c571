"""Control groups of Linux, version 1 and 2: where we may make some, and what they can limit."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal
from uuid import uuid4

Controller = Literal["memory", "cpu"]
CONTROLLERS: tuple[Controller, ...] = ("memory", "cpu")
_PERIOD = 100_000
_LEAST_QUOTA = 1_000
_TRIAL: Mapping[Controller, float] = {"memory": 256 * 2**20, "cpu": 1.0}


@dataclass(frozen=True)
class Hierarchy:
    """A folder below which we may make groups, and what these limit."""

    folder: Path
    version: Literal[1, 2]
    controllers: tuple[Controller, ...]


@dataclass(frozen=True)
class Mount:
    """A line of `/proc/self/mountinfo` that mounts control groups."""

    point: Path
    root: str
    version: Literal[1, 2]
    options: tuple[str, ...]


def mounts_in(mountinfo: str) -> list[Mount]:
    """The mounts of control groups, in the order of the file."""
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) > 4 and len(kind) > 2 and kind[0] in ("cgroup", "cgroup2"):
            version: Literal[1, 2] = 2 if kind[0] == "cgroup2" else 1
            found.append(Mount(Path(fields[4]), fields[3], version, tuple(kind[2].split(","))))
    return found


def own_groups(self_cgroup: str) -> dict[str, str]:
    """From `/proc/self/cgroup`: our path per controller of version 1; for version 2 under ""."""
    paths = {}
    for line in self_cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def folder_of(mount: Mount, path: str) -> Path:
    """Where the group `path` is seen below `mount`: a container sees only a part of the tree."""
    root = mount.root.rstrip("/")
    if path == root or path.startswith(root + "/"):
        folder = mount.point / path[len(root) :].lstrip("/")
        return folder if folder.is_dir() else mount.point
    return mount.point


@functools.lru_cache(maxsize=1)
def hierarchies() -> tuple[Hierarchy, ...]:
    """What this machine gives us, found out once. Blocks, the first time."""
    return usable_hierarchies() if sys.platform == "linux" else ()


def usable_hierarchies() -> tuple[Hierarchy, ...]:
    """Where groups can really be made and entered, each controller at most once. Blocks.

    Tried, not guessed: containers, delegation and old kernels differ in ways nobody lists.
    """
    try:
        mounts = mounts_in(Path("/proc/self/mountinfo").read_text())
        own = own_groups(Path("/proc/self/cgroup").read_text())
    except OSError:
        return ()
    usable: list[Hierarchy] = []
    for controller in CONTROLLERS:
        candidates = [h for m in mounts for h in _candidates(m, own, controller)]
        working = next((h for h in candidates if _works(h)), None)
        if working:
            usable.append(working)
    return _joined(usable)


def _joined(hierarchies: Iterable[Hierarchy]) -> tuple[Hierarchy, ...]:
    """One entry per folder: in version 2 all controllers share it."""
    by_folder: dict[Path, Hierarchy] = {}
    for h in hierarchies:
        known = by_folder.get(h.folder)
        controllers = (*known.controllers, *h.controllers) if known else h.controllers
        by_folder[h.folder] = Hierarchy(h.folder, h.version, controllers)
    return tuple(by_folder.values())


def _candidates(mount: Mount, own: Mapping[str, str], controller: Controller) -> list[Hierarchy]:
    if mount.version == 1:
        if controller not in mount.options:
            return []
        return [Hierarchy(folder_of(mount, own.get(controller, "/")), 1, (controller,))]
    here = folder_of(mount, own.get("", "/"))
    above = [f for f in (here, *here.parents) if f.is_relative_to(mount.point)]
    return [Hierarchy(f, 2, (controller,)) for f in above if _delegates(f, controller)]


def _delegates(folder: Path, controller: Controller) -> bool:
    """Whether groups below `folder` (version 2) can have the controller; enables it if need be.

    A group with processes of its own can have none below that are limited, save the first one.
    """
    with contextlib.suppress(OSError):
        if not os.access(folder, os.W_OK):
            return False
        if controller not in (folder / "cgroup.controllers").read_text().split():
            return False
        is_first = not (folder / "cgroup.type").exists()
        if not is_first and (folder / "cgroup.procs").read_text().strip():
            return False
        enabled = folder / "cgroup.subtree_control"
        if controller not in enabled.read_text().split():
            enabled.write_text(f"+{controller}")
        return True
    return False


def _works(hierarchy: Hierarchy) -> bool:
    """Whether a process can be started in a group with a limit."""
    try:
        group = make_group((hierarchy,), f"fairihub-trial-{uuid4().hex[:8]}", _TRIAL)
    except OSError:
        return False
    try:
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", ""],
            preexec_fn=group.enter,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        group.end()
    return True


@dataclass(frozen=True)
class Group:
    """The folders, one per hierarchy, that hold one server or run, and all that it starts."""

    folders: tuple[Path, ...] = ()

    @classmethod
    def named(cls, hierarchies: Iterable[Hierarchy], name: str) -> Group:
        """The group of that name, whoever made it, also if there is none."""
        return cls(tuple(h.folder / name for h in hierarchies))

    @classmethod
    def found(cls, name: str) -> Group:
        """Every group of that name on this machine, wherever it was made. Blocks."""
        try:
            mounts = mounts_in(Path("/proc/self/mountinfo").read_text())
        except OSError:
            return cls()
        limiting = [m for m in mounts if m.version == 2 or {*m.options} & {*CONTROLLERS}]
        return cls(tuple(
            Path(parent, name)
            for point in dict.fromkeys(m.point for m in limiting)
            for parent, folders, _ in os.walk(point)
            if name in folders
        ))  # fmt: skip

    def enter(self) -> None:
        """Moves the calling process in; for the child between fork and exec."""
        for folder in self.folders:
            _write(folder / "cgroup.procs", "0")

    def take(self, pids: Iterable[int]) -> None:
        """Moves processes in, as far as they are still there; what they start later is in it.

        Raises:
            OSError: they cannot be moved.
        """
        for folder in self.folders:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    _write(folder / "cgroup.procs", str(pid))

    def killed_for_memory(self) -> int:
        """How many processes the system has killed since they wanted more than the limit."""
        count = 0
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    words = (folder / name).read_text().split()
                    count += sum(int(n) for w, n in pairwise(words) if w == "oom_kill")
        return count

    def processes(self) -> list[int]:
        found: set[int] = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
        return sorted(found)

    def end(self, seconds: float = 5.0) -> bool:
        """Kills whatever is left in the group and removes it; False if something would not go.

        Blocks. Again and again, since a process may fork while its siblings are killed.
        """
        until = time.monotonic() + seconds
        while self.folders:
            for folder in self.folders:
                with contextlib.suppress(OSError):  # newer kernels of version 2 kill all at once
                    _write(folder / "cgroup.kill", "1")
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if all(_removed(folder) for folder in self.folders):
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True


def make_group(
    hierarchies: tuple[Hierarchy, ...], name: str, limits: Mapping[Controller, float | None]
) -> Group:
    """A new group with those limits that the hierarchies know and that are not None.

    Raises:
        OSError: it cannot be made; nothing is left of it then.
    """
    group = Group.named(hierarchies, name)
    try:
        for hierarchy, folder in zip(hierarchies, group.folders, strict=True):
            folder.mkdir()
            for controller in hierarchy.controllers:
                value = limits.get(controller)
                if value is not None:
                    _set(folder, hierarchy.version, controller, value)
    except OSError:
        group.end()
        raise
    return group


def files_for(
    version: Literal[1, 2], controller: Controller, value: float
) -> list[tuple[str, str, bool]]:
    """The files to write for a limit: name, text, and whether the limit holds without it."""
    if controller == "cpu":
        quota = max(_LEAST_QUOTA, int(value * _PERIOD))
        if version == 2:
            return [("cpu.max", f"{quota} {_PERIOD}", False)]
        return [("cpu.cfs_period_us", str(_PERIOD), False), ("cpu.cfs_quota_us", str(quota), False)]
    size = str(int(value))
    if version == 2:
        return [("memory.max", size, False), ("memory.swap.max", "0", True)]
    # Not every kernel counts swap.
    return [
        ("memory.limit_in_bytes", size, False),
        ("memory.memsw.limit_in_bytes", size, True),
    ]


def _set(folder: Path, version: Literal[1, 2], controller: Controller, value: float) -> None:
    for name, text, optional in files_for(version, controller, value):
        try:
            _write(folder / name, text)
        except OSError:
            if not optional:
                raise


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
