"""What counts as left over, who is told of it, and what of it is deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairihub import datafolder, remote
from fairihub.cli import main
from fairihub.hub_settings import HubSettings, Ports
from fairihub.remote import CLI_TOKEN
from fairihub.settings import Settings
from fairihub_core.errors import Missing
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube.leftover_handlers import LeftoversHandler
from fairihub_spawner.kube.leftovers import Leftovers, of_members, of_servers
from tests.spawner.conftest import team
from tests.support.kube_hub import TOKEN, KubeHub
from tests.support.standin_kube import Kubelet, StandinKube
from tests.support.waiting import eventually

NOW = datetime(2024, 11, 21, 12, tzinfo=timezone.utc)
UC4 = team("uc4", "ada bob", small={})
OLD = timedelta(hours=1)
PORTS = Ports(public=1, hub=2, proxy_api=3, catalog=4, headless=5, s3=6)


def made(name: str, team: str = "uc4", login: str | None = "ada", age: timedelta = OLD) -> Any:
    """An object of a hub, so old."""
    said = {"fairihub.io/team": team} | ({"fairihub.io/login": login} if login else {})
    meta = {
        "name": name,
        "namespace": "uc4",
        "annotations": said,
        "labels": {"fairihub.io/hub": "fairihub", "component": "singleuser-server"},
        "creationTimestamp": f"{NOW - age:%Y-%m-%dT%H:%M:%SZ}",
    }
    return {"metadata": meta}


@pytest.mark.parametrize(
    ("found", "held", "left"),
    [
        (made("pod"), [], True),
        (made("pod"), [("uc4", "pod")], False),
        (made("pod"), [("uc4", "another"), ("uc5", "pod")], True),
        (made("pod", age=timedelta(minutes=1)), [], False),
        (made("pod", age=timedelta(minutes=3)), [], True),
        ({"metadata": {"name": "pod", "namespace": "uc4"}}, [], True),
    ],
    ids=["nobody's", "a server's", "another's", "just made", "made before", "says nothing"],
)
def test_what_no_server_holds_is_left_over(found, held, left):
    assert bool(list(of_servers("Pod", [found], held, NOW))) is left


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (made("home"), None),
        (made("shared", login=None), None),
        (made("home", login="mallory"), "Team “uc4” does not list “mallory”."),
        (made("home", team="uc9"), "There is no team “uc9”."),
        (made("shared", team="uc9", login=None), "There is no team “uc9”."),
    ],
)
def test_a_volume_without_an_owner_is_told_of_and_never_deleted(claim, why):
    found = list(of_members([claim], TeamDirectory(teams=(UC4,)), NOW))
    assert [left.why for left in found] == ([why] if why else [])
    assert not any(left.may_go for left in found)


def test_a_name_cannot_make_a_line_of_its_own():
    (left,) = of_servers("Pod", [made("pod", team="a\nb", login="\x1b[31mx")], [], NOW)
    assert left.said.isprintable()
    assert left.said.startswith("Pod uc4/pod of “")


@pytest.fixture(scope="module")
def kube() -> Iterator[StandinKube]:
    with StandinKube() as kube:
        kube.put("namespaces", {"metadata": {"name": "uc4", "labels": {"fairihub.io/team": "uc4"}}})
        yield kube


@pytest.fixture(scope="module")
def hub(kube: StandinKube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeHub]:
    folder: Path = tmp_path_factory.mktemp("hub")
    with Kubelet(kube) as kubelet:
        config = kube.kubeconfig(folder / "kubeconfig")
        traits = {"port": kubelet.port}
        hub = KubeHub(folder, "127.0.0.1", config, traits=traits, young=0.5, patience=2)
        hub.teams_are(UC4, operators=["olga"])
        hub.run()
        yield hub
        hub.end()


def ask(hub: KubeHub, method: str, login: str | None) -> tuple[int, Any]:
    return hub.call(method, "/hub/api/fairihub/leftovers", login=login)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("login", ["ada", "bob"])
def test_leftovers_are_for_operators(hub, method, login):
    status, answer = ask(hub, method, login)
    assert (status, answer["code"]) == (403, "operators-only")


def test_servers_of_the_hubs_own_machine_leave_no_pods():
    asked = SimpleNamespace(_sweeper_of=lambda: None)
    with pytest.raises(Missing) as refused:
        LeftoversHandler._sweeper(asked)
    assert refused.value.code == "no-pods"


def test_what_is_left_over_is_found_and_deleted_but_no_volume(kube, hub):
    hub.started("ada", "small")
    (running,) = kube.all("pods")
    for resource in ("pods", "secrets"):
        kube.put(resource, {**made("forgotten"), "spec": {"containers": []}})
    kube.put("persistentvolumeclaims", made("home-mallory", login="mallory"))
    foreign = made("of-another-hub")
    foreign["metadata"]["labels"] = {"fairihub.io/hub": "another"}
    kube.put("pods", {**foreign, "spec": {"containers": []}})

    def kinds() -> list[str]:
        return sorted(left["kind"] for left in ask(hub, "GET", "olga")[1]["leftovers"])

    assert eventually(lambda: kinds() == ["PersistentVolumeClaim", "Pod", "Secret"]), kinds()
    assert ask(hub, "GET", None)[0] == 200, "the command line speaks for the operators"
    status, answer = ask(hub, "DELETE", "olga")
    assert status == 200
    assert sorted(gone["name"] for gone in answer["deleted"]) == ["forgotten", "forgotten"]
    assert [left["name"] for left in answer["leftovers"]] == ["home-mallory"]
    assert {pod["metadata"]["name"] for pod in kube.all("pods")} == {
        running["metadata"]["name"],
        "of-another-hub",
    }
    assert kube.get("persistentvolumeclaims", "uc4", "home-mallory")
    entries = [e for e in hub.recorded if e["action"] == "leftover-deleted"]
    assert [(e["login"], e["by"], e["team"]) for e in entries] == [("ada", "olga", "uc4")] * 2
    assert (hub.server("ada") or {})["ready"]
    told = hub.log.read_text().count("Left over: Pod uc4/forgotten of “ada”")
    assert told == 1, "each is told once"


@pytest.fixture
def data(hub: KubeHub, tmp_path: Path) -> str:
    """A data folder, by which the command line finds that hub."""
    told = HubSettings(
        settings=Settings(), sources=(), data=tmp_path, ports=PORTS, proxy_command=("true",)
    )
    told.places.hub.mkdir(parents=True)
    told.places.tokens.mkdir()
    (told.places.hub / "settings.json").write_text(told.model_dump_json())
    datafolder.announce(told.places, datafolder.Running(address=hub.address, pid=1))
    datafolder.write_whole(told.places.tokens / CLI_TOKEN, TOKEN.encode())
    return str(tmp_path)


def test_the_command_line_tells_of_leftovers_and_deletes_them(kube, hub, data, capsys):
    kube.put("secrets", made("forgotten"))
    kube.put("persistentvolumeclaims", made("home-mallory", login="mallory"))
    command = ["leftovers", "--data", data]
    assert main(command) == 1
    assert "Secret uc4/forgotten of “ada”, team “uc4”." in capsys.readouterr().out
    assert main([*command, "--delete"]) == 1, "the volume is still there"
    assert "deleted: Secret uc4/forgotten" in capsys.readouterr().out
    kube.remove("persistentvolumeclaims", "uc4", "home-mallory")
    assert main([*command, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"leftovers": [], "deleted": [], "unread": []}


def test_the_command_line_says_that_it_could_not_look(kube, hub, data, capsys, monkeypatch):
    command = ["leftovers", "--data", data]
    kube.close()
    try:
        assert main(command) == 3
    finally:
        kube.start()
    assert "fairihub: " in capsys.readouterr().err
    partly = Leftovers(leftovers=(), unread=("uc4",))
    monkeypatch.setattr(remote, "leftovers", lambda *_, **__: partly)
    assert main(command) == 3
    told = capsys.readouterr().err
    assert "may not look into the namespace uc4" in told
    assert "Nothing is left over" not in told


def test_a_cluster_that_is_away_is_no_defect(kube, hub):
    kube.close()
    try:
        status, answer = ask(hub, "GET", "olga")
    finally:
        kube.start()
    assert (status, answer["code"]) == (503, "cluster-unreachable")
