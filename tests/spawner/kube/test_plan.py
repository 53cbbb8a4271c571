from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import kubespawner.spawner
import pytest
from kubespawner import KubeSpawner

from fairihub_core.equipment import BucketAccess, environment_of
from fairihub_core.errors import Refused
from fairihub_core.offers import Offer
from fairihub_core.starts import notice
from fairihub_spawner.kube import names
from fairihub_spawner.kube.plan import ServerPlan, plan_for
from fairihub_spawner.kube.settings import KubeSettings
from fairihub_spawner.kube.traits import literal, literal_env, traits_of

from .conftest import check_labels, is_name, offer, settings

BUCKET = BucketAccess("https://s3.example.org", "canary-key", "canary-secret", "eu")
KEYS = {"qhub": ["A", "S3_USER_STORAGE_KEY", "HOME", "MEM_LIMIT"]}
CSI = {"driver": "s3.csi", "attributes": {"bucketName": "{bucket}", "of": "{team}-{other}"}}
LARGE = offer(
    "uc4",
    "large",
    display_name="Large {0} $(JUPYTERHUB_API_TOKEN)",
    node_purpose="useruc4",
    mem_guarantee=28 * 1024**3,
    mem_limit=30 * 1024**3,
    cpu_guarantee=7.0,
    cpu_limit=7.5,
    gpu=1,
    s3_bucket_name="hub-uc4",
    secret_names=("qhub",),
    image="registry/lab:7",
)


def plan(given: Offer = LARGE, login: str = "ada", **more: Any) -> ServerPlan:
    said = more.pop("settings", settings())
    curator, bucket = more.pop("curator", False), more.pop("bucket", BUCKET)
    return plan_for(given, login, curator, said, bucket, **{"secret_keys": KEYS, **more})


def named(found: Any, name: str) -> Any:
    return next((dict(item) for item in found if item["name"] == name), None)


def test_size_image_and_place_are_the_profiles() -> None:
    made = plan()
    assert made.extra_resources == {"nvidia.com/gpu": 1}
    assert made.image == "registry/lab:7"
    assert made.namespace == "ns-uc4"
    assert made.nodes.node_selector == {"hub.jupyter.org/node-purpose": "useruc4"}
    assert plan(offer(), settings=settings(image="registry/usual:2")).image == "registry/usual:2"


@pytest.mark.parametrize("curator", [True, False])
def test_only_curators_write_into_the_shared_folder(curator: bool) -> None:
    made = plan(curator=curator)
    mount = named(made.volume_mounts, "shared")
    assert mount == {"name": "shared", "mountPath": "/home/jovyan/shared", "readOnly": not curator}
    claim = named(made.volumes, "shared")["persistentVolumeClaim"]["claimName"]
    assert claim == names.shared_claim("uc4")


def test_without_a_shared_volume() -> None:
    made = plan(settings=settings(shared_storage=0))
    assert len(made.claims) == 1
    assert named(made.volumes, "shared") is None


def test_the_home_follows_the_team_there_and_back() -> None:
    a, b, again = (plan(offer(team)).home_claim for team in "aba")
    assert a == again != b
    assert named(plan().volumes, "home")["persistentVolumeClaim"]["claimName"] == plan().home_claim


def test_a_bucket_is_a_drive_where_no_driver_is_named() -> None:
    made = plan()
    assert named(made.volumes, "bucket") is None
    assert made.env["FAIRIHUB_BUCKET"] == made.env["S3_USER_STORAGE_BUCKET"] == "hub-uc4"
    assert "FAIRIHUB_BUCKET_FOLDER" not in made.env
    assert made.env["AWS_ENDPOINT_URL_S3"] == "https://s3.example.org"
    assert made.secret_env["AWS_ACCESS_KEY_ID"] == (made.server_secret, "bucket-key")
    assert made.secret_env["S3_USER_STORAGE_SECRET"] == (made.server_secret, "bucket-secret")


