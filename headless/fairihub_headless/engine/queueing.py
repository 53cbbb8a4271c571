"""Which waiting runs start next; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from fairihub_headless.store.runs import Waiting


def next_runs(
    waiting: Sequence[Waiting], running_owners: Iterable[str], at_once: int, per_member: int
) -> list[str]:
    """Ids of the runs to start now, oldest first among members who use the least.

    A member with a thousand waiting runs delays others by one of them, not by a thousand.
    """
    used = Counter(running_owners)
    free = at_once - used.total()
    left = list(waiting)
    picked: list[str] = []
    while len(picked) < free:
        fitting = [run for run in left if used[run.owner] < per_member]
        if not fitting:
            break
        run = min(fitting, key=lambda candidate: used[candidate.owner])
        left.remove(run)
        used[run.owner] += 1
        picked.append(run.id)
    return picked
