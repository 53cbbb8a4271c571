"""How fast servers start on Kubernetes, beside plain KubeSpawner on the same cluster.

`make bench-spawn`, or `python -m benchmarks.spawn`, as root: it starts the test cluster if it
does not run. Three parts: a start beside a start, many starts at once, and 200 team namespaces
on a stand-in API.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import spawn_at_once, spawn_pairs, spawn_teams
from benchmarks.spawn_hubs import the_cluster

RESAMPLES = 10_000


@dataclass(frozen=True)
class Measure:
    """One line of the table."""

    what: str
    ours: float
    peer: float | None = None
    """The same of plain KubeSpawner."""
    value: float | None = None
    """What the budget is about, such as a ratio."""
    budget: float | None = None

    @property
    def kept(self) -> bool:
        return self.budget is None or self.value is None or self.value <= self.budget


def interval(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Where the ratio of medians is, with 95 of 100: the pairs drawn anew, again and again."""
    draw = random.Random(5)  # noqa: S311 - for numbers that can be had again
    ratios = sorted(ratio(draw.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
    return ratios[int(0.025 * RESAMPLES)], ratios[int(0.975 * RESAMPLES)]


def ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Ours over the peer's, of medians."""
    ours, theirs = zip(*pairs, strict=True)
    return statistics.median(ours) / statistics.median(theirs)


def of_pairs(pairs: Sequence[tuple[float, float]]) -> list[Measure]:
    ours, theirs = zip(*pairs, strict=True)
    low, high = interval(pairs)
    middle = statistics.median(ours), statistics.median(theirs)
    return [
        Measure("start to ready, median s", *middle, ratio(pairs), 1.05),
        Measure(f"  95 % of {len(pairs)} pairs: {low:.3f} to {high:.3f}", *middle, high, 1.05),
        Measure("start to ready, slowest s", max(ours), max(theirs)),
    ]


def of_many(ours: spawn_at_once.Many, peer: spawn_at_once.Many) -> list[Measure]:
    beside = 1000 * (ours.callback - peer.callback)
    round_beside = 1000 * (ours.round - peer.round)
    count = ours.count
    return [
        Measure(f"{count} at once, failures", ours.failures, peer.failures, ours.failures, 0),
        Measure(f"{count} at once, all ready s", ours.seconds, peer.seconds),
        Measure(f"{count} at once, CPU of the hub s", ours.cpu, peer.cpu),
        Measure("  longest callback ms", 1000 * ours.callback, 1000 * peer.callback, beside, 50),
        Measure("  longest round ms", 1000 * ours.round, 1000 * peer.round, round_beside),
    ]


def of_teams(kinds: dict[str, spawn_teams.Load]) -> list[Measure]:
    peer = kinds["plain"]
    found = []
    for kind, load in kinds.items():
        if kind == "plain":
            continue
        found += [
            Measure(f"{load.teams} teams, {kind}: watches", load.watches, peer.watches),
            Measure(
                f"{load.teams} teams, {kind}: growth MiB",
                load.growth,
                peer.growth,
                load.growth / peer.growth,
            ),
            Measure(f"{load.teams} teams, {kind}: CPU at rest ms/s", load.at_rest, peer.at_rest),
        ]
    return found


def table(measures: Sequence[Measure]) -> str:
    lines = [f"{'':46}{'fairihub':>10}{'peer':>10}{'beside':>9}{'budget':>8}"]
    for m in measures:
        peer, value, budget = (
            "-" if number is None else f"{number:.{digits}f}"
            for number, digits in ((m.peer, 2), (m.value, 3), (m.budget, 2))
        )
        mark = "" if m.kept else "  over"
        lines.append(f"{m.what:46}{m.ours:>10.2f}{peer:>10}{value:>9}{budget:>8}{mark}")
    return "\n".join(lines)


def measured(folder: Path, options: argparse.Namespace) -> list[Measure]:
    found: list[Measure] = []
    if options.pairs or options.at_once:
        with the_cluster() as cluster:
            if options.pairs:
                found += of_pairs(spawn_pairs.run(folder / "pairs", cluster, options.pairs))
            if options.at_once:
                found += of_many(*spawn_at_once.run(folder / "many", cluster, options.at_once))
    if options.teams:
        found += of_teams(spawn_teams.run(folder / "teams", options.teams))
    return found


def main() -> int:
    """Prints the table, or JSON; 1 if a budget was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=30, help="starts of each; 0 for none")
    parser.add_argument("--at-once", type=int, default=30, help="starts at one time; 0 for none")
    parser.add_argument("--teams", type=int, default=200, help="on a stand-in API; 0 for none")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        measures = measured(Path(folder), options)
    if options.json:
        print(json.dumps([{**asdict(m), "kept": m.kept} for m in measures]))
    else:
        load = f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after"
        print(f"\n{os.cpu_count()} cores, {load}; the peer is plain KubeSpawner\n")
        print(table(measures))
        if options.at_once:
            print(f"\n{spawn_at_once.NOTE}")
    return 0 if all(m.kept for m in measures) else 1


if __name__ == "__main__":
    sys.exit(main())
