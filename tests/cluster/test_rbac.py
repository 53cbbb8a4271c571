"""The roles of the documentation are enough for a hub, and for nothing that it does not do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
import yaml
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api
from kubernetes_asyncio.config import load_kube_config

from fairihub_core.teams import Member, Profile, Team, TeamDirectory
from fairihub_spawner.kube.calls import Calls
from fairihub_spawner.kube.settings import KubeSettings
from fairihub_spawner.kube.sweeper import Sweeper
from tests.support.kube_hub import KubeHub
from tests.support.kube_teams import owned
from tests.support.kubernetes import Cluster, Namespace, Object
from tests.support.waiting import eventually

ROLES = Path(__file__).parents[2] / "docs" / "how-to" / "kubernetes"
ACCOUNT = "fairihub"
LOGINS = ("ada", "grace")
REFUSED = ("cannot get resource", "cannot list resource", "cannot watch resource", "forbidden")


@pytest.fixture
def account(cluster: Cluster, new_namespace: Callable[..., Namespace]) -> Iterator[Namespace]:
    """The namespace of the hub's account; what is bound to it beyond namespaces goes with it."""
    namespace = new_namespace()
    namespace.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}},
    )
    yield namespace
    for kind in ("clusterrolebinding", "clusterrole"):
        cluster.kubectl("delete", kind, namespace.name, "--ignore-not-found")


@pytest.mark.parametrize("cluster_wide", [True, False], ids=["whole cluster", "one namespace"])
def test_a_hub_needs_no_more_than_its_role(
    cluster: Cluster,
    account: Namespace,
    new_namespace: Callable[..., Namespace],
    tmp_path: Path,
    cluster_wide: bool,
) -> None:
    rooms = [owned(new_namespace) for _ in LOGINS]
    teams = list(map(_team, rooms, LOGINS))
    _allow(account, rooms, cluster_wide)
    kubeconfig = _kubeconfig(cluster, account, tmp_path / "kubeconfig")
    said = {"hub": account.name, "cluster_wide": cluster_wide, "default_storage": "1Mi",
            "shared_storage": "1Mi", "shared_access_mode": "ReadWriteOnce"}  # fmt: skip
    hub = KubeHub(tmp_path / "hub", cluster.host, kubeconfig, cluster=said,
                  traits={"cmd": ["sh", "-c", "exec busybox httpd -f -p 8888"]})  # fmt: skip
    hub.teams_are(*teams)
    hub.run()
    try:
        with ThreadPoolExecutor() as pool:
            assert all(server["ready"] for server in pool.map(hub.started, LOGINS))
        hub.stop(LOGINS[0])
    finally:
        hub.end()
    log = hub.log.read_text().lower()
    assert not [line for line in log.splitlines() if any(word in line for word in REFUSED)]
    left = asyncio.run(_leftovers(kubeconfig, said, teams))
    assert left == []  # all of it is too young to be left over


def test_a_missing_role_is_told_as_what_it_is(
    cluster: Cluster,
    account: Namespace,
    new_namespace: Callable[..., Namespace],
    tmp_path: Path,
) -> None:
    """Ada's team has no role; that of Grace's team lacks the pods."""
    rooms = [owned(new_namespace) for _ in LOGINS]
    lacks_pods = rooms[1]
    _allow(account, [lacks_pods], cluster_wide=False)
    rules = [{"apiGroups": [""], "resources": ["namespaces", "secrets"], "verbs": ["get"]}]
    lacks_pods.kubectl("patch", "role", account.name, f"--patch={json.dumps({'rules': rules})}")
    kubeconfig = _kubeconfig(cluster, account, tmp_path / "kubeconfig")
    said = {"hub": account.name, "cluster_wide": False}
    hub = KubeHub(tmp_path / "hub", cluster.host, kubeconfig, cluster=said)
    hub.teams_are(*map(_team, rooms, LOGINS))
    hub.run()

    def told(login: str) -> dict[str, Any]:
        hub.start(login, "small")
        assert eventually(lambda: (hub.last_start(login) or {}).get("state") == "failed", 30)
        return dict((hub.last_start(login) or {})["diagnosis"])

    try:
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(told, LOGINS))
    finally:
        hub.end()
    assert [(one["code"], one["who"]) for one in found] == [("no-permission", "operator")] * 2
    assert "namespaces" in found[0]["detail"]
    assert "list resource" in found[1]["detail"]


