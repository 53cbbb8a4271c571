from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from fairihub_core.equipment import BucketAccess
from fairihub_core.errors import Refused
from fairihub_spawner.kube import names
from fairihub_spawner.kube.secrets import files_of, keys_of, owned_by, server_secret, variables_of

from .conftest import check_labels, offer, settings

BUCKET = BucketAccess("https://s3.example.org", "the-key", "the-{secret}")
HUB = offer(secret_names=("qhub",))


def of_api(data: dict[str, bytes] | None, **more: Any) -> dict[str, Any]:
    encoded = data and {key: b64encode(value).decode() for key, value in data.items()}
    return {"type": "Opaque", "metadata": {"name": "qhub"}, "data": encoded, **more}


def test_the_secret_of_a_server() -> None:
    secret = server_secret(HUB, "ada", settings(), token="{tok", bucket=BUCKET)
    assert secret["metadata"]["name"] == names.server_secret("ada", "uc4")
    assert secret["metadata"]["namespace"] == "ns-uc4"
    check_labels(secret["metadata"]["labels"])
    assert secret["stringData"] == {
        "JUPYTERHUB_API_TOKEN": "{tok",
        "bucket-key": "the-key",
        "bucket-secret": "the-{secret}",
    }
    assert set(server_secret(HUB, "ada", settings(), token="tok")["stringData"]) == {
        "JUPYTERHUB_API_TOKEN"
    }


def test_a_csi_driver_finds_the_access_under_its_own_names() -> None:
    csi = {
        "driver": "ru.yandex.s3.csi",
        "secret_keys": {"id": "key", "JUPYTERHUB_API_TOKEN": "key"},
    }
    secret = server_secret(HUB, "ada", settings(bucket_csi=csi), token="tok", bucket=BUCKET)
    assert secret["stringData"]["id"] == "the-key"
    assert secret["stringData"]["JUPYTERHUB_API_TOKEN"] == "tok"


def test_the_secret_goes_with_the_pod() -> None:
    patch = owned_by({"metadata": {"name": "jupyter-ada", "uid": "123"}})
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "jupyter-ada", "uid": "123"}
    assert patch == {"metadata": {"ownerReferences": [owner]}}


@pytest.mark.parametrize(
    ("secret", "keys"),
    [
        (of_api(None), ()),
        (of_api({}), ()),
        (of_api({"B": b"canary", "A": b""}), ("A", "B")),
        # What is no variable is a file, and a file may hold anything.
        (of_api({"key.p12": b"\xff\0", "A": b"x"}), ("A", "key.p12")),
        (of_api({"A": b"x"}, type="kubernetes.io/basic-auth"), ("A",)),
    ],
)
def test_the_keys_of_a_secret(secret: dict[str, Any], keys: tuple[str, ...]) -> None:
    assert keys_of("qhub", secret, HUB) == keys


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (None, "no-secret: The namespace “ns-uc4” of team “uc4” has no Secret “qhub”, which"),
        (
            of_api({"A": b"\xffcanary"}),
            "bad-secret: The Secret “qhub” of team “uc4” has the key “A”, which is",
        ),
        (of_api({"A": b"can\0ary"}), "which is not text."),
        (of_api({"A": b"canary" * 20_000}), "which is over 64 KiB."),
        (
            of_api({}, type="kubernetes.io/service-account-token"),
            "-account-token”, not for servers",
        ),
        (of_api({}, type="kubernetes.io/dockerconfigjson"), "not for servers"),
    ],
)
def test_a_secret_that_is_not_used(secret: dict[str, Any] | None, said: str) -> None:
    with pytest.raises(Refused) as refused:
        keys_of("qhub", secret, HUB)
    assert said in f"{refused.value.code}: {refused.value.message}"
    assert refused.value.message.endswith("Ask the operator of the hub, or ada of your team.")
    assert "canary" not in refused.value.message


@pytest.mark.parametrize("name", ["../b", "ns-b/secret", "Upper", "a_b", "x" * 254, "a..b", "a\n"])
def test_only_names_within_the_namespace_name_a_secret(name: str) -> None:
    with pytest.raises(Refused, match="has a name that no team's Secret can have"):
        keys_of(name, of_api({"A": b"x"}), offer(secret_names=(name,)))


def test_a_team_file_cannot_name_the_secret_of_a_members_server() -> None:
    name = names.server_secret("grace", "uc4")
    asking = offer(secret_names=(name,))
    with pytest.raises(Refused, match="no team's Secret can have"):
        keys_of(name, of_api({"JUPYTERHUB_API_TOKEN": b"x"}), asking)
    with pytest.raises(Refused, match="no team's Secret can have"):
        variables_of(asking, {name: ["A"]})


def test_variables_are_references_and_never_reserved() -> None:
    two = offer(secret_names=("one", "two"))
    given = {
        "one": ["A", "B", "PATH", "JUPYTERHUB_API_URL", "FAIRIHUB_TEAM", "a-b", "key.p12", "1A"],
        "two": ["B"],
    }
    assert variables_of(two, given) == {"A": ("one", "A"), "B": ("two", "B")}


def test_a_secret_whose_keys_nobody_read_is_missing() -> None:
    with pytest.raises(Refused, match="has no Secret “qhub”"):
        variables_of(HUB, {})


def test_secrets_as_files() -> None:
    volumes, mounts = files_of(["qhub", "a.b", "qhub"])
    assert volumes == [
        {"name": "secret-0", "secret": {"secretName": "qhub", "defaultMode": 0o440}},
        {"name": "secret-1", "secret": {"secretName": "a.b", "defaultMode": 0o440}},
    ]
    assert [m["mountPath"] for m in mounts] == [
        "/run/secrets/fairihub/qhub",
        "/run/secrets/fairihub/a.b",
    ]
    assert all(m["readOnly"] for m in mounts)
