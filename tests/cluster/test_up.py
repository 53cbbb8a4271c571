"""The hub as it is shipped, `fairihub up`, beside a cluster: what its servers have, and keep."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest
import yaml

from fairihub_core.places import Places
from fairihub_spawner.kube import names
from tests.support.kube_teams import owned
from tests.support.kubernetes import Cluster, Namespace, Object
from tests.support.ports import free_port
from tests.support.running_hub import ROOT, RunningHub
from tests.support.waiting import all_ended, eventually

BUCKET = "bucket-of-up"
SIZE = "mem_guarantee=67108864,cpu_guarantee=0.05,mem_limit=1073741824,cpu_limit=2"


@pytest.fixture(scope="module")
def here(new_shared_namespace: Callable[..., Namespace]) -> Namespace:
    return owned(new_shared_namespace)


@pytest.fixture(scope="module")
def up(
    cluster: Cluster, here: Namespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHub]:
    """A hub whose servers are pods, with one team, of which Ada has a server with a drive."""
    hub = RunningHub(tmp_path_factory.mktemp("up"))
    hub.address = f"http://{cluster.host}:{hub.port}"
    assert cluster.kubeconfig is not None
    shutil.copyfile(cluster.kubeconfig, hub.folder / "hub.kubeconfig")
    hub.environment = _environment_of_the_page(hub.settings.name)
    hub.settings.write_text(yaml.safe_dump({"kubernetes": _kubernetes(cluster, here)}))
    for example in hub.teams.iterdir():
        example.unlink()
    (hub.teams / "team.yaml").write_text(yaml.safe_dump(_team(here.name)))
    try:
        hub.start()
        hub.token("ada")
        yield hub
    finally:
        hub.close()


def _environment_of_the_page(settings: str) -> dict[str, str]:
    """What the how-to sets before its `fairihub up`, which names the settings as this hub does."""
    page = (ROOT / "docs/how-to/kubernetes.md").read_text()
    (line,) = (line for line in page.splitlines() if "fairihub up --" in line)
    variable, *command = line.split()
    assert command == ["fairihub", "up", "--settings", settings]
    name, _, value = variable.partition("=")
    return {name: value}


def _kubernetes(cluster: Cluster, here: Namespace) -> dict[str, Any]:
    return {
        "hub": here.name,
        "reach": cluster.host,
        "hub_port": free_port(),
        "s3_port": free_port(),
        "image": "localhost/singleuser:1",
        "image_pull_policy": "Never",
        "shared_storage": "0",
        "default_storage": "20Mi",
    }


def _team(name: str) -> dict[str, Any]:
    profile = f"display_name=Lab,{SIZE},s3_bucket_name={BUCKET},default=true"
    activation = {
        "data": {"profile_lab": profile},
        "allowedLogins": [{"userName": "ada", "role": "admin"}],
    }
    return {
        "apiVersion": "hub.eox.at/v1alpha1",
        "kind": "Customer",
        "metadata": {"name": name},
        "spec": {"k8s-namespace": name, "activations": [activation]},
    }


@pytest.fixture(autouse=True)
def _told(here: Namespace, tells_of: Callable[[Namespace], None]) -> None:
    tells_of(here)


@pytest.fixture(scope="module")
def ada(up: RunningHub) -> httpx.Client:
    up.sign_in("ada", up.links["ada"])
    return up.start_server("ada", "lab")


def _pod(here: Namespace) -> Object:
    found = here.find("pod", names.pod_name("ada", here.name))
    assert found is not None
    return found


def test_a_bucket_is_a_drive_to_list_and_to_read(up: RunningHub, ada: httpx.Client) -> None:
    file = Places(up.data).bucket(BUCKET) / "rivers" / "gauge.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("7 m\n")
    _lists_and_reads(ada)


def _lists_and_reads(ada: httpx.Client) -> None:
    asked = {"resources": [], "options": {"_addServerside": True}}
    answer = ada.post("/user/ada/jupyterfs/resources", json=asked)
    assert answer.status_code == 200
    (drive,) = answer.json()
    assert (drive["name"], drive["init"]) == (BUCKET, True)
    at = f"/user/ada/api/contents/{drive['drive']}:"
    # The server has looked into the bucket before there was anything.
    assert eventually(lambda: ada.get(f"{at}/rivers").is_success, 30)
    listed = ada.get(f"{at}/rivers").json()
    assert [entry["name"] for entry in listed["content"]] == ["gauge.txt"]
    assert ada.get(f"{at}/rivers/gauge.txt").raise_for_status().json()["content"] == "7 m\n"


def test_nobody_is_asked_for_news_of_others_than_this_hub(ada: httpx.Client) -> None:
    plugin = "@jupyterlab/apputils-extension:notification"
    told = ada.get(f"/user/ada/lab/api/settings/{plugin}").raise_for_status().json()
    assert told["schema"]["properties"]["fetchNews"]["default"] == "false"


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_a_server_goes_on_while_the_hub_starts_again(
    up: RunningHub, ada: httpx.Client, here: Namespace, by: signal.Signals
) -> None:
    before = _pod(here)["metadata"]["uid"]
    parts = psutil.Process(up.pid).children(recursive=True)
    up.stop(by)
    assert eventually(lambda: all_ended(parts), 30)
    assert "Ctrl-C stops the hub; servers go on" in up.output.read_text()
    up.start()
    # Whoever has not come yet is looked for at the hub.
    token = _another_token(ada)
    status = up.client(headers={"Authorization": f"Bearer {token}"}).get("/user/ada/api/status")
    assert status.status_code == 200, status.text
    assert _pod(here)["metadata"]["uid"] == before
    _lists_and_reads(ada)


def _another_token(ada: httpx.Client) -> str:
    made = ada.post("/hub/api/users/ada/tokens", json={"note": "of the tests"})
    return str(made.raise_for_status().json()["token"])
