"""Customer objects on a real cluster: its definition, the rights that suffice, the status."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairihub_auth.customer_objects import CustomerObjects
from fairihub_auth.kube_access import Access
from fairihub_auth.object_following import Tempo
from fairihub_auth.publication import Publication
from fairihub_auth.watch import TeamWatch
from fairihub_core.customer_crd import customer_crd
from fairihub_core.teams import Team, TeamDirectory
from tests.support.kubernetes import Cluster, Namespace
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests/data/customer.yaml"
HOW_TO = ROOT / "docs/how-to/team-sources.md"
MANGLED: list[dict[str, Any]] = [
    {"spec": None, "k8s-namespace": "uc4", "allowedLogins": [{"userName": "ada"}]},
    {"spec": {"inventory": {"expirationDate": "2099-12-31"}, "activations": {"data": {"user": 5}}}},
    {"spec": {"activations": [{"data": {"storage": 5000000, "profile_x": {"cpu_limit": 7.5}}}]}},
    {"spec": {"allowedLogins": "ada", "k8s-namespace": 4, "allowClaims": "yes"}},
    {"spec": {"allowedLogins": [{"userName": 83, "role": True, "email": None}]}},
    {"spec": {"k8s-namespac": "uc4", "activations": [{"data": None, "dat": {"storage": "5 Gi"}}]}},
]


@pytest.fixture(scope="module")
def defined(cluster: Cluster, new_shared_namespace: Callable[..., Namespace]) -> Cluster:
    """The cluster, once it knows Customer objects; a turn of it as long as it is to know them."""
    crd = customer_crd()
    cluster.apply(crd)
    name = crd["metadata"]["name"]
    found = cluster.until("crd", name, lambda found: _condition(found, "Established"))
    assert _condition(found, "NonStructuralSchema") is None
    assert eventually(lambda: cluster.attempt("get", "customers", "--all-namespaces"))
    return cluster


def _condition(found: dict[str, Any], kind: str) -> dict[str, Any] | None:
    given = found.get("status", {}).get("conditions", [])
    return next((c for c in given if c["type"] == kind and c["status"] == "True"), None)


@pytest.fixture
def access(defined: Cluster, namespace: Namespace, tmp_path: Path) -> Access:
    """By an account that may do what the docs say, and nothing else."""
    blocks = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(), re.S)
    documents = [d for b in blocks for d in yaml.safe_load_all(b) if isinstance(d, dict)]
    role = next(d for d in documents if d.get("kind") == "ClusterRole")
    account = {"kind": "ServiceAccount", "name": "hub", "namespace": namespace.name}
    group = "rbac.authorization.k8s.io"
    namespace.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "hub"}},
        {**role, "kind": "Role", "metadata": {"name": "hub"}},
        {
            "apiVersion": role["apiVersion"],
            "kind": "RoleBinding",
            "metadata": {"name": "hub"},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "hub"},
            "subjects": [account],
        },
    )
    config = yaml.safe_load(defined.kubectl("config", "view", "--raw", "--minify"))
    token = namespace.kubectl("create", "token", "hub").strip()
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return Access(kubeconfig=path, namespace=namespace.name)


@pytest.fixture
def publication(access: Access) -> Iterator[Publication]:
    source = CustomerObjects(
        access, name="cluster", operators=access.namespace, tempo=Tempo(confirm=0.5)
    )
    publication = Publication()
    publication.subscribe(source.told)

    def changed(teams: tuple[Team, ...], files: Any) -> None:
        publication.put(TeamDirectory(teams=teams), files)

    watch = TeamWatch([source], changed)
    watch.start()
    yield publication
    watch.stop()


@pytest.fixture
def example(namespace: Namespace) -> dict[str, Any]:
    """The published example, as an object of a namespace of the test's own."""
    made: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    made["metadata"]["namespace"] = namespace.name
    return made


def _team(publication: Publication, name: str) -> Team | None:
    return publication.snapshot().directory.team(name)


def _ready(status: str) -> Callable[[dict[str, Any]], bool]:
    def holds(found: dict[str, Any]) -> bool:
        given = found.get("status", {})
        current = given.get("observedGeneration") == found["metadata"]["generation"]
        return current and any(
            c["type"] == "Ready" and c["status"] == status for c in given["conditions"]
        )

    return holds


def _without_nulls(value: Any) -> Any:
    """kubectl drops some; a null means no more to the reader than a key that is missing."""
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list) else value


def test_the_published_example_becomes_a_team_and_its_status_says_so(
    defined: Cluster, namespace: Namespace, publication: Publication, example: dict[str, Any]
) -> None:
    namespace.apply(example)
    found = namespace.until("customer", "fairicubeuc4", _ready("True"))
    assert (found["status"]["members"], found["status"]["expires"]) == (2, "2024-12-31")
    assert [f["code"] for f in found["status"]["findings"]] == ["expired"]
    assert _team(publication, "fairicubeuc4") is not None
    shown = namespace.kubectl("get", "cust", "--no-headers").split()
    assert shown[:4] == ["fairicubeuc4", "True", "2", "2024-12-31"]
    version = found["metadata"]["resourceVersion"]
    example["spec"]["activations"][0]["data"]["storage"] = "much"
    namespace.apply(example)
    broken = namespace.until("customer", "fairicubeuc4", _ready("False"))
    (first, *_) = broken["status"]["findings"]
    assert (first["code"], first["object"]) == ("bad-size", f"{namespace.name}/fairicubeuc4")
    assert int(first["resourceVersion"]) > int(version)
    assert first["message"].startswith("spec.activations[0].data.storage: ")
    team = _team(publication, "fairicubeuc4")
    assert team is not None
    assert team.storage == 53687091200
    namespace.kubectl("delete", "customer", "fairicubeuc4")
    assert eventually(lambda: _team(publication, "fairicubeuc4") is None)


@pytest.mark.parametrize("written", MANGLED, ids=range(len(MANGLED)))
def test_what_was_mangled_is_taken_and_reported(
    namespace: Namespace, publication: Publication, written: dict[str, Any]
) -> None:
    head = {"apiVersion": "hub.eox.at/v1alpha1", "kind": "Customer", "metadata": {"name": "uc4"}}
    # kubectl itself would stop at a null as long as it has not heard of the definition.
    namespace.kubectl(
        "apply", "--validate=ignore", "--filename=-", given=json.dumps({**head, **written})
    )
    found = namespace.until(
        "customer", "uc4", lambda found: "conditions" in found.get("status", {})
    )
    kept = {k: v for k, v in found.items() if k in written}
    assert _without_nulls(kept) == _without_nulls(written)
    assert found["status"]["findings"]
