"""Servers as pods of a real cluster: what a profile becomes, and what stays when it ends."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairihub_core.teams import Team
from fairihub_spawner.kube import names
from tests.cluster.starter.places import NODE
from tests.support.kube_hub import KubeHub
from tests.support.kube_stand_in import BESIDE, STAND_IN, run_in
from tests.support.kube_teams import MIB, owned, profile, team
from tests.support.kubernetes import Cluster, Namespace, Object
from tests.support.waiting import eventually

STRANGE = "grace.ö'hopper+x@example.org"
BUCKET_SECRET = "bucket-secret-of-tests"
SECRET = {"PASS_WORD": "op{en}-$(HOME)-{0}-sesame", "notes.txt": "line {one}\nline two\n"}
SHARED_FILE = "/home/jovyan/shared/file"
GPU, GPU_LABEL = "fairihub.test/gpu", "fairihub.test/gpu-of"
LAB, TINY, LARGER = "lab", "tiny", "larger"
MEMBERS = ("ada", "bob", "carl", "dora", "erik", "gina", "hugo", "ivan", STRANGE)
FIRST = {"ada": LAB, **dict.fromkeys(("vera", "bob", "carl", "dora", "erik", STRANGE), TINY)}
"""Who has a server when the tests begin, and of which profile; the others have had none."""


@dataclass(frozen=True)
class World:
    """A hub, and two teams of its with a namespace each; the tests share their servers' time."""

    hub: KubeHub
    first: Namespace
    second: Namespace

    def pod(self, login: str, namespace: Namespace) -> str:
        return names.pod_name(login, namespace.name)

    def run(self, login: str, namespace: Namespace, script: str) -> str:
        found = namespace.find("pod", self.pod(login, namespace))
        assert found is not None
        return run_in(found, script)

    def has(self, login: str, choice: str) -> None:
        """Sees to a server of that profile, if need be in place of another one."""
        server = self.hub.server(login)
        if server and server["user_options"]["profile"] == choice:
            return
        if server:
            self.hub.stop(login)
        self.hub.started(login, choice)

    def has_none(self, login: str) -> None:
        if self.hub.server(login):
            self.hub.stop(login)


@pytest.fixture(scope="module")
def world(
    cluster: Cluster,
    new_shared_namespace: Callable[..., Namespace],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    # Two runs of these tests may share the cluster.
    first, second = owned(new_shared_namespace), owned(new_shared_namespace)
    first.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "access"},
                 "stringData": SECRET})  # fmt: skip
    assert cluster.kubeconfig is not None
    hub = KubeHub(
        tmp_path_factory.mktemp("hub"),
        cluster.host,
        cluster.kubeconfig,
        cluster={
            "hub": first.name,
            "image": "localhost/singleuser:1",
            "image_pull_policy": "Never",
            "shared_storage": "1Mi",
            "shared_access_mode": "ReadWriteOnce",
            "default_storage": "20Mi",
            "node_purposes": {
                "quick": {"selector": {"purpose": "quick"}, "required": False},
                "gpu": {
                    "selector": {GPU_LABEL: first.name},
                    "tolerations": [{"key": "purpose", "value": "gpu"}],
                },
            },
        },
        containers={LAB: BESIDE, **dict.fromkeys((TINY, LARGER, "gpu"), STAND_IN)},
    )
    hub.teams_are(*_teams(first.name, second.name))
    hub.run()
    try:
        # Side by side, since most of a start is waiting.
        with ThreadPoolExecutor(len(FIRST)) as pool:
            list(pool.map(lambda one: hub.started(one[0], f"{first.name}.{one[1]}"), FIRST.items()))
        yield World(hub, first, second)
    finally:
        hub.end()


