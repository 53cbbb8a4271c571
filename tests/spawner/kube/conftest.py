"""An offer in a few words, Kubernetes' own rules for what it is told, and a hub beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from fairihub_core.offers import Offer
from fairihub_core.teams import Member, Profile, Team
from fairihub_spawner.kube.settings import KubeSettings
from tests.spawner.conftest import team
from tests.support.kube_hub import KubeHub
from tests.support.standin_kube import Kubelet, StandinKube
from tests.support.waiting import eventually

from .scene import PEOPLE, TEAM, Scene

# Written down again from the documentation of Kubernetes, apart from the code under test.
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", re.ASCII)


def offer(team: str = "uc4", profile: str = "small", **special: Any) -> Offer:
    """What one team offers; what is special is said of the profile, `storage_of_team` of it."""
    storage = special.pop("storage_of_team", None)
    equipped = Profile(slug=profile, **{"display_name": profile.title(), **special})
    members = (Member(login="ada", role="admin"), Member(login="grace"))
    described = Team(
        name=team, namespace=f"ns-{team}", members=members, profiles=(equipped,), storage=storage
    )
    return Offer(described, equipped)


def settings(**said: Any) -> KubeSettings:
    return KubeSettings.model_validate({"image": "registry/lab:1", **said})


def is_name(text: str) -> bool:
    return len(text) <= 63 and DNS_LABEL.fullmatch(text) is not None


def check_labels(labels: Mapping[str, str]) -> None:
    for key, value in labels.items():
        prefix, _, name = key.rpartition("/")
        assert len(prefix) <= 253
        assert all(map(is_name, prefix.split("."))) or not prefix, key
        assert 0 < len(name) <= 63
        assert LABEL_VALUE.fullmatch(name), key
        assert len(value) <= 63, value
        assert LABEL_VALUE.fullmatch(value), (key, value)


@pytest.fixture(scope="module")
def _scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("hub")
    with StandinKube() as kube, Kubelet(kube) as kubelet:
        kube.put("namespaces", {"metadata": {"name": TEAM, "labels": {"fairihub.io/team": TEAM}}})
        traits = {"port": kubelet.port, "poll_interval": 1, "delete_grace_period": 0}
        config = kube.kubeconfig(folder / "kubeconfig")
        hub = KubeHub(folder, "127.0.0.1", config, traits=traits, patience=4, gone=6)
        hub.teams_are(team(TEAM, " ".join(PEOPLE), small={}, lost={"secret_names": ("nowhere",)}))
        hub.run()
        yield Scene(hub, kube, kubelet)
        hub.end()


@pytest.fixture
def scene(_scene: Scene) -> Iterator[Scene]:
    yield _scene
    _scene.kubelet.lets_run = lambda pod: True
    _scene.kube.behave()
    for login in PEOPLE:
        if _scene.pods_of(login):
            _scene.hub.call("DELETE", f"/hub/api/users/{quote(login)}/server")
    left = eventually(lambda: not (_scene.kube.all("pods") or _scene.kube.all("secrets")))
    assert left, (_scene.kube.all("pods"), _scene.hub.tail())
