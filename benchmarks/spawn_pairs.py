"""A start beside a start: the same server by plain KubeSpawner and by ours, in turns."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.spawn_hubs import hub, plain_traits, team_of, timed_start
from tests.cluster.starter.places import KUBECONFIG
from tests.support.kube_hub import KubeHub
from tests.support.kubernetes import Cluster, Namespace, claim

IMAGE = "localhost/singleuser:1"
LOGIN = "ada"


def run(folder: Path, cluster: Cluster, count: int) -> list[tuple[float, float]]:
    """Seconds from the request to ready, ours and the peer's.

    Both start the same server again and again, whose volumes are there, one after the other and
    taking turns in who is first; one more pair at the beginning does not count.
    """
    theirs_in = cluster.new_namespace()
    ours_in = cluster.new_namespace(labels={"fairihub.io/team": "team-0"})
    try:
        with_both = _hubs(folder, cluster, ours_in, theirs_in)
        try:
            return [_pair(*with_both, number) for number in range(count + 1)][1:]
        finally:
            for one in with_both:
                one.end()
    finally:
        ours_in.end()
        theirs_in.end()


def _hubs(
    folder: Path, cluster: Cluster, ours_in: Namespace, theirs_in: Namespace
) -> tuple[KubeHub, KubeHub]:
    theirs_in.apply(claim("shared"))
    own = {"shared_access_mode": "ReadWriteOnce", "shared_storage": "100Mi"}
    own |= {"default_storage": "100Mi"}
    same = {"cmd": ["jupyterhub-singleuser"]}
    where = (cluster.host, KUBECONFIG, same)
    ours = hub(folder / "ours", *where, **own)
    ours.teams_are(team_of("team-0", ours_in.name, [LOGIN], IMAGE))
    peer = hub(folder / "peer", *where, plain_traits(theirs_in.name, IMAGE, "shared"))
    for one in (ours, peer):
        one.run()
        one.call("POST", f"/hub/api/users/{LOGIN}")
    return ours, peer


def _pair(ours: KubeHub, peer: KubeHub, number: int) -> tuple[float, float]:
    took = {}
    for one in (ours, peer) if number % 2 else (peer, ours):
        seconds = timed_start(one, LOGIN)
        if seconds is None:
            raise SystemExit(f"a server did not start:\n{one.tail()}")
        took[one is ours] = seconds
        one.stop(LOGIN)
    print(f"pair {number}: {took[True]:.2f} s, peer {took[False]:.2f} s", file=sys.stderr)
    return took[True], took[False]
