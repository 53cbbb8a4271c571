"""Where the test cluster keeps things, and the addresses that it uses."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

SOURCES = Path(__file__).parent
PROJECT = SOURCES.parents[2]

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fairihub" / "cluster"
IMAGES = CACHE / "images"
STATE = CACHE / "state"  # of one run: removed by `down`
STORE = CACHE / "store"  # of containerd: its images stay, so that the next start is quick
LOGS = STATE / "logs"
PKI = STATE / "pki"
KUBECONFIG = PKI / "admin.kubeconfig"

# One cluster per machine: all that it shares with the machine is named here.
RUN = Path("/run/fairihub-cluster")
LOCK = Path("/run/fairihub-cluster.lock")
FOR_RUNS = Path("/run/fairihub-cluster.for-runs")  # there while test runs are why it runs
CONTAINERD = RUN / "containerd.sock"
KEEPER = RUN / "keeper.sock"
LINK = "fairihub0"
CGROUP = "fairihub-cluster"
MARK = "FAIRIHUB_TEST_CLUSTER_PART"  # in the environment of every process of the cluster

NODE = "node1"
# The machine as pods see it. A hub beside the cluster listens here; the API server does, too.
HOST = "10.244.0.1"
PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"
API = f"https://{HOST}:6443"
ETCD, ETCD_PEERS = "http://127.0.0.1:23790", "http://127.0.0.1:23800"


def kubernetes_version() -> str:
    """The one that is pinned, for instance `1.34.4`."""
    found = re.search(r"k8s\.io/kubernetes v([\d.]+)", (SOURCES / "kube" / "go.mod").read_text())
    assert found is not None
    return found.group(1)


def binaries() -> Path:
    """The folder of `kube` and `dns`; another one for every change of what they are built from."""
    digest = hashlib.sha256()
    for path in sorted([*SOURCES.glob("kube/*"), *SOURCES.glob("dns/*")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return CACHE / f"kubernetes-{kubernetes_version()}-{digest.hexdigest()[:12]}"