def test_a_bucket_is_a_volume_of_the_driver_that_is_named() -> None:
    made = plan(settings=settings(bucket_csi=CSI))
    assert named(made.volumes, "bucket")["csi"] == {
        "driver": "s3.csi",
        "volumeAttributes": {"bucketName": "hub-uc4", "of": "uc4-{other}"},
        "nodePublishSecretRef": {"name": made.server_secret},
    }
    assert named(made.volume_mounts, "bucket")["mountPath"] == "/home/jovyan/s3"
    assert made.env["FAIRIHUB_BUCKET_FOLDER"] == "/home/jovyan/s3"
    assert made.env["FAIRIHUB_BUCKET"] == "hub-uc4"


def test_a_bucket_is_a_claim_that_the_operator_made() -> None:
    made = plan(settings=settings(bucket_csi={"claim": "bucket-{bucket}"}))
    assert named(made.volumes, "bucket")["persistentVolumeClaim"]["claimName"] == "bucket-hub-uc4"


def test_a_bucket_without_a_key_is_left_out_and_said() -> None:
    made = plan(bucket=None, settings=settings(bucket_csi=CSI))
    assert named(made.volumes, "bucket") is None
    assert "FAIRIHUB_BUCKET" not in made.env
    assert made.notices == (notice("bucket-without-key", bucket="hub-uc4"),)
    assert plan(offer()).notices == ()


def test_an_image_that_may_change_is_said() -> None:
    assert plan(offer(image="lab")).notices == (notice("image-not-pinned", image="lab"),)


def test_the_environment_is_that_of_every_engine() -> None:
    made = plan()
    given = environment_of(LARGE, BUCKET, {})
    assert given.keys() <= made.env.keys() | made.secret_env.keys()
    assert {k: v for k, v in made.env.items() if k in given} == {
        k: v for k, v in given.items() if "canary" not in v
    }


def test_a_secret_overrides_nothing_that_is_ours() -> None:
    made = plan()
    assert made.secret_env["A"] == ("qhub", "A")
    assert made.secret_env["S3_USER_STORAGE_KEY"] == (made.server_secret, "bucket-key")
    assert made.env["MEM_LIMIT"] == str(30 * 1024**3)
    assert made.env["HOME"] == "/home/jovyan"
    assert not made.env.keys() & made.secret_env.keys()


def test_a_plan_holds_no_secret() -> None:
    assert "canary" not in repr(plan(settings=settings(bucket_csi=CSI)))


async def test_what_is_literal_comes_out_as_it_is(spawner: KubeSpawner) -> None:
    odd = ["plain", "{", "}", "{}", "{username}", "{{x}}", "{0!r:>{width}}", "a-", "{-", "", "%s"]
    for value in (*odd, odd, {"{k}": [{"a": odd, "b": 1}], "c": None}, "ä{🦉}", True, 0.5):
        assert spawner._expand_all(literal(value)) == value


@pytest.mark.parametrize("value", ["$(PATH)", "$", "$$", "$$(A)", "a$(", "100 $", "$$$(X)"])
def test_no_variable_is_put_into_another(value: str) -> None:
    assert kubernetes_expands(literal_env(value), {"PATH": "put-in", "A": "a", "X": "x"}) == value


def kubernetes_expands(text: str, variables: dict[str, str]) -> str:
    """As `third_party/forked/golang/expansion` of Kubernetes does it."""
    out, at = "", 0
    while at < len(text):
        after = text[at + 1 : at + 2]
        close = text.find(")", at)
        if text[at] != "$" or not after:
            out, at = out + text[at], at + 1
        elif after == "$":
            out, at = out + "$", at + 2
        elif after == "(" and close > 0:
            name = text[at + 2 : close]
            out, at = out + variables.get(name, f"$({name})"), close + 1
        else:
            out, at = out + "$" + after, at + 2
    return out


@pytest.fixture
async def spawner(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeSpawner]:
    """KubeSpawner itself, without a cluster."""
    monkeypatch.setattr(kubespawner.spawner, "load_config", lambda **_: None)
    made = KubeSpawner(_mock=True, api_token="canary-token", cmd=["serve"])
    made.user.name = "ada {x}"
    yield made
    await made.api.api_client.close()