def _teams(first: str, second: str) -> tuple[Team, ...]:
    lab = profile(
        LAB,
        display_name="Lab {0} {x} $(HOME)",
        mem_limit=1024 * MIB,
        mem_guarantee=64 * MIB,
        cpu_limit=2.0,
        cpu_guarantee=0.05,
        node_purpose="quick",
        secret_names=("access",),
        s3_bucket_name="bucket-of-tests",
        image="localhost/singleuser:1",
    )
    small = {"image": "localhost/base:1"}
    gpu = profile("gpu", gpu=1, gpu_resource=GPU, node_purpose="gpu", **small)
    tiny, larger = profile(TINY, **small), profile(LARGER, storage=10 * MIB, **small)
    return (
        team(first, "vera", lab, tiny, larger, gpu, members=MEMBERS),
        team(second, "erik", profile(LARGER, storage=30 * MIB, **small)),
    )


@pytest.fixture(autouse=True)
def _told(world: World, tells_of: Callable[[Namespace], None]) -> None:
    tells_of(world.first)


@pytest.fixture(scope="module")
def lab(world: World) -> dict[str, Any]:
    """A JupyterLab of Ada's, as the hub describes it; no test stops it."""
    found = world.hub.server("ada")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def pod(world: World, lab: dict[str, Any]) -> Object:
    """Its pod as the cluster has it."""
    found = world.first.find("pod", world.pod("ada", world.first))
    assert found is not None
    return found


def test_a_server_answers_through_the_proxy(world: World, lab: dict[str, Any]) -> None:
    # It asks the hub who comes, with the token that it was given.
    status, said = world.hub.call("GET", f"{lab['url']}api/status")
    assert (status, said["connections"]) == (200, 0)


def test_a_pod_has_the_size_of_the_profile(pod: Object) -> None:
    assert pod["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "2", "memory": str(1024 * MIB)},
        "requests": {"cpu": "50m", "memory": str(64 * MIB)},
    }


def test_a_pod_is_kept_apart(pod: Object) -> None:
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
    assert kinds == {"persistentVolumeClaim", "secret"}
    assert "initContainers" not in spec


def test_costs_are_told_apart_by_labels(world: World, pod: Object) -> None:
    labels, annotations = pod["metadata"]["labels"], pod["metadata"]["annotations"]
    expected = {names.LOGIN: "ada", names.TEAM: world.first.name, names.PROFILE: LAB,
                names.NODE_PURPOSE: "quick", names.HUB: world.first.name}  # fmt: skip
    assert {key: labels[key] for key in expected} == expected
    assert annotations[names.PROFILE] == f"{world.first.name}.{LAB}"


def test_a_secret_stands_nowhere_but_in_secrets(world: World, pod: Object) -> None:
    own = world.first.find("secret", names.server_secret("ada", world.first.name))
    assert own is not None
    token = base64.b64decode(own["data"]["JUPYTERHUB_API_TOKEN"]).decode()
    assert len(token) >= 32
    shown = [json.dumps(world.first.every(kind)) for kind in ("pods", "events", "pvc")]
    files = [path for path in Path(world.hub.folder).iterdir() if path.is_file()]
    found = {path.name: path.read_bytes().decode(errors="replace") for path in files}
    assert {"hub.log", "hub.sqlite"} <= set(found)
    for secret in (token, BUCKET_SECRET, *SECRET.values(), "sesame"):
        in_json, encoded = json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode()
        for form in {secret, in_json, encoded}:
            assert not any(form in text for text in shown)
            assert [name for name, text in found.items() if form in text] == []


def test_a_server_finds_what_the_profile_says(world: World, lab: dict[str, Any]) -> None:
    env = dict(
        line.split("=", 1)
        for line in world.run("ada", world.first, "env").splitlines()
        if "=" in line
    )
    expected = {
        "PASS_WORD": SECRET["PASS_WORD"],
        "AWS_SECRET_ACCESS_KEY": BUCKET_SECRET,
        "S3_USER_STORAGE_BUCKET": "bucket-of-tests",
        "FAIRIHUB_TEAM": world.first.name,
        "HOME": "/home/jovyan",
        "MEM_LIMIT": str(1024 * MIB),
        "JUPYTERHUB_USER": "ada",
    }
    assert {key: env.get(key) for key in expected} == expected
    assert "notes.txt" not in env


