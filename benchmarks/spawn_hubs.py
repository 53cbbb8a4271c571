"""The hubs that are measured, ours and one of plain KubeSpawner, and the cluster beside them."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fairihub_core.teams import Member, Profile, Team
from fairihub_spawner.kube import security
from fairihub_spawner.kube.settings import KubeSettings
from tests.cluster.conftest import GATE, TURN, USERS
from tests.cluster.starter.places import HOST, KUBECONFIG, PROJECT, binaries
from tests.support.kube_hub import KubeHub
from tests.support.kubernetes import Cluster

CONFIG = Path(__file__).with_name("spawn_hub_config.py")
MIB = 1024**2
SMALL = Profile(
    slug="small",
    display_name="Small",
    mem_guarantee=64 * MIB,
    mem_limit=1024 * MIB,
    cpu_guarantee=0.01,
    cpu_limit=2.0,
)


@contextmanager
def the_cluster() -> Iterator[Cluster]:
    """The test cluster, shared with test runs; none of them breaks it meanwhile."""
    if not (binaries() / "kube").exists():
        raise SystemExit("Kubernetes is not built: scripts/get-cluster does that, as root")
    with USERS.open("w") as users, GATE.open("w") as gate, TURN.open("w") as turn:
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_SH)
        fcntl.flock(turn, fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        if not _starter("status"):
            _starter("up", check=True)
        yield Cluster([str(binaries() / "kube"), "kubectl"], KUBECONFIG, HOST)


def _starter(command: str, check: bool = False) -> bool:
    program = [sys.executable, "-m", "tests.cluster.starter", command]
    out = subprocess.DEVNULL
    return not subprocess.run(program, cwd=PROJECT, check=check, stdout=out, timeout=170).returncode


def team_of(name: str, namespace: str, logins: Iterator[str] | list[str], image: str) -> Team:
    members = tuple(Member(login=login) for login in logins)
    profiles = (SMALL.model_copy(update={"image": image}),)
    return Team(name=name, namespace=namespace, members=members, profiles=profiles)


def plain_traits(namespace: str, image: str, shared: str | None) -> dict[str, Any]:
    """KubeSpawner, told to make the same pod as ours: image, size, volumes, pod security."""
    own = KubeSettings(image=image)
    volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
    mounts = [{"name": "home", "mountPath": own.home}]
    if shared is not None:
        volumes.append({"name": "shared", "persistentVolumeClaim": {"claimName": shared}})
        mounts.append({"name": "shared", "mountPath": f"{own.home}/shared"})
    return {
        "namespace": namespace,
        "image": image,
        "image_pull_policy": "IfNotPresent",
        "mem_guarantee": SMALL.mem_guarantee,
        "mem_limit": SMALL.mem_limit,
        "cpu_guarantee": SMALL.cpu_guarantee,
        "cpu_limit": SMALL.cpu_limit,
        "storage_pvc_ensure": True,
        "storage_capacity": "100Mi",
        "volumes": volumes,
        "volume_mounts": mounts,
        "working_dir": own.home,
        "notebook_dir": own.home,
        "environment": {"HOME": own.home},
        "default_url": "/lab",
        "http_timeout": 120,
        "pod_security_context": security.pod_security(own),
        "container_security_context": security.container_security(own),
        "extra_pod_config": security.pod_config(),
    }


def hub(
    folder: Path,
    host: str,
    kubeconfig: Path,
    server: Mapping[str, Any],
    plain: Mapping[str, Any] | None = None,
    by_team: bool = False,
    **cluster: Any,
) -> KubeHub:
    """A hub that is measured; of plain KubeSpawner with these traits, or ours.

    Args:
        server: what both kinds are told of a server: its command, its port.
        by_team: plain servers run in the namespace of the team that the login names.
        cluster: of KubeSettings.
    """
    told = {"server": dict(server), "by_team": by_team}
    path = os.pathsep.join((str(PROJECT), os.environ.get("PYTHONPATH", "")))
    return KubeHub(
        folder,
        host,
        kubeconfig,
        cluster=cluster,
        plain=dict(plain or {}),
        config=CONFIG,
        environment={"SPAWN_BENCH": json.dumps(told), "PYTHONPATH": path},
    )


def timed_start(which: KubeHub, login: str) -> float | None:
    """Seconds from the request to the server that can be used; None if it did not start."""
    began = time.perf_counter()
    status, _ = which.call("POST", f"/hub/api/users/{login}/server", {})
    while status == 202:
        server = which.server(login)
        if server is None:
            return None
        if server["ready"]:
            break
        time.sleep(0.25)
    return time.perf_counter() - began if status in (201, 202) else None


def stretches(which: KubeHub) -> dict[str, Any]:
    """What the hub says of its loop and its size, since it was asked last."""
    with urllib.request.urlopen(f"{which.address}/hub/stretches", timeout=60) as answer:  # noqa: S310
        return dict(json.load(answer))
