"""From a plan to what KubeSpawner is told, each text so that it comes out as it is.

KubeSpawner takes most texts for templates of `str.format`, and Kubernetes looks into variables for
`$(NAME)`: a brace in a profile's name must not keep a server from starting, nor a dollar bring one
variable into another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairihub_spawner.kube import security
from fairihub_spawner.kube.plan import ServerPlan
from fairihub_spawner.kube.settings import KubeSettings


def literal(value: Any) -> Any:
    """`value` as KubeSpawner's templates have to say it; keys of mappings are no templates."""
    if isinstance(value, str):
        return value.replace("{", "{{").replace("}", "}}")
    if isinstance(value, Mapping):
        return {key: literal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [literal(item) for item in value]
    return value


def literal_env(value: str) -> str:
    """`value` as a variable of a container, so that Kubernetes puts no other variable into it."""
    return value.replace("$", "$$")


def traits_of(plan: ServerPlan, settings: KubeSettings) -> dict[str, Any]:
    """The traits of KubeSpawner by which a pod becomes as `plan` says.

    The hub's token stands in `environment`, as a reference, and so takes the place of the plain
    one that KubeSpawner would write into the pod.
    """
    return {
        "namespace": plan.namespace,
        "pod_name": plan.pod_name,
        "pvc_name": plan.home_claim,
        # The claims of the plan are made, grown and checked by us.
        "storage_pvc_ensure": False,
        "image": plan.image,
        "image_pull_policy": settings.image_pull_policy,
        "image_pull_secrets": list(settings.image_pull_secrets),
        **_size(plan),
        **_nodes(plan),
        **_apart(settings),
        "working_dir": settings.home,
        "notebook_dir": settings.home,
        "volumes": literal(plan.volumes),
        "volume_mounts": literal(plan.volume_mounts),
        "environment": _environment(plan),
        "extra_labels": literal(plan.labels),
        "extra_annotations": literal(plan.annotations),
    }


def _size(plan: ServerPlan) -> dict[str, Any]:
    return {
        "mem_guarantee": plan.offer.profile.mem_guarantee,
        "mem_limit": plan.offer.profile.mem_limit,
        "cpu_guarantee": plan.offer.profile.cpu_guarantee,
        "cpu_limit": plan.offer.profile.cpu_limit,
        "extra_resource_guarantees": _counts(plan),
        "extra_resource_limits": _counts(plan),
    }


def _counts(plan: ServerPlan) -> dict[str, str]:
    return {name: str(count) for name, count in plan.extra_resources.items()}


def _nodes(plan: ServerPlan) -> dict[str, Any]:
    return {
        "node_selector": dict(plan.nodes.node_selector),
        "node_affinity_preferred": list(plan.nodes.preferred),
        "tolerations": list(plan.nodes.tolerations),
    }


def _apart(settings: KubeSettings) -> dict[str, Any]:
    """What keeps the pod apart; the contexts alone say who it runs as, and with which rights."""
    return {
        "uid": None,
        "gid": None,
        "fs_gid": None,
        "pod_security_context": security.pod_security(settings),
        "container_security_context": security.container_security(settings),
        "extra_pod_config": security.pod_config(),
    }


def _environment(plan: ServerPlan) -> dict[str, Any]:
    plain = {name: literal(literal_env(value)) for name, value in plan.env.items()}
    by_reference = {
        name: {"valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for name, (secret, key) in plan.secret_env.items()
    }
    return {**plain, **by_reference}
