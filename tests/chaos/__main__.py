"""The long form: `make chaos`, or `python -m tests.chaos --runs 1000 --kills 100`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.bases import opened
from tests.chaos.storm import Plan, Report, Storm
from tests.support.runs_hub import RunsHub, running_hub


def main() -> int:
    """Prints a report for each database; 1 if the promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--json", type=Path, help="a file for the report")
    parser.add_argument("--keep", type=Path, help="a folder for all that is written; it stays")
    options = parser.parse_args()
    both = options.database == "both"
    kinds = ("sqlite", "postgresql") if both else (options.database,)
    print(f"seed {options.seed}; {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="chaos-") as made:
        folder = (options.keep or Path(made)).resolve()
        with running_hub(folder / "hub") as hub:
            plan = Plan(options.runs, options.kills, options.seed)
            reports = [_one(hub, kind, folder / kind, plan) for kind in kinds]
    for report in reports:
        print(f"\n{report.text()}")
    if options.json:
        options.json.write_text(json.dumps([r.as_json() for r in reports], indent=1) + "\n")
    return 0 if all(report.kept for report in reports) else 1


def _one(hub: RunsHub, kind: str, folder: Path, plan: Plan) -> Report:
    folder.mkdir(parents=True)
    named = Plan(plan.runs, plan.kills, plan.seed, kind)
    with opened(kind, folder / "base") as base:
        return Storm(hub, base, folder, named).run()


if __name__ == "__main__":
    sys.exit(main())
