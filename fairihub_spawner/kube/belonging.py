"""Whose a namespace and a bucket are, where a cluster has more of them than the team files name."""

from __future__ import annotations

from collections.abc import Mapping

from fairihub_core.errors import Missing, Refused
from fairihub_core.offers import Offer
from fairihub_core.teams import Team, TeamDirectory
from fairihub_spawner.kube.settings import KubeSettings


def check_namespace(
    team: Team,
    directory: TeamDirectory,
    settings: KubeSettings,
    labels: Mapping[str, str] | None,
) -> None:
    """Lets pass a namespace that is the team's.

    The reader of team files refuses two files with one namespace, and those of Kubernetes itself.
    This asks again of the directory of this moment, and asks the cluster, where a namespace may
    be somebody's whom no team file knows.

    Args:
        labels: of the namespace; None if the cluster has none of that name.

    Raises:
        Refused: `protected-namespace`, `namespace-of-another`, `namespace-unlabelled`.
        Missing: `namespace-missing`.
    """
    namespace = team.namespace
    if namespace.startswith("kube-") or namespace in settings.protected_namespaces:
        raise Refused(
            "protected-namespace",
            f"The file of team “{team.name}” names the namespace “{namespace}”, which is no "
            "team's. Ask the operator of the hub to name another.",
        )
    first = next((t for t in directory.teams if t.namespace == namespace), team)
    if first.name != team.name:
        raise _of_another(team)
    _check_labels(team, settings, labels)


def bucket_owner(bucket: str, directory: TeamDirectory, settings: KubeSettings) -> str | None:
    """The team of a bucket: the one that the settings say, else the first whose file names it."""
    said = settings.bucket_owners.get(bucket)
    if said is not None:
        return said
    return next((t.name for t in directory.teams if bucket in t.buckets), None)


def check_bucket(offer: Offer, directory: TeamDirectory, settings: KubeSettings) -> None:
    """Lets pass a profile without a bucket, or with one of its team.

    Raises:
        Refused: `bucket-of-another`.
    """
    bucket = offer.profile.s3_bucket_name
    if bucket is None or bucket_owner(bucket, directory, settings) == offer.team.name:
        return
    raise Refused(
        "bucket-of-another",
        f"Profile “{offer.name}” names the bucket “{bucket}”, which is another team's. "
        "Ask the operator of the hub.",
    )


def _check_labels(team: Team, settings: KubeSettings, labels: Mapping[str, str] | None) -> None:
    namespace, label = team.namespace, settings.namespace_owner_label
    if labels is None:
        raise Missing(
            "namespace-missing",
            f"The cluster has no namespace “{namespace}”, which the file of team “{team.name}” "
            f"names. Ask the operator of the hub: `kubectl create namespace {namespace}`, then "
            f"`kubectl label namespace {namespace} {label}={team.name}`.",
            namespace=namespace,
        )
    if label not in labels and settings.require_namespace_label:
        raise Refused(
            "namespace-unlabelled",
            f"Nothing says that the namespace “{namespace}” is that of team “{team.name}”. If it "
            "is, the operator of the hub says so: "
            f"`kubectl label namespace {namespace} {label}={team.name}`.",
            namespace=namespace,
        )
    if labels.get(label, team.name) != team.name:
        raise _of_another(team)


def _of_another(team: Team) -> Refused:
    return Refused(
        "namespace-of-another",
        f"The file of team “{team.name}” names the namespace “{team.namespace}”, which belongs "
        "to somebody else. Ask the operator of the hub to name another.",
    )
