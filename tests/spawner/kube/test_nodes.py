from __future__ import annotations

from typing import Any

import pytest

from fairihub_core.errors import Refused
from fairihub_spawner.kube.nodes import Nodes, extra_resources, nodes_for

from .conftest import offer, settings

DEDICATED = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
TABLE = {
    "gpu": {"selector": {"pool": "gpu"}, "tolerations": [DEDICATED]},
    "spot": {"selector": {"pool": "spot", "zone": "a"}, "required": False},
    "anywhere": {},
}
WISH = {
    "weight": 100,
    "preference": {
        "matchExpressions": [
            {"key": "pool", "operator": "In", "values": ["spot"]},
            {"key": "zone", "operator": "In", "values": ["a"]},
        ]
    },
}
FOR_GPU = {"key": "nvidia.com/gpu", "operator": "Exists"}
THROUGH = {**DEDICATED, "operator": "Equal"}


@pytest.mark.parametrize(
    ("profile", "nodes"),
    [
        ({}, Nodes({}, (), ())),
        ({"node_purpose": "user"}, Nodes({"hub.jupyter.org/node-purpose": "user"}, (), ())),
        ({"node_purpose": "gpu"}, Nodes({"pool": "gpu"}, (), (THROUGH,))),
        ({"node_purpose": "gpu", "gpu": 1}, Nodes({"pool": "gpu"}, (), (THROUGH, FOR_GPU))),
        ({"node_purpose": "spot"}, Nodes({}, (WISH,), ())),
        ({"node_purpose": "anywhere"}, Nodes({}, (), ())),
        ({"gpu": 2}, Nodes({}, (), (FOR_GPU,))),
        (
            {"gpu": 1, "gpu_resource": "amd.com/gpu"},
            Nodes({}, (), ({"operator": "Exists", "key": "amd.com/gpu"},)),
        ),
    ],
)
def test_where_a_profile_runs(profile: dict[str, Any], nodes: Nodes) -> None:
    assert nodes_for(offer(**profile).profile, settings(node_purposes=TABLE)) == nodes


def test_the_label_and_the_tolerations_of_a_gpu_can_be_set() -> None:
    said = settings(
        node_purpose_label="pool", gpu_tolerations={"nvidia.com/gpu": [{"operator": "Exists"}]}
    )
    nodes = nodes_for(offer(node_purpose="user", gpu=1).profile, said)
    assert nodes == Nodes({"pool": "user"}, (), ({"operator": "Exists"},))


def test_a_gpu_that_needs_no_toleration() -> None:
    said = settings(gpu_tolerations={"nvidia.com/gpu": []})
    assert nodes_for(offer(gpu=1).profile, said).tolerations == ()


@pytest.mark.parametrize(
    ("profile", "resources"),
    [
        ({}, {}),
        ({"gpu_resource": "memory"}, {}),
        ({"gpu": 1}, {"nvidia.com/gpu": 1}),
        ({"gpu": 4, "gpu_resource": "nvidia.com/mig-1g.5gb"}, {"nvidia.com/mig-1g.5gb": 4}),
    ],
)
def test_gpus(profile: dict[str, Any], resources: dict[str, int]) -> None:
    assert extra_resources(offer(**profile)) == resources


@pytest.mark.parametrize(
    "name",
    [
        *("memory", "cpu", "hugepages-2Mi", "ephemeral-storage", "kubernetes.io/batch", "a/b/c"),
        *("requests.kubernetes.io/cpu", "nvidia.com/", "/gpu", "nvidia.com/gpu\n", "{}"),
        "x.y/" + "g" * 64,
    ],
)
def test_a_gpu_by_the_name_of_something_else_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        extra_resources(offer(gpu=1, gpu_resource=name))
    assert refused.value.code == "bad-gpu-resource"
    assert "“uc4.small”" in refused.value.message


def test_a_purpose_that_can_be_no_label_must_be_listed() -> None:
    odd = offer(node_purpose="user uc4").profile
    with pytest.raises(Refused, match="“user uc4” is no value of a label"):
        nodes_for(odd, settings())
    listed = settings(node_purposes={"user uc4": {"selector": {"pool": "uc4"}}})
    assert nodes_for(odd, listed).node_selector == {"pool": "uc4"}
