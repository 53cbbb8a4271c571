"""Many starts at one time: what fails, how long it takes, and how long the hub's loop is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.spawn_hubs import hub, plain_traits, stretches, team_of, timed_start
from tests.cluster.starter.places import KUBECONFIG
from tests.support.kube_hub import KubeHub
from tests.support.kubernetes import Cluster

IMAGE = "localhost/base:1"
ANSWERING = ["sh", "-c", "exec busybox httpd -f -p 8888"]
"""Whatever arguments a server is given."""
NOTE = (
    "Servers of “at once” are pods of busybox that answer HTTP at once: as many JupyterLabs "
    "are more than two cores start in time, whoever starts them."
)


@dataclass(frozen=True)
class Many:
    """What came of `count` starts; seconds of CPU at a stretch in `callback` and `round`."""

    count: int
    failures: int
    seconds: float
    cpu: float
    callback: float
    round: float


def run(folder: Path, cluster: Cluster, count: int) -> tuple[Many, Many]:
    """Ours and the peer's, one after the other."""
    logins = [f"m0-{number}" for number in range(count)]
    with _in_namespace(cluster) as name:
        peer = _measured(_hub(folder / "peer", cluster, plain_traits(name, IMAGE, None)), logins)
    with _in_namespace(cluster) as name:
        settings = {"shared_storage": 0, "default_storage": "1Mi"}
        own = _hub(folder / "ours", cluster, None, **settings)
        own.teams_are(team_of("team-0", name, logins, IMAGE))
        ours = _measured(own, logins)
    return ours, peer


def _hub(folder: Path, cluster: Cluster, plain: dict[str, Any] | None, **settings: Any) -> KubeHub:
    return hub(folder, cluster.host, KUBECONFIG, {"cmd": ANSWERING}, plain, **settings)


@contextmanager
def _in_namespace(cluster: Cluster) -> Iterator[str]:
    namespace = cluster.new_namespace(labels={"fairihub.io/team": "team-0"})
    try:
        yield namespace.name
    finally:
        namespace.end()


def _measured(which: KubeHub, logins: list[str]) -> Many:
    which.run()
    try:
        which.call("POST", "/hub/api/users", {"usernames": logins})
        before, began = stretches(which), time.perf_counter()
        with ThreadPoolExecutor(len(logins)) as many:
            took = list(many.map(lambda login: timed_start(which, login), logins))
        seconds, after = time.perf_counter() - began, stretches(which)
        failures = took.count(None)
        print(f"{which.folder.name}: longest callback is {after['what']}")
        return Many(
            count=len(logins),
            failures=failures,
            seconds=seconds,
            cpu=after["cpu"] - before["cpu"],
            callback=after["callback"],
            round=after["round"],
        )
    finally:
        which.end()
