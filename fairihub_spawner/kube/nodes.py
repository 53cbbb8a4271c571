"""From a profile's node purpose and GPU to the nodes that a server may run on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairihub_core.errors import Refused, shortened
from fairihub_core.offers import Offer
from fairihub_core.teams import Profile
from fairihub_spawner.kube.settings import KubeSettings, NodePurpose, Toleration, is_label_value

_EXTENDED = re.compile(
    r"(?P<domain>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)/[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?",
    re.ASCII,
)
_HEAVIEST = 100
"""The weight of a wish, the most that Kubernetes knows."""


@dataclass(frozen=True)
class Nodes:
    """Which nodes will do, as Kubernetes has it."""

    node_selector: Mapping[str, str]
    """Labels that the node must have."""
    preferred: tuple[dict[str, Any], ...]
    """Terms of an affinity that other nodes are only second to."""
    tolerations: tuple[dict[str, Any], ...]


def nodes_for(profile: Profile, settings: KubeSettings) -> Nodes:
    """Where a server of `profile` may run.

    A purpose that the settings do not list means the nodes that bear it as a label.

    Raises:
        Refused: `unusable-node-purpose`.
    """
    purpose = _purpose_of(profile.node_purpose, settings)
    tolerations = dict.fromkeys((*purpose.tolerations, *_for_gpu(profile, settings)))
    return Nodes(
        node_selector=dict(purpose.selector) if purpose.required else {},
        preferred=() if purpose.required or not purpose.selector else (_wish(purpose),),
        tolerations=tuple(t.manifest() for t in tolerations),
    )


def extra_resources(offer: Offer) -> dict[str, int]:
    """The GPUs of the profile, as Kubernetes counts them.

    Raises:
        Refused: `bad-gpu-resource`: a name such as `memory` would replace the profile's limit.
    """
    profile = offer.profile
    if not profile.gpu:
        return {}
    match = _EXTENDED.fullmatch(profile.gpu_resource)
    domain = match["domain"] if match else "kubernetes.io"
    if domain == "kubernetes.io" or domain.endswith(".kubernetes.io"):
        raise Refused(
            "bad-gpu-resource",
            f"Profile “{offer.name}” asks for a GPU as “{shortened(profile.gpu_resource)}”, which "
            "is no name of a device; one is “nvidia.com/gpu”. Ask the operator of the hub.",
        )
    return {profile.gpu_resource: profile.gpu}


def _purpose_of(purpose: str | None, settings: KubeSettings) -> NodePurpose:
    if purpose is None:
        return NodePurpose()
    known = settings.node_purposes.get(purpose)
    if known is not None:
        return known
    if not is_label_value(purpose):
        raise Refused(
            "unusable-node-purpose",
            f"The node purpose “{shortened(purpose)}” is no value of a label, and the hub's "
            "settings do not list it. Ask the operator of the hub.",
        )
    return NodePurpose(selector={settings.node_purpose_label: purpose})


def _for_gpu(profile: Profile, settings: KubeSettings) -> tuple[Toleration, ...]:
    if not profile.gpu:
        return ()
    resource = profile.gpu_resource
    by_name = (Toleration(key=resource, operator="Exists"),)
    return settings.gpu_tolerations.get(resource, by_name)


def _wish(purpose: NodePurpose) -> dict[str, Any]:
    labels = [
        {"key": key, "operator": "In", "values": [value]} for key, value in purpose.selector.items()
    ]
    return {"weight": _HEAVIEST, "preference": {"matchExpressions": labels}}
