"""What is known of runs from outside of the service, and what that says of its promise; pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

PARTS = 3
SIZE = 20_000
WORTH_IT = {"worker-died", "kernel-died", "service-stopped", "engine-failed"}
"""Failures after which a run with retries is begun again."""


@dataclass(frozen=True)
class Accepted:
    """A run that was answered 201, as its member remembers it."""

    number: int
    job: str
    retries: int


@dataclass(frozen=True)
class Left:
    """How a run stands at the end, and which files it shows, by name."""

    job: str
    number: int
    state: str
    code: str | None = None
    """Why it failed."""
    attempt: int = 0
    results: int = 0
    """The status of the answer to the request for its results."""
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What was promised and not kept; every list is empty, else the promise is broken."""

    lost: tuple[str, ...]
    """Answered 201, and in no list any more."""
    doubled: tuple[str, ...]
    """Started more often than was asked for, or accepted twice with one key."""
    stuck: tuple[str, ...]
    """In no end state."""
    half: tuple[str, ...]
    """Successful without all of its results, or not successful and yet with results."""
    given_up: tuple[str, ...]
    """Failed for what is worth a retry while retries were left."""
    untrue: tuple[str, ...]
    """Successful though no notebook was ever started."""

    @property
    def kept(self) -> bool:
        return not any(vars(self).values())


def judged(accepted: Sequence[Accepted], left: Sequence[Left], starts: Iterable[str]) -> Verdict:
    """What became of what was accepted, beside what notebooks themselves noted of their starts.

    Args:
        starts: the id of its run, from each notebook that began.
    """
    begun = Counter(starts)
    known = {run.job: run for run in left}
    asked = {run.job: run for run in accepted}
    jobs_of = Counter(run.number for run in left)
    return Verdict(
        lost=tuple(job for job in asked if job not in known),
        doubled=tuple(
            f"{job}: started {begun[job]} times"
            for job in begun
            if begun[job] > 1 + (asked[job].retries if job in asked else 0)
        )
        + tuple(f"number {number}: {count} jobs" for number, count in jobs_of.items() if count > 1),
        stuck=tuple(r.job for r in left if r.state not in ("successful", "failed", "dismissed")),
        half=tuple(f"{run.job}: {wrong}" for run in left if (wrong := _wrong_with(run))),
        given_up=tuple(
            f"{run.job}: {run.code} at attempt {run.attempt} of {1 + asked[run.job].retries}"
            for run in left
            if run.state == "failed" and run.code in WORTH_IT and run.job in asked
            and run.attempt < 1 + asked[run.job].retries
        ),
        untrue=tuple(r.job for r in left if r.state == "successful" and not begun[r.job]),
    )  # fmt: skip


def content_of(number: int, part: int) -> bytes:
    """What the notebook writes; it makes the same."""
    return Random(f"{number}-{part}").randbytes(SIZE)  # noqa: S311


def _wrong_with(run: Left) -> str | None:
    """What the results lack; None if they are whole, or rightly not there."""
    if run.state != "successful":
        return "results of a run that did not succeed" if run.results == 200 else None
    if run.results != 200:
        return f"results are answered {run.results}"
    try:
        sums = json.loads(run.files["results/sums.json"])
        for part in range(PARTS):
            content = run.files[f"results/part-{part}.bin"]
            if content != content_of(run.number, part):
                return f"part {part} has {len(content)} bytes, not those that were written"
            if sums[str(part)] != hashlib.sha256(content).hexdigest():
                return f"the checksum of part {part} is another"
        return _wrong_notebook(json.loads(run.files["executed.ipynb"]), run.number)
    except (KeyError, ValueError) as problem:
        return f"{type(problem).__name__}: {problem}"


def _wrong_notebook(notebook: dict[str, Any], number: int) -> str | None:
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if any(cell.get("execution_count") is None for cell in cells):
        return "the executed notebook has cells that were not executed"
    said = "".join("".join(o.get("text", "")) for o in cells[-1]["outputs"])
    return None if f"done {number}" in said else "the executed notebook lacks its last output"


NOTEBOOK_CELLS = (
    # The witness, before all else: one write at the end of a file, outside of all that is killed.
    """\
import os
_w = os.open({witness!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
os.write(_w, f"{{os.environ['JOB_NAME']}} {{os.getpid()}}\\n".encode())
os.close(_w)""",
    "number = 0\npause = 0.0",
    """\
import hashlib, json, pathlib, random, time
out = pathlib.Path(os.environ["RESULTS_DIRECTORY"])
sums = {{}}
for part in range({parts}):
    content = random.Random(f"{{number}}-{{part}}").randbytes({size})
    (out / f"part-{{part}}.bin").write_bytes(content)
    sums[part] = hashlib.sha256(content).hexdigest()
    time.sleep(pause / {parts})""",
    """\
(out / "sums.json").write_text(json.dumps(sums))
print("done", number)""",
)
"""The notebook; the second cell is the one of the parameters."""


def cells_of(witness: str) -> list[str]:
    return [cell.format(witness=witness, parts=PARTS, size=SIZE) for cell in NOTEBOOK_CELLS]
