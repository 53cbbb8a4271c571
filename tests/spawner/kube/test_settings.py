from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from fairihub_spawner.kube.settings import KubeSettings, is_pinned

from .conftest import settings


def test_the_defaults_are_valid_and_every_setting_is_described() -> None:
    usual = settings()
    assert KubeSettings.model_validate(usual.model_dump()) == usual
    properties = KubeSettings.model_json_schema()["properties"]
    assert [name for name, said in properties.items() if not said.get("description")] == []


@pytest.mark.parametrize(
    "said",
    [
        {"image": None},
        {"image": "lab"},
        {"image": "lab:latest"},
        {"image": "registry:5000/lab"},
        {"image": "lab@sha256:abc"},
        {"image": "LOCALHOST//bad image:1"},
        {"uid": 0},
        {"gid": 0},
        {"reach": "http://10.0.0.1"},
        {"reach": "hub\n"},
        {"hub": ""},
        {"hub": "two words"},
        {"home": "home"},
        {"home": "/home/../etc"},
        {"home": "/"},
        {"default_storage": 0},
        {"default_storage": "10 apples"},
        {"shared_storage": -1},
        {"node_purpose_label": "not a label"},
        {"node_purpose_label": "/x"},
        {"node_purpose_label": "Upper.io/x"},
        {"node_purposes": {"gpu": {"selector": {"pool": "a b"}}}},
        {"node_purposes": {"gpu": {"tolerations": [{"operator": "Exists", "value": "x"}]}}},
        {"node_purposes": {"gpu": {"tolerations": [{"value": "x"}]}}},
        {"bucket_csi": {}},
        {"bucket_csi": {"driver": "a", "claim": "b"}},
        {"bucket_csi": {"driver": "a", "secret_keys": {"x": "password"}}},
        {"protected_namespaces": ["Not_One"]},
        {"image_pull_secrets": ["a/b"]},
        {"pending_seconds": 0},
        {"imgae": "lab:1"},
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**said)


def test_sizes_are_written_as_people_write_them() -> None:
    assert settings(default_storage="20Gi").default_storage == 20 * 1024**3
    assert settings(shared_storage="1T", reach="10.244.0.1").shared_storage == 10**12


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("lab:1", True),
        ("registry:5000/team/lab:2025-01-01", True),
        ("lab@sha256:" + "a" * 64, True),
        ("lab:latest@sha256:" + "a" * 64, True),
        ("lab", False),
        ("registry:5000/lab", False),
        ("lab:latest", False),
        ("lab:", False),
    ],
)
def test_pinned(image: str, pinned: bool) -> None:
    assert is_pinned(image) is pinned
