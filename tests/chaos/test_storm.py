"""The promise in short: some runs, some kills, both databases. The long form is `make chaos`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.chaos.bases import opened
from tests.chaos.storm import Plan, Storm
from tests.support.runs_hub import RunsHub

RUNS, KILLS = 60, 10


@pytest.mark.flaky(reruns=0)  # a promise that is broken once is broken
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost_doubled_or_stuck(hub: RunsHub, tmp_path: Path, kind: str) -> None:
    plan = Plan(RUNS, KILLS, random.SystemRandom().randrange(10**6), f"storm-{kind}")
    with opened(kind, tmp_path / "base") as base:
        report = Storm(hub, base, tmp_path, plan).run()
    print(report.text())
    assert report.accepted == RUNS
    assert sum(report.kills.values()) == KILLS
    assert report.kept, report.text()