async def manifest(spawner: KubeSpawner, made: ServerPlan, said: KubeSettings) -> dict[str, Any]:
    """The pod that KubeSpawner makes of a plan."""
    for trait, value in traits_of(made, said).items():
        assert spawner.has_trait(trait) or hasattr(spawner, trait), trait
        setattr(spawner, trait, value)
    pod = await spawner.get_pod_manifest()
    answer: dict[str, Any] = spawner.api.api_client.sanitize_for_serialization(pod)
    return answer


async def test_the_pod_that_becomes_of_it(spawner: KubeSpawner) -> None:
    said = settings(image_pull_secrets=["registry"])
    pod = await manifest(spawner, plan(), said)
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert pod["metadata"]["name"] == plan().pod_name
    assert container["image"] == "registry/lab:7"
    assert container["resources"] == {
        "requests": {"cpu": 7.0, "memory": 28 * 1024**3, "nvidia.com/gpu": "1"},
        "limits": {"cpu": 7.5, "memory": 30 * 1024**3, "nvidia.com/gpu": "1"},
    }
    assert spec["nodeSelector"] == {"hub.jupyter.org/node-purpose": "useruc4"}
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert {v["name"] for v in spec["volumes"]} == {"home", "shared", "secret-0"}
    check_labels(pod["metadata"]["labels"])
    assert pod["metadata"]["annotations"]["fairihub.io/login"] == "ada"


async def test_no_secret_is_in_the_pod(spawner: KubeSpawner) -> None:
    pod = await manifest(spawner, plan(settings=settings(bucket_csi=CSI)), settings())
    assert "canary" not in json.dumps(pod)
    env = {entry["name"]: entry for entry in pod["spec"]["containers"][0]["env"]}
    for name in ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"):
        reference = env[name]["valueFrom"]["secretKeyRef"]
        assert reference == {"name": plan().server_secret, "key": "JUPYTERHUB_API_TOKEN"}


async def test_restricted_admits_the_pod(spawner: KubeSpawner) -> None:
    """Whatever else the configuration tells KubeSpawner."""
    spawner.privileged = spawner.allow_privilege_escalation = True
    spawner.service_account, spawner.automount_service_account_token = "strong", True
    spec = (await manifest(spawner, plan(settings=settings(bucket_csi=CSI)), settings()))["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "runAsGroup": 100,
        "fsGroup": 100,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = spec["containers"]
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["runAsNonRoot"] is True
    assert context["privileged"] is False
    kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"persistentVolumeClaim", "secret", "csi"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))


@pytest.mark.parametrize("odd", ["{", "{login}", "}}{", "$(HOME)", "{0.__class__}"])
async def test_braces_and_dollars_break_nothing(odd: str, spawner: KubeSpawner) -> None:
    given = offer("uc4", "small", display_name=odd, image=f"lab:1{odd}", s3_bucket_name=odd)
    csi = {"driver": "s3", "attributes": {odd: odd, "b": "{bucket}"}}
    said = settings(bucket_csi=csi)
    made = plan(given, f"ada{odd}", settings=said)
    pod = await manifest(spawner, made, said)
    env = {e["name"]: e.get("value", "") for e in pod["spec"]["containers"][0]["env"]}
    assert kubernetes_expands(env["FAIRIHUB_BUCKET"], {"HOME": "x"}) == odd
    attributes = named(pod["spec"]["volumes"], "bucket")["csi"]["volumeAttributes"]
    assert attributes == {odd: odd, "b": odd}
    assert pod["metadata"]["annotations"]["fairihub.io/login"] == f"ada{odd}"
    check_labels(pod["metadata"]["labels"])


@pytest.mark.parametrize("login", ["Ada", "ada@example.org", "007", "a--b", "日本語", "x" * 300])
async def test_a_pod_for_every_login(login: str, spawner: KubeSpawner) -> None:
    spawner.user = SimpleNamespace(name=login, id=1, url="/user/x/")
    pod = await manifest(spawner, plan(login=login), settings())
    assert is_name(pod["metadata"]["name"])
    check_labels(pod["metadata"]["labels"])


def test_a_plan_for_a_secret_that_is_not_there() -> None:
    with pytest.raises(Refused, match="has no Secret “qhub”"):
        plan(secret_keys={})
