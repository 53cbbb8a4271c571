"""What a hub that lost its memory has left in a real cluster: found, deleted, volumes kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairihub_spawner.kube import names
from tests.support.kube_hub import KubeHub
from tests.support.kube_stand_in import STAND_IN
from tests.support.kube_teams import owned, profile, team
from tests.support.kubernetes import Cluster, Namespace
from tests.support.waiting import eventually

TINY = "tiny"


def test_what_a_lost_database_leaves_is_found_and_deleted(
    cluster: Cluster, new_namespace: Callable[..., Namespace], tmp_path: Path
) -> None:
    namespace = owned(new_namespace)
    mine = namespace.name
    assert cluster.kubeconfig is not None
    hub = KubeHub(
        tmp_path / "hub",
        cluster.host,
        cluster.kubeconfig,
        cluster={"hub": mine, "shared_storage": 0, "default_storage": "1Mi"},
        containers={TINY: STAND_IN},
        young=1,
    )
    hub.teams_are(team(mine, "ada", profile(TINY, image="localhost/base:1"), members=("bob",)))
    hub.run()
    try:
        hub.started("ada", TINY)
        hub.end()
        (hub.folder / "hub.sqlite").unlink()
        hub.run()
        hub.started("bob", TINY)

        def found() -> set[tuple[str, str]]:
            return _names(hub.call("GET", "/hub/api/fairihub/leftovers")[1]["leftovers"])

        left = {("Pod", names.pod_name("ada", mine)), ("Secret", names.server_secret("ada", mine))}
        assert eventually(lambda: found() == left), found()
        status, answer = hub.call("DELETE", "/hub/api/fairihub/leftovers")
        assert (status, _names(answer["deleted"]), answer["leftovers"]) == (200, left, [])
        namespace.until_gone("pod", names.pod_name("ada", mine))
        assert not namespace.find("secret", names.server_secret("ada", mine))
        assert namespace.find("pvc", names.home_claim("ada", mine)), "a volume is somebody's work"
        assert (hub.server("bob") or {})["ready"]
    finally:
        hub.end()


def _names(leftovers: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(left["kind"], left["name"]) for left in leftovers}
