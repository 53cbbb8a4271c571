from __future__ import annotations

from typing import Any

import pytest

from fairihub_core.errors import FairihubError
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.kube.belonging import bucket_owner, check_bucket, check_namespace

from .conftest import offer, settings

A, B = offer("a", s3_bucket_name="data"), offer("b", s3_bucket_name="data")
BOTH = TeamDirectory(teams=(A.team, B.team))
LABEL = "fairihub.io/team"


def refused(namespace: str, labels: dict[str, str] | None, team: str = "a", **said: Any) -> str:
    """The code with which a namespace is refused; empty if it is not."""
    named = {o.team.name: o.team.model_copy(update={"namespace": namespace}) for o in (A, B)}
    directory = TeamDirectory(teams=(named["a"], named["b"]) if team == "b" else (named["a"],))
    try:
        check_namespace(named[team], directory, settings(**said), labels)
    except FairihubError as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("namespace", "labels", "code"),
    [
        ("ns-a", {LABEL: "a"}, ""),
        ("ns-a", {LABEL: "b"}, "namespace-of-another"),
        ("ns-a", {LABEL: ""}, "namespace-of-another"),
        ("ns-a", {"kubernetes.io/metadata.name": "ns-a"}, "namespace-unlabelled"),
        ("ns-a", None, "namespace-missing"),
        ("kube-system", {LABEL: "a"}, "protected-namespace"),
        ("kube-anything", {LABEL: "a"}, "protected-namespace"),
        ("default", {LABEL: "a"}, "protected-namespace"),
        ("default", None, "protected-namespace"),
    ],
)
def test_whose_a_namespace_is(namespace: str, labels: dict[str, str] | None, code: str) -> None:
    assert refused(namespace, labels) == code


def test_what_settings_say_of_namespaces() -> None:
    assert refused("ns-a", {}, require_namespace_label=False) == ""
    assert refused("ns-a", {LABEL: "b"}, require_namespace_label=False) == "namespace-of-another"
    assert refused("ns-a", {"owner": "a"}, namespace_owner_label="owner") == ""
    assert refused("hub", {LABEL: "a"}, protected_namespaces=["hub"]) == "protected-namespace"
    assert refused("kube-system", {}, protected_namespaces=[]) == "protected-namespace"


def test_of_two_files_that_name_a_namespace_the_first_has_it() -> None:
    assert refused("ns-a", {LABEL: "b"}, team="b") == "namespace-of-another"


def test_whose_a_bucket_is() -> None:
    assert bucket_owner("data", BOTH, settings()) == "a"
    assert bucket_owner("data", BOTH, settings(bucket_owners={"data": "b"})) == "b"
    assert bucket_owner("other", BOTH, settings()) is None
    check_bucket(A, BOTH, settings())
    check_bucket(offer("c"), BOTH, settings())
    check_bucket(B, BOTH, settings(bucket_owners={"data": "b"}))
    for asking, said in ((B, settings()), (A, settings(bucket_owners={"data": "gone"}))):
        with pytest.raises(FairihubError) as error:
            check_bucket(asking, BOTH, said)
        assert error.value.code == "bucket-of-another"
