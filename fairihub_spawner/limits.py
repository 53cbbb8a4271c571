"""What this machine can enforce of a profile's limits, found out once by trying."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fairihub_core.cgroups import Group, Hierarchy, hierarchies, make_group


@dataclass(frozen=True)
class Enforcement:
    """How far limits are kept on this machine; shown on the page where profiles are chosen."""

    memory: Literal["enforced", "per-process", "none"]
    cpu: Literal["enforced", "none"]
    gpu: Literal["none"] = "none"
    how: str = ""
    """For operators: by what."""


@dataclass(frozen=True)
class Confinement:
    """What holds one server, its kernels and their children: a control group, or less."""

    group: Group = field(default_factory=Group)
    memory_of_each: int | None = None
    """Bytes of data that any one process may have, where there is no group for all of them."""

    def enter(self) -> None:
        """Confines the calling process and its children to come; for the child before exec."""
        self.group.enter()
        if self.memory_of_each is not None:
            _limit_data(self.memory_of_each)


def enforcement() -> Enforcement:
    """What this machine can enforce. Blocks for a moment, the first time."""
    return enforcement_by(hierarchies(), sys.platform)


def enforcement_by(usable: tuple[Hierarchy, ...], platform: str) -> Enforcement:
    """What those hierarchies of control groups can enforce, on that platform."""
    by = {c: h for h in usable for c in h.controllers}
    grouped = "memory" in by
    each = platform == "linux" and not grouped
    means = {f"control groups, version {h.version}": None for h in by.values()}
    if each:
        means["a limit on the data of each process"] = None
    return Enforcement(
        memory="enforced" if grouped else "per-process" if each else "none",
        cpu="enforced" if "cpu" in by else "none",
        how=" and ".join(means) or "nothing that this machine offers",
    )


def confine(name: str, memory: int | None, cpu: float | None) -> Confinement:
    """A new confinement for one server; None means no limit. Blocks.

    Raises:
        OSError: the group could not be made, though others could.
    """
    usable = hierarchies()
    group = make_group(usable, name, {"memory": memory, "cpu": cpu})
    by_process = enforcement_by(usable, sys.platform).memory == "per-process"
    return Confinement(group, memory if by_process else None)


def resumed(folders: list[str]) -> Confinement:
    """The confinement of a server that an earlier hub process started."""
    return Confinement(Group(tuple(Path(f) for f in folders)))


def _limit_data(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
