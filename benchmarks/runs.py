"""How fast runs are, and what they hold, beside papermill, nbclient and other services.

`make bench-runs`, or `python -m benchmarks.runs`: a hub with its proxy, the runs service with its
default settings but for the pace of requests, a member's program. `--only` names the parts
that are wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import pytest

from benchmarks import runs_cells, runs_client, runs_list, runs_many, runs_peers, runs_trivial
from benchmarks.runs_table import Measure, table
from tests.support.postgres import Postgres
from tests.support.runs_hub import Service, running_hub


@dataclass(frozen=True)
class Bench:
    """What the parts are given."""

    client: httpx.Client
    service: Service
    folder: Path
    options: argparse.Namespace


def trivial(bench: Bench) -> list[Measure]:
    return runs_trivial.trivial(
        bench.client, bench.folder, bench.options.runs, bench.options.peer_runs
    )


def endings(bench: Bench) -> list[Measure]:
    return runs_trivial.endings(bench.client, bench.service, bench.options.endings)


def memory(bench: Bench) -> list[Measure]:
    return runs_trivial.waiting(bench.service)


def at_once(bench: Bench) -> list[Measure]:
    return runs_many.at_once(bench.client, bench.service, bench.options.at_once)


def throughput(bench: Bench) -> list[Measure]:
    return runs_many.throughput(
        bench.client, bench.folder, bench.options.many, 2 * bench.options.peer_runs
    )


def cells(bench: Bench) -> list[Measure]:
    return runs_cells.cells(bench.folder, bench.options.cells)


def peers(bench: Bench) -> list[Measure]:
    ours = statistics.median(runs_client.run(bench.client).seconds for _ in range(10))
    return runs_peers.peers(ours, bench.folder, bench.options.peer_runs)


def joblist(bench: Bench) -> list[Measure]:
    """Lists of a hundred thousand jobs, each kind; beside skipping rows to the same page."""
    lines = [_listed(f"sqlite:///{bench.folder}/list.sqlite", "SQLite", bench.options)]
    try:
        with closing(Postgres()) as cluster:
            cluster.start()
            return [*lines, _listed(cluster.database(), "PostgreSQL", bench.options)]
    except pytest.skip.Exception as missing:
        return [*lines, Measure("list of jobs, PostgreSQL", None, "ms", note=str(missing))]


def _listed(url: str, named: str, options: argparse.Namespace) -> Measure:
    found = runs_list.measured(url, options.jobs, options.times)
    ours = {kind: p95 for kind, (_, p95) in found.items() if not kind.startswith("peer")}
    slowest = max(ours, key=ours.__getitem__)
    skipped = max(p95 for kind, (_, p95) in found.items() if kind not in ours)
    what = f"list of {options.jobs} jobs, {named}, p95"
    note = f"of {len(ours)} kinds of lists the slowest is: {slowest}"
    return Measure(what, ours[slowest], "ms", skipped, "skipping rows", budget=50, note=note)


PARTS: dict[str, Callable[[Bench], list[Measure]]] = {
    "trivial": trivial,
    "memory": memory,
    "at-once": at_once,
    "throughput": throughput,
    "endings": endings,
    "cells": cells,
    "peers": peers,
    "list": joblist,
}


@contextmanager
def bench(options: argparse.Namespace) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="bench-runs-") as made:
        folder = Path(made)
        with running_hub(folder / "hub") as hub:
            data = folder / "data"
            runs_trivial.prepare(data)
            service = hub.service(
                "headless", {"data": str(data), "submissions_per_minute": 100_000}
            )
            service.ready()
            with hub.client("ada") as client:
                runs_trivial.warmed(client)
                yield Bench(client, service, folder, options)


def measured(options: argparse.Namespace) -> list[Measure]:
    found: list[Measure] = []
    with bench(options) as given:
        for name in options.only or PARTS:
            began = time.perf_counter()
            part = PARTS[name](given)
            found += part
            took = f"{name}: {time.perf_counter() - began:.0f} s"
            print(f"{took}\n{table(part)}", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Prints the table, or JSON; 1 if a budget was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=60, help="trivial runs, one after the other")
    parser.add_argument("--peer-runs", type=int, default=7, help="the same of each peer")
    parser.add_argument("--endings", type=int, default=30, help="runs that end, and are ended")
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--many", type=int, default=200, help="runs for the throughput")
    parser.add_argument("--cells", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=100_000, help="of the list")
    parser.add_argument("--times", type=int, default=40, help="how often each list is asked for")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    measures = measured(options)
    if options.json:
        print(json.dumps([{**asdict(m), "judged": m.judged, "kept": m.kept} for m in measures]))
    else:
        load = f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after"
        print(f"\n{os.cpu_count()} cores, Python {platform.python_version()}, {load}\n")
        print(table(measures))
    return 0 if all(m.kept for m in measures) else 1


if __name__ == "__main__":
    sys.exit(main())
