from __future__ import annotations

import copy
from typing import Any

import pytest

from fairihub_core.errors import FairihubError
from fairihub_core.starts import notice
from fairihub_spawner.kube.volumes import Verdict, home_manifest, shared_manifest, verdict

from .conftest import check_labels, is_name, offer, settings

GIB = 1024**3
SMALL = offer(storage=10 * GIB)
WANTED = home_manifest(SMALL, "ada", settings())
SHARED = shared_manifest(SMALL, settings())
assert SHARED is not None


def existing(size: str | int, *, real: str | None = None, phase: str = "Bound", **meta: Any) -> Any:
    """Ada's home as the cluster has it."""
    claim = copy.deepcopy(WANTED)
    claim["spec"]["resources"]["requests"]["storage"] = str(size)
    claim["status"] = {"phase": phase, "capacity": {"storage": real or str(size)}}
    claim["metadata"].update(meta)
    return claim


@pytest.mark.parametrize(
    ("profile", "team", "default", "size"),
    [(None, None, None, 10), (None, None, 7, 7), (None, 5, 7, 5), (3, 5, 7, 3)],
)
def test_the_size_of_a_home(
    profile: int | None, team: int | None, default: int | None, size: int
) -> None:
    said = settings() if default is None else settings(default_storage=default * GIB)
    given = offer(storage=profile and profile * GIB, storage_of_team=team and team * GIB)
    claim = home_manifest(given, "ada", said)
    assert claim["spec"]["resources"]["requests"]["storage"] == str(size * GIB)


def test_the_claim_of_a_home() -> None:
    claim = home_manifest(SMALL, "Ada {x}", settings(storage_class="fast"))
    assert claim["metadata"]["namespace"] == "ns-uc4"
    assert is_name(claim["metadata"]["name"])
    assert claim["metadata"]["annotations"] == {
        "fairihub.io/login": "Ada {x}",
        "fairihub.io/team": "uc4",
    }
    check_labels(claim["metadata"]["labels"])
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": str(10 * GIB)}},
        "storageClassName": "fast",
    }
    assert "storageClassName" not in WANTED["spec"]


def test_the_home_is_the_same_with_every_profile_and_another_in_every_team() -> None:
    names = [
        home_manifest(given, "ada", settings())["metadata"]["name"]
        for given in (offer("a"), offer("b"), offer("a", "large"))
    ]
    assert names[0] == names[2] != names[1]


def test_the_shared_volume_is_nobodys_but_the_teams() -> None:
    assert SHARED is not None
    assert SHARED["metadata"]["annotations"] == {"fairihub.io/team": "uc4"}
    assert "fairihub.io/login" not in SHARED["metadata"]["labels"]
    assert SHARED["spec"]["accessModes"] == ["ReadWriteMany"]
    one_node = shared_manifest(SMALL, settings(shared_access_mode="ReadWriteOnce"))
    assert one_node is not None
    assert one_node["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert shared_manifest(SMALL, settings(shared_storage=0)) is None


GROW = {"spec": {"resources": {"requests": {"storage": str(10 * GIB)}}}}
TOO_LARGE = notice("home-not-smaller", has="20 GiB", asked="10 GiB")
TOO_SMALL = notice("home-not-larger", has="5 GiB", asked="10 GiB")


@pytest.mark.parametrize(
    ("claim", "answer"),
    [
        (existing("10Gi"), Verdict()),
        (existing(10 * GIB), Verdict()),
        # Whoever provides a volume may round it up: that is what was meant.
        (existing("5Gi", real="12Gi"), Verdict()),
        (existing("20Gi"), Verdict(notice=TOO_LARGE)),
        (existing("5Gi"), Verdict(GROW, TOO_SMALL)),
        (existing("5Gi", phase="Pending"), Verdict(notice=TOO_SMALL)),
        (existing("odd"), Verdict()),
    ],
)
def test_what_is_done_about_a_claim(claim: Any, answer: Verdict) -> None:
    assert verdict(WANTED, claim) == answer


def test_a_claim_that_was_asked_to_grow_is_not_asked_again() -> None:
    assert verdict(WANTED, existing("10Gi", real="5Gi")) == Verdict()


ANOTHERS = {"fairihub.io/login": "grace", "fairihub.io/team": "uc4"}


@pytest.mark.parametrize(
    "said",
    [
        ANOTHERS,
        {**ANOTHERS, "fairihub.io/login": "ADA"},
        {"fairihub.io/login": "ada", "fairihub.io/team": "b"},
        {"fairihub.io/team": "uc4"},
        {},
        None,
    ],
)
@pytest.mark.parametrize("phase", ["Bound", "Lost"])
def test_a_claim_that_is_anothers(said: Any, phase: str) -> None:
    with pytest.raises(FairihubError) as refused:
        verdict(WANTED, existing("10Gi", phase=phase, annotations=said))
    assert refused.value.code == "volume-of-another"
    assert "grace" not in refused.value.message


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        (existing("10Gi", deletionTimestamp="2025-01-01T00:00:00Z"), "volume-ending"),
        (existing("10Gi", phase="Lost"), "volume-lost"),
    ],
)
def test_a_claim_that_is_not_used(claim: Any, code: str) -> None:
    with pytest.raises(FairihubError) as refused:
        verdict(WANTED, claim)
    assert refused.value.code == code


def test_a_home_does_not_pass_for_the_shared_folder() -> None:
    assert SHARED is not None
    with pytest.raises(FairihubError, match="the shared folder of team “uc4”"):
        verdict(SHARED, existing("10Gi"))
