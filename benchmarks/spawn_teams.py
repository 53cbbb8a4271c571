"""200 team namespaces with a server each, on a stand-in API: watches, and how the hub grows."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.spawn_hubs import MIB, hub, plain_traits, stretches, team_of, timed_start
from tests.support.kube_hub import KubeHub
from tests.support.standin_kube import StandinKube
from tests.support.standin_kube.kubelet import Kubelet

HERE = "127.0.0.1"
IMAGE = "localhost/base:1"
AT_ONCE = 8
ROUNDS = 3
"""How often a server is asked for that did not start: here it only matters that it runs."""
REST_SECONDS = 20
"""Longer than connections that nobody uses stay open."""


@dataclass(frozen=True)
class Load:
    """What so many teams are to a hub."""

    teams: int
    watches: int
    """Connections to the API that stay open."""
    growth: float
    """MiB of the hub's process, from before the first start until all servers run."""
    at_rest: float
    """Milliseconds of CPU in each second, with nothing to do."""


def run(folder: Path, teams: int) -> dict[str, Load]:
    """Each kind of hub on a stand-in of its own."""
    plain = plain_traits("default", IMAGE, None)
    return {
        "plain": _load(folder / "plain", teams, plain, by_team=True),
        "one watch": _load(folder / "one", teams, None),
        "one per namespace": _load(folder / "each", teams, None, cluster_wide=False),
    }


def _load(folder: Path, teams: int, plain: dict[str, Any] | None, **settings: Any) -> Load:
    folder.mkdir(parents=True)
    with StandinKube() as kube, Kubelet(kube) as node:
        own = {} if plain else {"shared_storage": 0}
        which = hub(
            folder / "hub",
            HERE,
            kube.kubeconfig(folder / "config"),
            {"cmd": ["none"], "port": node.port},
            plain,
            **own,
            **settings,
        )
        names = [f"team-{number}" for number in range(teams)]
        for name in names:
            labels = {"fairihub.io/team": name}
            kube.put("namespaces", {"metadata": {"name": name, "labels": labels}})
        logins = [f"m{number}-0" for number in range(teams)]
        whole = [team_of(n, n, [one], IMAGE) for n, one in zip(names, logins, strict=True)]
        which.teams_are(*whole)
        which.run()
        try:
            load = _measured(which, kube, logins)
            print(f"{folder.name}: {load}", file=sys.stderr)
            return load
        finally:
            which.end()


def _measured(which: KubeHub, kube: StandinKube, logins: list[str]) -> Load:
    which.call("POST", "/hub/api/users", {"usernames": logins})
    before = stretches(which)
    missing = logins
    for _ in range(ROUNDS):
        with ThreadPoolExecutor(AT_ONCE) as many:
            took = list(many.map(lambda login: timed_start(which, login), missing))
        missing = [login for login, one in zip(missing, took, strict=True) if one is None]
    if missing:
        raise SystemExit(f"{len(missing)} servers did not start:\n{which.tail()}")
    time.sleep(2)  # in which the last starts end what they follow
    after, began = stretches(which), time.perf_counter()
    time.sleep(REST_SECONDS)
    rested, seconds = stretches(which), time.perf_counter() - began
    return Load(
        teams=len(logins),
        watches=_connections(which, kube),
        growth=(after["resident"] - before["resident"]) / MIB,
        at_rest=1000 * (rested["cpu"] - after["cpu"]) / seconds,
    )


def _connections(which: KubeHub, kube: StandinKube) -> int:
    """Those of the hub to the API; the stand-in notices late that a stream has ended."""
    process = psutil.Process(which.process.pid if which.process else None)
    there = process.net_connections("tcp")
    return sum(c.status == psutil.CONN_ESTABLISHED and c.raddr[1] == kube.port for c in there)