@pytest.mark.parametrize("cluster_wide", [True, False], ids=["whole cluster", "one namespace"])
def test_the_role_allows_nothing_that_a_hub_does_not_do(
    cluster: Cluster, account: Namespace, namespace: Namespace, cluster_wide: bool
) -> None:
    _allow(account, [namespace], cluster_wide)
    who = f"--as=system:serviceaccount:{account.name}:{ACCOUNT}"

    def may(verb: str, what: str, where: str) -> bool:
        kind, _, part = what.partition("/")
        asked = (verb, kind, f"--subresource={part}", f"--namespace={where}", who)
        return cluster.attempt("auth", "can-i", *asked)

    for verb, what in [("create", "pods"), ("get", "pods/log")]:
        assert may(verb, what, namespace.name), (verb, what)
    for verb, what in [
        ("create", "pods/exec"),
        ("delete", "persistentvolumeclaims"),
        ("create", "rolebindings"),
        ("create", "serviceaccounts/token"),
        ("patch", "pods"),
        ("patch", "namespaces"),
        ("list", "nodes"),
    ]:
        assert not may(verb, what, namespace.name), (verb, what)
    assert may("get", "secrets", "kube-system") == cluster_wide
    assert may("list", "pods", account.name) == cluster_wide


def _team(room: Namespace, login: str) -> Team:
    room.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "access"},
                "stringData": {"WORD": "sesame"}})  # fmt: skip
    small = Profile(slug="small", display_name="Small", image="localhost/base:1",
                    secret_names=("access",))  # fmt: skip
    return Team(name=room.name, namespace=room.name, members=(Member(login=login),),
                profiles=(small,))  # fmt: skip


def _allow(account: Namespace, rooms: list[Namespace], cluster_wide: bool) -> None:
    """Applies the files of the documentation; what they name is called after the account."""
    file = ROLES / ("whole-cluster.yaml" if cluster_wide else "one-namespace.yaml")
    for room in rooms[:1] if cluster_wide else rooms:
        wanted = [_renamed(one, account.name) for one in yaml.safe_load_all(file.read_text())]
        room.apply(*wanted)


def _renamed(given: Object, name: str) -> Object:
    found: dict[str, Any] = {**given, "metadata": {**given["metadata"], "name": name}}
    if "roleRef" in found:
        found["roleRef"] = {**found["roleRef"], "name": name}
        found["subjects"] = [{**one, "namespace": name} for one in found["subjects"]]
    return found


def _kubeconfig(cluster: Cluster, account: Namespace, path: Path) -> Path:
    """A kubeconfig with a token of the account, and nothing of the administrator's."""
    whole = yaml.safe_load(
        cluster.kubectl("config", "view", "--raw", "--flatten", "--minify", "--output=yaml")
    )
    token = account.kubectl("create", "token", ACCOUNT).strip()
    for user in whole["users"]:
        user["user"] = {"token": token}
    path.write_text(yaml.safe_dump(whole))
    path.chmod(0o600)
    return path


async def _leftovers(
    kubeconfig: Path, said: dict[str, Any], teams: list[Team]
) -> list[tuple[str, str]]:
    """What a sweeper finds with the rights of the role; it must be allowed to look."""
    configuration = Configuration()
    await load_kube_config(str(kubeconfig), client_configuration=configuration)
    directory = TeamDirectory(teams=tuple(teams))
    async with ApiClient(configuration) as client:
        settings = KubeSettings.model_validate({"image": "localhost/base:1", **said})
        sweeper = Sweeper(
            Calls(CoreV1Api(client), settings.hub), settings, WeakSet(), lambda: directory
        )
        return [(one.kind, one.namespace) for one in await sweeper.look()]