def test_a_server_counts_work_and_watches_its_sockets(world: World, lab: dict[str, Any]) -> None:
    said = world.first.log(world.pod("ada", world.first))
    for extension in ("activity", "sockets"):
        assert f"fairihub_spawner.{extension} | extension was successfully loaded" in said


def test_secrets_are_files_for_the_owner_of_the_server_alone(
    world: World, lab: dict[str, Any]
) -> None:
    look = "cd /run/secrets/fairihub/access && stat -Lc '%a %u %g' notes.txt && cat notes.txt"
    assert world.run("ada", world.first, look) == f"440 0 100\n{SECRET['notes.txt']}"
    look = "id -u; touch /run/secrets/fairihub/access/x 2>&1; ls /run/secrets"
    uid, refused, *there = world.run("ada", world.first, look).splitlines()
    assert (uid, there) == ("1000", ["fairihub"])
    assert "Read-only" in refused


def test_a_home_stays_and_the_pod_and_its_secret_go(world: World) -> None:
    here, choice = world.first, f"{world.first.name}.{TINY}"
    world.has("bob", choice)
    before = here.find("pod", world.pod("bob", here))
    world.run("bob", here, "echo kept >/home/jovyan/file")
    world.hub.stop("bob")
    assert here.find("pod", world.pod("bob", here)) is None
    assert here.find("secret", names.server_secret("bob", here.name)) is None
    world.has("bob", choice)
    after = here.find("pod", world.pod("bob", here))
    assert before is not None
    assert after is not None
    assert before["metadata"]["uid"] != after["metadata"]["uid"]
    assert world.run("bob", here, "cat /home/jovyan/file") == "kept\n"


def test_each_team_has_a_home_of_its_own(world: World) -> None:
    """One login, from the first team to the second and back, with another profile each time."""
    first, second = world.first, world.second
    steps = [(first, TINY), (second, LARGER), (first, LARGER)]
    seen = []
    for number, (here, slug) in enumerate(steps):
        world.has("erik", f"{here.name}.{slug}")
        seen.append(world.run("erik", here, f"cd; touch {number}; echo [0-9]").split())
        (home,) = _homes(here, "erik")
        assert home["metadata"]["namespace"] == here.name
    assert seen == [["0"], ["1"], ["0", "2"]]


def _homes(here: Namespace, login: str) -> list[Object]:
    claims = here.every("pvc", f"{names.HUB_USERNAME}={names.label_value(login)}")
    return [claim for claim in claims if claim["metadata"]["name"].startswith("home-")]


def test_a_home_is_never_made_smaller(world: World) -> None:
    here = world.first
    world.has("carl", f"{here.name}.{TINY}")
    (before,) = _homes(here, "carl")
    world.has("carl", f"{here.name}.{LARGER}")
    (after,) = _homes(here, "carl")
    assert before["spec"] == after["spec"]
    said = "Your home keeps its 20 MiB, though 10 MiB are meant: a volume is never made smaller."
    assert said in world.hub.log.read_text()
    start = world.hub.last_start("carl")
    assert start is not None
    assert [notice["message"] for notice in start["notices"]] == [said]


def test_curators_write_into_the_shared_folder_and_members_read(world: World) -> None:
    here, choice = world.first, f"{world.first.name}.{TINY}"
    for login in ("vera", "dora"):
        world.has(login, choice)
    world.run("vera", here, f"echo ours >{SHARED_FILE}")
    assert world.run("dora", here, f"cat {SHARED_FILE}") == "ours\n"
    assert "Read-only" in world.run("dora", here, f"rm -f {SHARED_FILE} 2>&1 || true")


def test_a_login_of_any_characters_has_a_server(world: World) -> None:
    here = world.first
    world.has(STRANGE, f"{here.name}.{TINY}")
    found = here.find("pod", world.pod(STRANGE, here))
    assert found is not None
    assert found["metadata"]["annotations"][names.LOGIN] == STRANGE


def test_a_pod_that_somebody_deletes_is_missed_and_leaves_no_secret(world: World) -> None:
    here = world.first
    world.has("dora", f"{here.name}.{TINY}")
    here.kubectl("delete", "pod", world.pod("dora", here), "--grace-period=1", "--wait=false")
    here.until_gone("secret", names.server_secret("dora", here.name), 20)
    assert eventually(lambda: world.hub.server("dora") is None, 15), world.hub.tail()


