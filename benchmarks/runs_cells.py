"""A notebook of many cells: our papermill engine beside nbclient alone and papermill's own.

Each in an interpreter of its own, from the notebook in memory to the executed one on the disk;
imports are not counted.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runs_table import Measure, beside
from tests.support.runs_hub import notebook

HERE = Path(__file__).parent.parent
_PAIRS = 3


def cells(folder: Path, count: int) -> list[Measure]:
    given = folder / "cells.ipynb"
    given.write_text(notebook(*(f"print({number})" for number in range(count))))
    ours, alone = [], []
    for _ in range(_PAIRS):
        ours.append(_seconds("fairihub", given))
        alone.append(_seconds("nbclient", given))
    middle = statistics.median(ours)
    own = _seconds("papermill", given)
    return [
        beside(
            f"{count} cells, engine fairihub", middle, statistics.median(alone), "nbclient", 1.1
        ),
        beside("  the same", middle, own, "papermill's own"),
    ]


def _seconds(kind: str, given: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.runs_cells", kind, str(given)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{kind}: {done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def _executed(kind: str, given: str) -> float:
    import nbformat
    import papermill
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        made = str(Path(folder) / "made.ipynb")
        began = time.perf_counter()
        if kind == "nbclient":
            found = nbformat.read(given, as_version=4)
            NotebookClient(found).execute()
            nbformat.write(found, made)
        else:
            engine = {"fairihub": "fairihub", "papermill": "nbclient"}[kind]
            papermill.execute_notebook(given, made, engine_name=engine, progress_bar=False)
        return time.perf_counter() - began


if __name__ == "__main__":
    print(_executed(*sys.argv[1:]))
