"""A real cluster and its hub break, each at its turn: no server is lost, none left over."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fairihub_spawner.kube import names
from tests.cluster.starter.places import NODE
from tests.support.kube_hub import KubeHub
from tests.support.kube_stand_in import STAND_IN
from tests.support.kube_teams import owned, profile, team
from tests.support.kubernetes import Cluster, Namespace, Object
from tests.support.waiting import eventually

pytestmark = pytest.mark.fault

TEN = tuple(f"user-{n}" for n in range(10))
TINY = "tiny"
AWAY_SECONDS = float(os.environ.get("FAIRIHUB_TEST_API_AWAY", "20"))
BACK_SECONDS = 120
NOTICED_SECONDS = 30


class Scene:
    """A hub with one team of ten, whose servers answer at once."""

    def __init__(self, cluster: Cluster, namespace: Namespace, folder: Path) -> None:
        assert cluster.kubeconfig is not None
        self.namespace = namespace
        self.hub = KubeHub(
            folder,
            cluster.host,
            cluster.kubeconfig,
            cluster={"hub": namespace.name, "shared_storage": 0, "default_storage": "1Mi"},
            containers={TINY: STAND_IN},
            traits={"delete_grace_period": 0},
        )
        tiny = profile(TINY, image="localhost/base:1")
        self.hub.teams_are(team(namespace.name, TEN[0], tiny, members=TEN[1:]))
        self.hub.run()

    def start_all(self, *logins: str) -> list[threading.Thread]:
        def ask(login: str) -> None:
            with suppress(OSError):  # the hub was killed meanwhile
                self.hub.start(login, TINY)

        threads = [threading.Thread(target=ask, args=(login,)) for login in logins]
        for thread in threads:
            thread.start()
        return threads

    def running(self) -> set[str]:
        return {login for login in TEN if (self.hub.server(login) or {}).get("ready")}

    def pods(self) -> dict[str, str]:
        """The unique numbers of the pods, by name."""
        pods = self.namespace.every("pods", "component=singleuser-server")
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in pods}

    def secrets(self) -> set[str]:
        return {secret["metadata"]["name"] for secret in self.namespace.every("secrets")}

    def fits(self) -> bool:
        """Whether there are a pod and a Secret for each server that runs, and no others."""
        running, mine = self.running(), self.namespace.name
        pods = {names.pod_name(login, mine) for login in running}
        secrets = {names.server_secret(login, mine) for login in running}
        return (set(self.pods()), self.secrets()) == (pods, secrets)


@pytest.fixture
def scene(
    cluster: Cluster, new_namespace: Callable[..., Namespace], tmp_path: Path
) -> Iterator[Scene]:
    scene = Scene(cluster, owned(new_namespace), tmp_path / "hub")
    yield scene
    scene.hub.end()


def test_a_hub_is_killed_in_the_middle_of_ten_starts(scene: Scene) -> None:
    asking = scene.start_all(*TEN)
    assert eventually(lambda: len(scene.pods()) >= 3), scene.hub.tail()
    scene.hub.end(signal.SIGKILL)
    made = len(scene.pods())
    for thread in asking:
        thread.join(30)
    killed = time.monotonic()
    scene.hub.run()
    settled = eventually(
        lambda: all(s is None or s["ready"] for s in map(scene.hub.server, TEN)), 90
    )
    _tell("seconds_until_settled", round(time.monotonic() - killed, 1))
    _tell("pods_when_killed", made)
    _tell("taken_up", len(scene.running()))
    assert settled, scene.hub.tail()
    assert eventually(scene.fits), (scene.running(), scene.pods(), scene.secrets())
    assert len(scene.running()) >= made, "what the cluster had begun, the next hub finishes"


def test_the_api_is_away_for_a_while(
    scene: Scene, part_control: Callable[[str, str], None]
) -> None:
    for login in TEN[:4]:
        scene.hub.started(login, TINY)
    # With a volume that is there: how soon the scheduler hears of a new one is its own affair.
    scene.hub.stop(TEN[3])
    assert eventually(scene.fits), (scene.running(), scene.pods(), scene.secrets())
    before = scene.pods()
    part_control("stop", "apiserver")
    until = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < until:
        assert scene.running() == set(TEN[:3]), scene.hub.tail()
        time.sleep(0.5)
    part_control("start", "apiserver")
    back = time.monotonic()
    assert scene.hub.start(TEN[3], TINY)[0] in (201, 202)
    # Scheduler and controllers ask for the API ever more seldom while it is away.
    assert eventually(lambda: TEN[3] in scene.running(), BACK_SECONDS), scene.hub.tail()
    _tell("away", AWAY_SECONDS)
    _tell("seconds_until_the_next_server", round(time.monotonic() - back, 1))
    assert scene.running() == set(TEN[:4])
    assert before.items() <= scene.pods().items(), "the same pods as before"
    scene.hub.stop(TEN[0])
    assert eventually(scene.fits), (scene.running(), scene.pods(), scene.secrets())


def test_a_node_is_drained(scene: Scene, cluster: Cluster) -> None:
    for login in TEN[:3]:
        scene.hub.started(login, TINY)
    cluster.kubectl("cordon", NODE)
    try:
        drained = time.monotonic()
        for name in scene.pods():
            _evict(scene.namespace, name)
        assert eventually(lambda: not scene.running(), NOTICED_SECONDS), scene.hub.tail()
        _tell("seconds_until_noticed", round(time.monotonic() - drained, 1))
        assert eventually(scene.fits), (scene.pods(), scene.secrets())
    finally:
        cluster.kubectl("uncordon", NODE)
    scene.hub.started(TEN[0], TINY)


def _tell(what: str, figure: object) -> None:
    """Shown by `pytest -s`, and with a test that fails."""
    print(f"{what}: {figure}")


def _evict(namespace: Namespace, pod: str) -> None:
    wanted: Object = {"apiVersion": "policy/v1", "kind": "Eviction",
                      "metadata": {"name": pod, "namespace": namespace.name},
                      "deleteOptions": {"gracePeriodSeconds": 1}}  # fmt: skip
    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod}/eviction"
    namespace.cluster.kubectl("create", f"--raw={path}", "--filename=-", given=json.dumps(wanted))
