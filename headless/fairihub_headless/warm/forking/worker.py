"""What a fork server of workers forks: the process that executes a run, with its imports done."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

IMPORTS = ["fairihub_headless.worker.beforehand"]


def rehearse(folder: str) -> dict[str, Any]:
    return {"modules": [], "late": [], "digest": None}


def prepared(folder: str, about: Mapping[str, Any]) -> tuple[Any, Sequence[int]]:
    return _follow, (0, 1, 2)


def _follow(order: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    from fairihub_headless.worker.main import main

    sys.argv[1:] = order["arguments"]
    # Nothing is left to be done at its end: taking it all down would cost more than the run.
    return {}, lambda: os._exit(main(order["arguments"]))
