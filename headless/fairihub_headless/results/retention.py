"""How long what a run left is kept: by age, by number, and as long as it is pinned; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from fairihub_headless.models import Kept, Run
from fairihub_headless.settings import Rules


def expires(run: Run, rules: Rules) -> datetime | None:
    """When age will take what a run left; None while it runs, is pinned, or has expired.

    It can go sooner where a team has more runs than are kept: nobody can say when.
    """
    if not run.state.ended or run.finished is None or run.pinned or run.expired is not None:
        return None
    return run.finished + rules.age(run.state)


def due(kept: Iterable[Kept], rules: Rules, now: datetime) -> list[str]:
    """The ids of those whose time has come, oldest first."""
    by_team: dict[str, list[Kept]] = defaultdict(list)
    for run in kept:
        if run.state.ended and not run.pinned:
            by_team[run.team].append(run)
    found: list[Kept] = []
    for runs in by_team.values():
        newest_first = sorted(runs, key=lambda run: run.finished, reverse=True)
        for place, run in enumerate(newest_first):
            too_many = rules.per_team is not None and place >= rules.per_team
            if too_many or run.finished + rules.age(run.state) <= now:
                found.append(run)
    return [run.id for run in sorted(found, key=lambda run: run.finished)]
