"""What a server may do on its node: no more than pod security `restricted` admits."""

from __future__ import annotations

from typing import Any

from fairihub_spawner.kube.settings import KubeSettings


def pod_security(settings: KubeSettings) -> dict[str, Any]:
    """The pod's security context."""
    return {
        "runAsNonRoot": True,
        "runAsUser": settings.uid,
        "runAsGroup": settings.gid,
        "fsGroup": settings.fs_gid,
        # Else every file of a large home is touched at every start.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security(settings: KubeSettings) -> dict[str, Any]:
    """The container's security context."""
    return {
        "runAsNonRoot": True,
        "runAsUser": settings.uid,
        "runAsGroup": settings.gid,
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def pod_config() -> dict[str, Any]:
    """What else keeps a pod apart: no account of the cluster, no host, no list of services."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostNetwork": False,
        "hostPID": False,
        "hostIPC": False,
    }
