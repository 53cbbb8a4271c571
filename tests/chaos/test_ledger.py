"""The judge is not lenient: each breach of the promise is seen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from tests.chaos.ledger import PARTS, Accepted, Left, content_of, judged
from tests.chaos.storm import Report

NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "execution_count": 1, "outputs": []},
        {"cell_type": "code", "execution_count": 2, "outputs": [{"text": ["done 7\n"]}]},
    ]
}
CUT = {"cells": [*NOTEBOOK["cells"], {"cell_type": "code", "execution_count": None}]}
PARTS_OF_7 = {f"results/part-{part}.bin": content_of(7, part) for part in range(PARTS)}
SUMS = {part: hashlib.sha256(content_of(7, part)).hexdigest() for part in range(PARTS)}
FILES = {
    **PARTS_OF_7,
    "results/sums.json": json.dumps(SUMS).encode(),
    "executed.ipynb": json.dumps(NOTEBOOK).encode(),
}
ASKED = Accepted(7, "a", 0)
WELL = Left("a", 7, "successful", attempt=1, results=200, files=FILES)
DIED = Left("a", 7, "failed", "worker-died", 1, 500)


@pytest.mark.parametrize(
    ("left", "starts", "retries"),
    [(WELL, ["a"], 0), (WELL, ["a", "a"], 1), (DIED, ["a"], 0), (DIED, [], 0)],
)
def test_a_promise_kept(left: Left, starts: list[str], retries: int) -> None:
    verdict = judged([replace(ASKED, retries=retries)], [left], starts)
    assert verdict.kept, verdict


@pytest.mark.parametrize(
    ("left", "starts", "breach"),
    [
        ([], ["a"], "lost"),
        ([WELL], ["a", "a"], "doubled"),
        ([WELL, replace(WELL, job="b")], ["a", "b"], "doubled"),
        ([replace(WELL, state="running")], ["a"], "stuck"),
        ([replace(WELL, state="accepted")], [], "stuck"),
        ([replace(WELL, results=404)], ["a"], "half"),
        ([replace(WELL, files={})], ["a"], "half"),
        ([replace(WELL, files={**FILES, "results/part-1.bin": b""})], ["a"], "half"),
        ([replace(WELL, files={**FILES, "results/sums.json": b"{"})], ["a"], "half"),
        ([replace(WELL, files={**FILES, "executed.ipynb": b"{}"})], ["a"], "half"),
        (
            [replace(WELL, files={**FILES, "executed.ipynb": json.dumps(CUT).encode()})],
            ["a"],
            "half",
        ),
        ([replace(DIED, results=200)], ["a"], "half"),
        ([WELL], [], "untrue"),
    ],
)
def test_a_breach_is_seen(left: list[Left], starts: list[str], breach: str) -> None:
    assert getattr(judged([ASKED], left, starts), breach)


def test_a_run_with_retries_left_is_not_given_up() -> None:
    asked = replace(ASKED, retries=2)
    assert judged([asked], [DIED], ["a"]).given_up
    assert judged([asked], [replace(DIED, attempt=3)], ["a"] * 3).kept
    assert judged([asked], [replace(DIED, code="cell-failed")], ["a"]).kept


def test_a_broken_promise_names_the_run_and_how_to_strike_again() -> None:
    kept = Report(
        "sqlite", 7, 60, {"database": 4, "worker killed": 6}, 1.0, 60, 0, 0, {}, 0, 0, 0.0, (),
        judged([], [], []),
    )  # fmt: skip
    assert kept.kept
    assert "tests.chaos" not in kept.text()
    broken = replace(kept, left_processes=("left: 1 python",))
    assert "! left: 1 python" in broken.text()
    again = "tests.chaos --database sqlite --runs 60 --kills 10 --seed 7 --keep"
    assert again in broken.text()
