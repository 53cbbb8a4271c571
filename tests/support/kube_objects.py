"""Pods, events and claims as Kubernetes' API tells of them, with the field names that it has."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta, timezone
from typing import Any

NOW = datetime(2026, 5, 1, 12, 10, tzinfo=timezone.utc)
UID = "6b1f9f3e-8d42-4d51-9a3c-3c1b9d1f0a11"
CLAIM_UID = "0f5c2f0a-0d5a-4b77-8e0c-2a41ab0a3f52"
NAME = "jupyter-ada---5f0c8d2a"
CLAIM = "home-ada---5f0c8d2a"
IMAGE = "quay.io/jupyter/minimal-notebook:2026-04-01"
NODE = "node-3"


def ago(seconds: float) -> str:
    """The moment so long before NOW, as the API writes it."""
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(
    *,
    phase: str = "Pending",
    age: float = 15,
    node: str | None = NODE,
    state: dict[str, Any] | None = None,
    last: dict[str, Any] | None = None,
    init: dict[str, Any] | None = None,
    restarts: int = 0,
    unschedulable: str = "",
    image: str = IMAGE,
    image_id: str = "",
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A pod; `state` and `last` are those of its container, `init` of the one before it."""
    scheduled: dict[str, Any] = {
        "type": "PodScheduled",
        "status": "True" if node else "False",
        "lastProbeTime": None,
        "lastTransitionTime": ago(age - 1),
    }
    if unschedulable:
        scheduled |= {"reason": "Unschedulable", "message": unschedulable}
    status: dict[str, Any] = {
        "phase": phase,
        "conditions": [scheduled] if node or unschedulable else [],
        "qosClass": "Burstable",
    }
    if state is not None:
        status["containerStatuses"] = [_status("notebook", state, last, restarts, image, image_id)]
    if init is not None:
        status["initContainerStatuses"] = [_status("prepare", init, None, 0, "busybox:1", "")]
    spec: dict[str, Any] = {
        "containers": [{"name": "notebook", "image": image, "imagePullPolicy": "IfNotPresent"}],
        "restartPolicy": "OnFailure",
    }
    if node:
        spec["nodeName"] = node
    made = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": NAME,
            "namespace": "urban",
            "uid": UID,
            "creationTimestamp": ago(age),
        },
        "spec": spec,
        "status": status,
    }
    return _merged(made, more or {})


def _status(
    name: str,
    state: dict[str, Any],
    last: dict[str, Any] | None,
    restarts: int,
    image: str,
    image_id: str,
) -> dict[str, Any]:
    return {
        "name": name,
        "state": state,
        "lastState": last or {},
        "ready": False,
        "started": "running" in state,
        "restartCount": restarts,
        "image": image,
        "imageID": image_id,
    }


def _merged(into: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    into = deepcopy(into)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(into.get(key), dict)
        into[key] = _merged(into[key], value) if both else value
    return into


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    told = {"reason": reason, "message": message} if message else {"reason": reason}
    return {"waiting": told}


def running(seconds: float = 5) -> dict[str, Any]:
    return {"running": {"startedAt": ago(seconds)}}


def ended(code: int, reason: str = "Error", message: str = "", at: float = 2) -> dict[str, Any]:
    told: dict[str, Any] = {
        "exitCode": code,
        "reason": reason,
        "startedAt": ago(at + 3),
        "finishedAt": ago(at),
        "containerID": "containerd://0d1c",
    }
    return {"terminated": told | ({"message": message} if message else {})}


def event(
    reason: str,
    message: str,
    *,
    at: float = 5,
    first: float | None = None,
    kind: str = "Pod",
    uid: str | None = None,
    name: str | None = None,
    warning: bool = True,
) -> dict[str, Any]:
    """An event of the core API, as kubelet and controllers write it."""
    about = {"Pod": (NAME, UID), "PersistentVolumeClaim": (CLAIM, CLAIM_UID)}[kind]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{about[0]}.17a1",
            "namespace": "urban",
            "uid": f"e-{reason}-{at}",
            "creationTimestamp": ago(at if first is None else first),
        },
        "involvedObject": {
            "kind": kind,
            "namespace": "urban",
            "name": name or about[0],
            "uid": uid or about[1],
        },
        "reason": reason,
        "message": message,
        "type": "Warning" if warning else "Normal",
        "source": {"component": "kubelet", "host": NODE},
        "firstTimestamp": ago(at if first is None else first),
        "lastTimestamp": ago(at),
        "count": 1 if first is None else 4,
        "eventTime": None,
        "reportingComponent": "kubelet",
    }


def scheduler_event(reason: str, message: str, *, at: float = 5) -> dict[str, Any]:
    """As the scheduler writes it, through the newer API: without `lastTimestamp`."""
    made = event(reason, message, at=at)
    moment = ago(at).replace("Z", ".123456Z")
    return made | {
        "eventTime": moment,
        "firstTimestamp": None,
        "lastTimestamp": None,
        "count": None,
        "reportingComponent": "default-scheduler",
    }


def claim(phase: str = "Bound", **more: Any) -> dict[str, Any]:
    made = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": CLAIM,
            "namespace": "urban",
            "uid": CLAIM_UID,
            "creationTimestamp": ago(60),
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
        "status": {"phase": phase},
    }
    return _merged(made, more)


def nodes(*reasons: str) -> str:
    """A sentence of the scheduler."""
    return (
        f"0/3 nodes are available: {', '.join(reasons)}. preemption: 0/3 nodes are available: "
        "1 Insufficient memory, 3 Preemption is not helpful for scheduling."
    )
