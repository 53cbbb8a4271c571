"""A Kubernetes as tests speak with it: by kubectl, in namespaces that they own."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.waiting import eventually

Object = dict[str, Any]
LABEL = "fairihub.test/run"
RESTRICTED = "pod-security.kubernetes.io/enforce"
WAIT_SECONDS = 60.0


class Cluster:
    """The cluster of this test run."""

    def __init__(self, kubectl: list[str], kubeconfig: Path | None, host: str | None) -> None:
        self._command = [*kubectl, *([f"--kubeconfig={kubeconfig}"] if kubeconfig else [])]
        self.kubeconfig = kubeconfig
        self._host = host

    @property
    def host(self) -> str:
        """The address of this machine for pods: a hub beside the cluster listens there."""
        assert self._host, "say in FAIRIHUB_TEST_HOST at which address pods reach this machine"
        return self._host

    def kubectl(self, *arguments: str, given: str | None = None, seconds: float = 60) -> str:
        """What kubectl prints; an error of it is an error of the test."""
        done = self._run(*arguments, given=given, seconds=seconds)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
        return done.stdout

    def attempt(self, *arguments: str) -> bool:
        """Whether kubectl could do it."""
        return self._run(*arguments).returncode == 0

    def refusal(self, *arguments: str, given: str | None = None) -> str:
        """Why kubectl could not do it; fails if it could."""
        done = self._run(*arguments, given=given)
        assert done.returncode != 0, f"kubectl {' '.join(arguments)} was not refused"
        return done.stderr.strip()

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """An object, or None if it is not there."""
        shown = self.kubectl(
            "get", kind, name, "--ignore-not-found", "--output=json", *_in(namespace)
        )
        return json.loads(shown) if shown.strip() else None

    def every(self, kind: str, namespace: str | None = None, selector: str = "") -> list[Object]:
        shown = self.kubectl("get", kind, f"--selector={selector}", "--output=json",
                             *_in(namespace))  # fmt: skip
        return list(json.loads(shown)["items"])

    def apply(self, *manifests: Object, namespace: str | None = None) -> None:
        self.kubectl("apply", "--filename=-", *_in(namespace), given=_list_of(manifests))

    def refusal_of(self, *manifests: Object, namespace: str | None = None) -> str:
        return self.refusal("apply", "--filename=-", *_in(namespace), given=_list_of(manifests))

    def until(
        self,
        kind: str,
        name: str,
        holds: Callable[[Object], Any],
        *,
        namespace: str | None = None,
        seconds: float = WAIT_SECONDS,
    ) -> Object:
        """The object as soon as it is there and `holds` is true of it."""
        seen: Object | None = None

        def look() -> Object | None:
            nonlocal seen
            seen = self.find(kind, name, namespace)
            return seen if seen is not None and holds(seen) else None

        found = eventually(look, seconds)
        assert found is not None, (
            f"{kind} {name} is not as expected after {seconds:.0f} s: "
            f"{json.dumps(seen['status'] if seen and 'status' in seen else seen)}"
        )
        return dict(found)

    def until_gone(
        self, kind: str, name: str, namespace: str | None = None, seconds: float = WAIT_SECONDS
    ) -> None:
        gone = eventually(lambda: self.find(kind, name, namespace) is None, seconds)
        assert gone, f"{kind} {name} is still there after {seconds:.0f} s"

    def new_namespace(
        self, name: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Namespace:
        """A namespace with its default account, in which pods have to be `restricted`."""
        name = name or f"test-{secrets.token_hex(4)}"
        labels = {LABEL: "yes", RESTRICTED: "restricted", **(labels or {})}
        self.apply({"apiVersion": "v1", "kind": "Namespace",
                    "metadata": {"name": name, "labels": labels}})  # fmt: skip
        namespace = Namespace(self, name)
        namespace.until("serviceaccount", "default", lambda _: True)
        return namespace

    @contextmanager
    def changed_node(
        self,
        name: str,
        *,
        resources: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        taints: list[Object] | None = None,
    ) -> Iterator[None]:
        """The node with more resources (`{"nvidia.com/gpu": "1"}`), labels or taints, for a while.

        kubelet keeps resources that it does not know. No pod sees a GPU, but scheduler and quota
        count as if there was one.
        """
        more = dict(resources or {})
        before = self.find("node", name)
        assert before is not None
        try:
            if more:
                self._patch_status(name, more)
            self._patch_node(name, labels or {}, [*before["spec"].get("taints", []),
                                                  *(taints or [])])  # fmt: skip
            yield
        finally:
            self._patch_node(name, dict.fromkeys(labels or {}), before["spec"].get("taints", []))
            if more:
                self._patch_status(name, dict.fromkeys(more))

    @contextmanager
    def pretended_node(
        self,
        name: str,
        *,
        resources: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        taints: list[Object] | None = None,
    ) -> Iterator[None]:
        """A node that only the scheduler believes in: pods are bound to it and never start.

        After 40 s without a sign of life Kubernetes takes it for dead, as it is.
        """
        has = {"cpu": "8", "memory": "32Gi", "pods": "110", **(resources or {})}
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {"kubernetes.io/hostname": name, LABEL: "yes", **(labels or {})},
            },
            "spec": {"taints": taints or []},
        }
        ready = {"type": "Ready", "status": "True", "reason": "Pretended"}
        status = {"capacity": has, "allocatable": has, "conditions": [ready]}
        self.kubectl("create", "--filename=-", given=json.dumps(node))
        try:
            self._patch("node", name, {"status": status}, "--subresource=status")
            self.until("node", name, _without("node.kubernetes.io/not-ready"))
            yield
        finally:
            self.kubectl("delete", "node", name, "--wait=false")

    def _patch_node(
        self, name: str, labels: Mapping[str, str | None], taints: list[Object]
    ) -> None:
        self._patch("node", name, {"metadata": {"labels": labels}, "spec": {"taints": taints}})

    def _patch_status(self, name: str, resources: Mapping[str, str | None]) -> None:
        status = {"capacity": resources, "allocatable": resources}
        self._patch("node", name, {"status": status}, "--subresource=status")

    def _patch(self, kind: str, name: str, change: Object, *more: str) -> None:
        self.kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}", *more)

    def _run(
        self, *arguments: str, given: str | None = None, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._command, *arguments], input=given if given is not None else "",
            check=False, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip


class Namespace:
    """One namespace of the cluster: the same questions, and what pods say."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    def kubectl(self, *arguments: str, given: str | None = None, seconds: float = 60) -> str:
        return self.cluster.kubectl(*arguments, *_in(self.name), given=given, seconds=seconds)

    def find(self, kind: str, name: str) -> Object | None:
        return self.cluster.find(kind, name, self.name)

    def every(self, kind: str, selector: str = "") -> list[Object]:
        return self.cluster.every(kind, self.name, selector)

    def apply(self, *manifests: Object) -> None:
        self.cluster.apply(*manifests, namespace=self.name)

    def refusal_of(self, *manifests: Object) -> str:
        return self.cluster.refusal_of(*manifests, namespace=self.name)

    def until(
        self, kind: str, name: str, holds: Callable[[Object], Any], seconds: float = WAIT_SECONDS
    ) -> Object:
        return self.cluster.until(kind, name, holds, namespace=self.name, seconds=seconds)

    def until_gone(self, kind: str, name: str, seconds: float = WAIT_SECONDS) -> None:
        self.cluster.until_gone(kind, name, self.name, seconds)

    def delete(self, kind: str, name: str) -> None:
        self.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false")

    def log(self, pod: str) -> str:
        return self.kubectl("logs", pod)

    def events(self, about: str | None = None) -> list[Object]:
        """Warnings and news, about one object or all, the latest at the end."""
        found = self.every("events")
        chosen = [e for e in found if about in (None, e["involvedObject"]["name"])]
        return sorted(chosen, key=lambda e: str(e["metadata"]["creationTimestamp"]))

    def end(self) -> None:
        """Its deletion goes on by itself; running pods are not given time to say farewell.

        Where the test has ended the cluster, the namespace has ended with it.
        """
        self.cluster.attempt("delete", "pods", "--all", "--wait=false", "--now", *_in(self.name))
        self.cluster.attempt("delete", "namespace", self.name, "--wait=false")