def test_the_volume_of_another_is_not_opened(world: World) -> None:
    here, choice = world.first, f"{world.first.name}.{TINY}"
    world.has_none("carl")
    (home,) = _homes(here, "carl")
    name = home["metadata"]["name"]
    here.kubectl("annotate", "pvc", name, "--overwrite", f"{names.LOGIN}=mallory")
    status, said = world.hub.start("carl", choice)
    assert (status, "nothing says that it is yours" in said["message"]) == (403, True), said
    assert here.find("pod", world.pod("carl", here)) is None
    here.kubectl("annotate", "pvc", name, "--overwrite", f"{names.LOGIN}=carl")
    world.has("carl", choice)


def test_nobody_chooses_an_image(world: World) -> None:
    here = world.first
    options = {"profile": f"{here.name}.{TINY}", "image": "localhost/singleuser:1"}
    status, said = world.hub.start_with("gina", options)
    assert (status, "image" in said["message"]) == (400, True)
    assert here.find("pod", world.pod("gina", here)) is None


def test_a_server_with_a_gpu_is_placed_where_the_gpu_is(cluster: Cluster, world: World) -> None:
    if os.environ.get("FAIRIHUB_TEST_CLUSTER") == "existing":
        pytest.skip("the nodes of an existing cluster are left as they are")
    here, choice = world.first, f"{world.first.name}.gpu"
    # No other test asks for such a thing, or is kept off for good.
    keep_off = {"key": GPU, "value": here.name, "effect": "PreferNoSchedule"}
    labels = {GPU_LABEL: here.name}
    with cluster.changed_node(NODE, resources={GPU: "1"}, labels=labels, taints=[keep_off]):
        world.has("gina", choice)
        placed = here.find("pod", world.pod("gina", here))
        assert placed is not None
        (container,) = placed["spec"]["containers"]
        assert container["resources"]["limits"][GPU] == "1"
        assert placed["spec"]["nodeSelector"] == labels
        tolerated = {t["key"]: t.get("operator") for t in placed["spec"]["tolerations"]}
        assert tolerated.items() >= {GPU: "Exists", "purpose": "Equal"}.items()
        assert world.run("gina", here, "echo $FAIRIHUB_GPU") == "1\n"
        world.hub.stop("gina")


@contextmanager
def _waiting_start(world: World, login: str) -> Iterator[str]:
    """The name of a pod that no node takes, while the hub is asked for its server."""
    here = world.first

    def ask() -> None:
        with suppress(OSError):  # the hub was killed meanwhile
            world.hub.start(login, f"{here.name}.gpu")

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask)
        name = world.pod(login, here)
        here.until("pod", name, lambda _: True)
        yield name
        asked.result()


def test_a_pod_that_is_deleted_while_it_waits_ends_the_start(world: World) -> None:
    with _waiting_start(world, "hugo") as name:
        world.first.kubectl("delete", "pod", name, "--force", "--grace-period=0")
        assert eventually(lambda: world.hub.server("hugo") is None, 15), world.hub.tail()
    start = world.hub.last_start("hugo")
    assert start is not None
    assert (start["state"], start["diagnosis"]["code"]) == ("failed", "pod-deleted")


def test_a_start_that_the_next_hub_takes_up_is_cancelled(world: World) -> None:
    here = world.first
    with _waiting_start(world, "ivan") as name:
        world.hub.end(signal.SIGKILL)
    world.hub.run()
    start, server = world.hub.last_start("ivan"), world.hub.server("ivan")
    assert start is not None
    assert server is not None
    assert (start["state"], server["pending"]) == ("starting", "spawn")
    world.hub.stop("ivan")
    assert here.find("pod", name) is None
    assert here.find("secret", names.server_secret("ivan", here.name)) is None
    start = world.hub.last_start("ivan")
    assert start is not None
    assert (start["state"], start["diagnosis"]["code"]) == ("failed", "start-cancelled")
