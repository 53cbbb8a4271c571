"""The test cluster itself: what the tests of servers and runs rely on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.starter.places import CGROUP, LINK, LOGS, MARK, NODE, PROJECT, RUN, STATE
from tests.support.kubernetes import Cluster, Namespace, claim, has_ended, is_ready, pod
from tests.support.waiting import eventually
from tests.support.what_happened import what_happened

SINGLEUSER = "localhost/singleuser:1"
own_cluster_only = pytest.mark.fault  # for tests of the starter: they do with it what they like


def test_the_node_is_ready(cluster: Cluster) -> None:
    assert all(is_ready(node) for node in cluster.every("nodes"))


def test_a_users_server_runs_where_pods_are_restricted(namespace: Namespace) -> None:
    namespace.apply(pod(image=SINGLEUSER, command=["jupyterhub-singleuser", "--version"]))
    ended = namespace.until("pod", "pod", has_ended)
    assert ended["status"]["phase"] == "Succeeded", namespace.log("pod")
    assert namespace.log("pod").strip() == "6.1.1"


def test_the_image_of_a_users_server_is_complete(namespace: Namespace) -> None:
    wanted = "jupyterlab, fairihub_core, fairihub_spawner.singleuser, fairihub_catalog, s3fs, ssl"
    script = f"id -u; id -g; pwd; python -c 'import {wanted}, sqlite3, zmq, jupyterfs'"
    script += "; jupyter labextension list 2>&1 | grep -o '@fairihub/lab.*enabled'"
    namespace.apply(pod(image=SINGLEUSER, command=["bash", "-euc", script]))
    ended = namespace.until("pod", "pod", has_ended)
    said = namespace.log("pod")
    assert ended["status"]["phase"] == "Succeeded", said
    assert said.splitlines()[:3] == ["1000", "100", "/home/jovyan"]
    assert "@fairihub/lab" in said


def test_a_volume_belongs_to_the_group_of_its_pod(namespace: Namespace) -> None:
    write = "touch /home/jovyan/file && ls -ln /home/jovyan/file"
    classes = ("standard", "on-first-use", "can-be-full")
    for name in classes:
        namespace.apply(
            claim(name, "1Mi", name),
            pod(name, command=["sh", "-c", write], volumes={"/home/jovyan": name}),
        )
    for name in classes:
        ended = namespace.until("pod", name, has_ended)
        assert ended["status"]["phase"] == "Succeeded", namespace.log(name)
        assert namespace.log(name).split()[2:4] == ["1000", "100"]


def test_a_volume_can_be_full(namespace: Namespace) -> None:
    write = "dd if=/dev/zero of=/home/jovyan/file bs=65536 count=64"
    namespace.apply(
        claim("home", "1Mi", "can-be-full"),
        pod(command=["sh", "-c", write], volumes={"/home/jovyan": "home"}),
    )
    assert namespace.until("pod", "pod", has_ended)["status"]["phase"] == "Failed"
    assert "No space left on device" in namespace.log("pod")


def test_a_volume_goes_with_its_claim(namespace: Namespace) -> None:
    namespace.apply(claim("home"))
    bound = namespace.until("pvc", "home", lambda c: c["status"].get("phase") == "Bound")
    namespace.delete("pvc", "home")
    namespace.cluster.until_gone("pv", bound["spec"]["volumeName"])


def test_pods_reach_each_other_and_themselves_by_the_name_of_a_service(
    namespace: Namespace,
) -> None:
    ask = f"until nc -w 2 web.{namespace.name} 80 </dev/null; do sleep 0.2; done"
    serve = "echo hello >/tmp/page; exec nc -ll -p 8080 -e cat /tmp/page"
    namespace.apply(
        pod("client", command=["sh", "-c", ask]),
        pod("server", command=["sh", "-c", f"({ask}) & {serve}"]),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    )
    namespace.until("pod", "client", has_ended)
    assert namespace.log("client").splitlines()[-1] == "hello"
    assert eventually(lambda: "hello" in namespace.log("server"))


def test_a_privileged_pod_is_refused(namespace: Namespace) -> None:
    refusal = namespace.refusal_of(pod(securityContext={"privileged": True}))
    assert 'violates PodSecurity "restricted:latest"' in refusal


def test_a_folder_of_the_node_is_refused(namespace: Namespace) -> None:
    wanted = pod()
    wanted["spec"]["volumes"] = [{"name": "node", "hostPath": {"path": "/"}}]
    assert "hostPath" in namespace.refusal_of(wanted)


def test_a_quota_counts(namespace: Namespace) -> None:
    namespace.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"},
                     "spec": {"hard": {"pods": "1"}}})  # fmt: skip
    namespace.until("quota", "few", lambda q: q.get("status", {}).get("hard"))
    namespace.apply(pod("first", command=["true"]))
    assert "exceeded quota: few" in namespace.refusal_of(pod("second", command=["true"]))


@own_cluster_only
def test_a_gpu_can_be_pretended(cluster: Cluster, namespace: Namespace) -> None:
    gpu = {"nvidia.com/gpu": "1"}
    keep_off = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    wanted = pod(command=["true"], resources={"limits": {**gpu}})
    wanted["spec"]["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    wanted["spec"]["nodeSelector"] = {"purpose": "gpu"}
    with cluster.changed_node(NODE, resources=gpu, labels={"purpose": "gpu"}, taints=[keep_off]):
        namespace.apply(wanted, pod("other", command=["true"]))
        namespace.until("pod", "pod", has_ended)
        reason = namespace.until("pod", "other", _conditions)["status"]["conditions"][0]
        assert (reason["reason"], "untolerated taint" in reason["message"]) == (
            "Unschedulable", True,
        )  # fmt: skip
    namespace.until("pod", "other", has_ended)
    assert "nvidia.com/gpu" not in json.dumps(cluster.find("node", NODE))


def _conditions(found: dict[str, dict[str, object]]) -> object:
    return found.get("status", {}).get("conditions")


@own_cluster_only
def test_a_node_can_be_pretended(cluster: Cluster, namespace: Namespace) -> None:
    with cluster.pretended_node("large", resources={"memory": "900Gi"}):
        large = {"requests": {"memory": "800Gi"}, "limits": {"memory": "800Gi"}}
        namespace.apply(pod(command=["true"], resources=large))
        namespace.until("pod", "pod", lambda p: p["spec"].get("nodeName") == "large")


def test_a_failure_is_told_with_events_and_without_secrets(namespace: Namespace) -> None:
    namespace.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
         "stringData": {"word": "open-sesame"}},
        pod("lost", image="localhost/nowhere:1"),
        pod("loud", command=["sh", "-c", "echo said open-sesame; exit 3"],
            env=[{"name": "API_TOKEN", "value": "another-secret"}]),
    )  # fmt: skip
    namespace.until("pod", "loud", has_ended)
    namespace.until("pod", "lost", lambda p: p["status"].get("containerStatuses"))
    told = dict(what_happened(namespace))
    everything = "\n".join(told.values())
    assert "ErrImageNeverPull" in told[f"events in {namespace.name}"]
    assert told[f"last lines of pod/loud in {namespace.name}"] == "said (hidden)\n"
    assert "open-sesame" not in everything
    assert "another-secret" not in everything


@own_cluster_only
def test_starts_at_once_and_after_a_crash_end_in_one_cluster(cluster: Cluster) -> None:
    """As two test runs do, of which one finds that the parts of a cluster have been killed."""
    for part in ("kubelet", "containerd"):
        _start_of_starter("stop", part).wait(60)
    starts = [_start_of_starter("up-for-runs") for _ in range(2)]
    assert [start.wait(150) for start in starts] == [0, 0], (LOGS / "keeper.log").read_text()
    assert all(is_ready(node) for node in cluster.every("nodes"))


@own_cluster_only
def test_a_part_can_be_away_for_a_while(
    cluster: Cluster, part_control: Callable[[str, str], None]
) -> None:
    part_control("stop", "apiserver")
    assert not cluster.attempt("get", "--raw=/readyz")
    part_control("start", "apiserver")
    assert eventually(lambda: cluster.attempt("get", "--raw=/readyz"), 60)


@own_cluster_only
@pytest.mark.parametrize("keeper_killed", [False, True], ids=["down", "killed, then down"])
def test_nothing_is_left_of_a_cluster(namespace: Namespace, keeper_killed: bool) -> None:
    namespace.apply(
        claim("home", "1Mi", "can-be-full"),
        pod(command=["sleep", "600"], volumes={"/home/jovyan": "home"}),
    )
    namespace.until("pod", "pod", is_ready)
    assert {what for what, there in _traces().items() if there} == set(_traces())
    if keeper_killed:
        os.kill(_keeper(), signal.SIGKILL)
    assert _start_of_starter("down").wait(60) == 0
    assert {what: there for what, there in _traces().items() if there} == {}


def _traces() -> dict[str, object]:
    """What a cluster shows of itself on the machine."""
    links = subprocess.run(["ip", "-br", "link"], check=True, capture_output=True, text=True)
    tables = subprocess.run(["nft", "list", "tables"], check=True, capture_output=True, text=True)
    mounts = Path("/proc/self/mounts").read_text()
    return {
        "processes": [pid for pid in _processes() if MARK.encode() in _environment(pid)],
        "mounts": [line for line in mounts.splitlines() if str(STATE) in line or str(RUN) in line],
        "links": [line for line in links.stdout.splitlines() if line.startswith((LINK, "veth"))],
        "tables": [line for line in tables.stdout.splitlines() if "kube" in line],
        "cgroups": [
            p for where in (CGROUP, f"*/{CGROUP}") for p in Path("/sys/fs/cgroup").glob(where)
        ],
        "folders": [path for path in (STATE, RUN) if path.exists()],
    }


def _processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _keeper() -> int:
    def says(pid: int) -> bytes:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""

    return next(pid for pid in _processes() if says(pid).endswith(b"starter\0keep\0"))


def _start_of_starter(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.cluster.starter", *arguments]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
