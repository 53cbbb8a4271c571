"""The commands of the test cluster; `tests/cluster/starter/cluster` explains them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.cluster.starter import images, running, store
from tests.cluster.starter.keeper import Keeper, ask
from tests.cluster.starter.parts import PARTS
from tests.cluster.starter.places import KUBECONFIG, LOGS, binaries


def up() -> None:
    running.up()
    env()


def env() -> None:
    print(f"export KUBECONFIG={KUBECONFIG}")


def status() -> None:
    wrong = running.what_is_wrong()
    print("\n".join(wrong) or "ready")
    sys.exit(1 if wrong else 0)


def load(*archives: str) -> None:
    for archive in archives:
        store.load(Path(archive))


def kubectl(*arguments: str) -> None:
    command = [str(binaries() / "kube"), "kubectl", f"--kubeconfig={KUBECONFIG}", *arguments]
    sys.exit(subprocess.run(command, check=False).returncode)


def start(part: str) -> None:
    _change("start", part)


def stop(part: str) -> None:
    _change("stop", part)


def _change(action: str, part: str) -> None:
    if part not in PARTS:
        sys.exit(f"the parts are {', '.join(PARTS)}")
    if ask(action, part=part) is None:
        sys.exit("no cluster is running")


def log(part: str) -> None:
    print("\n".join((LOGS / f"{part}.log").read_text().splitlines()[-50:]))


COMMANDS: dict[str, Callable[..., object]] = {
    "up": up,
    "down": running.down,
    "env": env,
    "status": status,
    "load": load,
    "kubectl": kubectl,
    "start": start,
    "stop": stop,
    "log": log,
    # What tests ask for:
    "up-for-runs": partial(running.up, for_runs=True),
    "down-after-runs": partial(running.down, after_runs=True),
    "mend": running.mend,
    # What the starter's own scripts ask for:
    "binaries": lambda: print(binaries()),
    "images": images.all_images,
    "forget-images": store.forget_store,
    "keep": lambda: Keeper().serve(),
}

if __name__ == "__main__":
    given, *arguments = sys.argv[1:] or [""]
    if given not in COMMANDS:
        sys.exit(f"tests/cluster/starter/cluster explains the commands: {', '.join(COMMANDS)}")
    COMMANDS[given](*arguments)
