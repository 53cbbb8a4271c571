"""An offer in a few words, and Kubernetes' own rules for what it is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fairihub_core.offers import Offer
from fairihub_core.teams import Member, Profile, Team
from fairihub_spawner.kube.settings import KubeSettings

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
