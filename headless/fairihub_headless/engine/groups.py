"""The control group of an attempt, where this machine lets us make some.

The kernel is in it with all that it starts, the worker is not: a notebook that wants more memory
than it may have loses its kernel, and its worker can still say so and keep what there is.
"""

from __future__ import annotations

import logging
from pathlib import Path

from fairihub_core.cgroups import Controller, Group, hierarchies, make_group
from fairihub_headless.models import Run

log = logging.getLogger("fairihub.headless")


def group_for(run: Run) -> Group:
    """A new group with the limits of a run; one of no folder where none can be had. Blocks."""
    limits: dict[Controller, float | None]
    limits = {"memory": run.limits.mem_limit, "cpu": run.limits.cpu_limit}
    try:
        return make_group(hierarchies(), _name(run), limits)
    except OSError as problem:
        log.warning("run %s has no control group: %s", run.id, problem)
        return Group()


def group_of(run: Run) -> Group:
    """The group of this attempt, whoever made it. Blocks.

    A service that was begun in another group than we were has made it elsewhere.
    """
    group = Group.named(hierarchies(), _name(run))
    there = bool(group.folders) and all(map(Path.exists, group.folders))
    return group if there else Group.found(_name(run))


def bounds_memory(group: Group) -> bool:
    """Whether the system sees to it that the group's memory is not exceeded."""
    return bool(group.folders) and any("memory" in h.controllers for h in hierarchies())


def _name(run: Run) -> str:
    return f"fairihub-run-{run.id}-{run.attempt}"
