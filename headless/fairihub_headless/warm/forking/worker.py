"""What a fork server of workers forks: the process that executes a run, with its imports done."""

import sys

IMPORTS = ["fairihub_headless.worker.beforehand"]


def rehearse(folder):
    return {"modules": [], "late": [], "digest": None}


def prepared(folder, home, home_names):
    return _follow, (0, 1, 2)


def _follow(order):
    from fairihub_headless.worker.main import main

    sys.argv[1:] = order["arguments"]
    return {}, lambda: main(order["arguments"])