def pod(name: str = "pod", *, image: str = "localhost/base:1", **more: Any) -> Object:
    """A pod of one container that security `restricted` admits; `more` goes to the container.

    `volumes` are claims by the path at which they are mounted.
    """
    claims: dict[str, str] = more.pop("volumes", {})
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": claim, "mountPath": path} for path, claim in claims.items()],
        **more,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "runAsGroup": 100,
                "fsGroup": 100,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": [
                {"name": claim, "persistentVolumeClaim": {"claimName": claim}}
                for claim in claims.values()
            ],
            "containers": [container],
        },
    }


def claim(name: str, size: str = "100Mi", storage_class: str | None = None) -> Object:
    """A claim for a volume, of the cluster's default class if none is named."""
    spec: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
    }
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
            "spec": spec}  # fmt: skip


def is_ready(found: Object) -> bool:
    """Whether a pod or node is ready."""
    conditions = found.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def has_ended(found: Object) -> bool:
    """Whether a pod has ended, well or not."""
    return found.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _without(taint: str) -> Callable[[Object], bool]:
    return lambda node: all(t["key"] != taint for t in node["spec"].get("taints", []))


def _in(namespace: str | None) -> list[str]:
    return [f"--namespace={namespace}"] if namespace else []


def _list_of(manifests: tuple[Object, ...]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
