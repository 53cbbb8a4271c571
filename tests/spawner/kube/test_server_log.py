"""What a server wrote, as its owner reads it at the hub."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spawner.conftest import team
from tests.support.kube_hub import KubeHub
from tests.support.standin_kube import Kubelet, Refusal, StandinKube

WORD = "korrekt-pferd"
KEYS = {
    "metadata": {"namespace": "uc4", "name": "keys"},
    "type": "Opaque",
    "data": {"GREETING": b64encode(WORD.encode()).decode()},
}


@pytest.fixture(scope="module")
def kube() -> Iterator[StandinKube]:
    with StandinKube() as kube:
        kube.put("namespaces", {"metadata": {"name": "uc4", "labels": {"fairihub.io/team": "uc4"}}})
        kube.put("secrets", KEYS)
        yield kube


@pytest.fixture(scope="module")
def hub(kube: StandinKube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeHub]:
    folder: Path = tmp_path_factory.mktemp("hub")
    with Kubelet(kube) as kubelet:
        config = kube.kubeconfig(folder / "kubeconfig")
        hub = KubeHub(folder, "127.0.0.1", config, traits={"port": kubelet.port}, patience=2)
        hub.teams_are(team("uc4", "ada", keyed={"secret_names": ("keys",)}))
        hub.run()
        yield hub
        hub.end()


def test_of_what_a_server_wrote_no_value_of_a_secret_is_told(kube, hub):
    """One that looks like any other word, so that only the cluster knows it for a secret."""
    hub.started("ada", "keyed")
    (pod,) = kube.all("pods")
    kube.logs["uc4", pod["metadata"]["name"]] = f"one\nsays {WORD} to all\n\n"
    assert log(hub) == (["one", "says [hidden] to all"], True)
    kube.logs["uc4", pod["metadata"]["name"]] = "one\ntwo\n\n"
    assert log(hub, "?lines=2") == (["two"], False)


@pytest.mark.parametrize(
    ("status", "resource", "said", "code"),
    [
        (403, "pods", 'cannot get resource "pods/log" in API group ""', "server-log-refused"),
        (403, "secrets", 'cannot get resource "secrets" in API group ""', "server-log-refused"),
        (500, "pods", "Get https://10.0.0.1:10250/containerLogs: no route", "server-log-away"),
    ],
)
def test_a_log_that_the_cluster_does_not_give_is_not_shown_as_an_empty_one(
    kube, hub, status, resource, said, code
):
    if hub.server("ada") is None:
        hub.started("ada", "keyed")
    kube.fail(Refusal(status, "Reason", said), verb="get", resource=resource)
    answer = hub.call("GET", "/hub/api/fairihub/servers/ada/log", login="ada")
    assert (answer[0], answer[1]["code"]) == (503, code)
    assert said in hub.log.read_text()
    if status == 403:
        assert "the log of your server, or the Secrets" in answer[1]["message"], "whichever it was"


def log(hub: KubeHub, query: str = "") -> tuple[list[str], bool]:
    status, answer = hub.call("GET", f"/hub/api/fairihub/servers/ada/log{query}", login="ada")
    assert status == 200, answer
    return answer["lines"], answer["whole"]
