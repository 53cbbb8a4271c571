"""Secrets of a server: the hub's own in a Secret per server, the team's by reference and as files.

No value of any of them stands in a pod's description, where everybody who may see pods reads it.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fairihub_core.cluster_names import is_team_secret
from fairihub_core.equipment import BucketAccess
from fairihub_core.errors import Refused, shortened
from fairihub_core.offers import Offer
from fairihub_core.team_secrets import MAX_BYTES, is_variable
from fairihub_spawner.kube import names
from fairihub_spawner.kube.settings import KubeSettings

Reference = tuple[str, str]
"""A Secret of the pod's namespace, and a key of it."""

TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105 - the name of a variable
"""The variable, and the key in the server's Secret, of the server's token for the hub."""
BUCKET_KEY = "bucket-key"
BUCKET_SECRET = "bucket-secret"  # noqa: S105 - the name of a key
FILES = "/run/secrets/fairihub"
"""Where a server finds the team's secrets as files: a folder per Secret, a file per key."""
_READABLE_BY_GROUP = 0o440
# Others open the cluster, or the registry, rather than something of the team's.
_TYPES = ("Opaque", "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth", "kubernetes.io/tls")


def server_secret(
    offer: Offer,
    login: str,
    settings: KubeSettings,
    *,
    token: str,
    bucket: BucketAccess | None = None,
) -> dict[str, Any]:
    """The Secret of one server: its token, and what opens the bucket. Never logged."""
    team = offer.team
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": names.server_secret(login, team.name),
            "namespace": team.namespace,
            "labels": names.labels_of(login, offer, settings.hub),
            "annotations": names.annotations_of(login, offer),
        },
        "stringData": {TOKEN: token, **_of_bucket(bucket, settings)},
    }


def owned_by(pod: Mapping[str, Any]) -> dict[str, Any]:
    """A patch by which a Secret goes when `pod` goes, whoever deletes that."""
    meta = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    return {"metadata": {"ownerReferences": [owner]}}


def keys_of(name: str, secret: Mapping[str, Any] | None, offer: Offer) -> tuple[str, ...]:
    """The keys of a team's Secret, once it is fit for a server; its values are not kept.

    Args:
        secret: as the API has it; None if the team's namespace has none of that name.

    Raises:
        Refused: `no-secret`, `bad-secret`: naming Secret and key, never what is in it.
    """
    if not is_team_secret(name):
        raise _bad(name, offer, "has a name that no team's Secret can have")
    if secret is None:
        raise _none(name, offer)
    if secret.get("type", "Opaque") not in _TYPES:
        raise _bad(name, offer, f"is of type “{shortened(str(secret['type']))}”, not for servers")
    data = secret.get("data") or {}
    for key in sorted(filter(is_variable, data)):
        problem = _problem_of(data[key])
        if problem:
            raise _bad(name, offer, f"has the key “{key}”, which {problem}")
    return tuple(sorted(data))


def values_of(secret: Mapping[str, Any]) -> list[str]:
    """The values of a Secret, only to be taken out of what is shown."""
    encoded = (secret.get("data") or {}).values()
    return [b64decode(value).decode(errors="replace") for value in encoded]


def named_in(pod: Mapping[str, Any]) -> tuple[str, ...]:
    """The Secrets that a pod reads, as variables or as files."""
    spec = pod.get("spec") or {}
    sources = [volume.get("secret") or {} for volume in spec.get("volumes") or ()]
    found = [str(source["secretName"]) for source in sources if "secretName" in source]
    for container in spec.get("containers") or ():
        for variable in container.get("env") or ():
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference:
                found.append(str(reference["name"]))
    return tuple(dict.fromkeys(found))


def variables_of(offer: Offer, secret_keys: Mapping[str, Sequence[str]]) -> dict[str, Reference]:
    """Environment variables of the team's secrets; of two of one name the last counts.

    Raises:
        Refused: `no-secret`, `bad-secret`.
    """
    found: dict[str, Reference] = {}
    for name in offer.profile.secret_names:
        if name not in secret_keys:
            raise _none(name, offer)
        if not is_team_secret(name):
            raise _bad(name, offer, "has a name that no team's Secret can have")
        found.update({key: (name, key) for key in secret_keys[name] if is_variable(key)})
    return found


def files_of(secret_names: Iterable[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes, and where they are mounted, that show each Secret as a folder of files."""
    volumes, mounts = [], []
    for number, name in enumerate(dict.fromkeys(secret_names)):
        volume = f"secret-{number}"
        source = {"secretName": name, "defaultMode": _READABLE_BY_GROUP}
        volumes.append({"name": volume, "secret": source})
        mounts.append({"name": volume, "mountPath": f"{FILES}/{name}", "readOnly": True})
    return volumes, mounts


def _of_bucket(bucket: BucketAccess | None, settings: KubeSettings) -> dict[str, str]:
    if bucket is None:
        return {}
    parts = {
        "key": bucket.key,
        "secret": bucket.secret,
        "endpoint": bucket.endpoint,
        "region": bucket.region,
    }
    csi = settings.bucket_csi
    asked = csi.secret_keys if csi is not None and csi.driver else {}
    # What a driver calls the parts never takes the place of the token.
    for_driver = {key: parts[part] for key, part in asked.items() if key != TOKEN}
    return {**for_driver, BUCKET_KEY: bucket.key, BUCKET_SECRET: bucket.secret}


def _problem_of(encoded: str) -> str | None:
    try:
        value = b64decode(encoded)
        text = value.decode()
    except (binascii.Error, ValueError):
        return "is not text"
    if "\0" in text:
        return "is not text"
    return f"is over {MAX_BYTES // 1024} KiB" if len(value) > MAX_BYTES else None


def _none(name: str, offer: Offer) -> Refused:
    return Refused(
        "no-secret",
        f"The namespace “{offer.team.namespace}” of team “{offer.team.name}” has no Secret "
        f"“{shortened(name)}”, which profile “{offer.name}” names. {_whom_to_ask(offer)}",
        secret=shortened(name),
    )


def _bad(name: str, offer: Offer, problem: str) -> Refused:
    return Refused(
        "bad-secret",
        f"The Secret “{shortened(name)}” of team “{offer.team.name}” {problem}. "
        f"{_whom_to_ask(offer)}",
        secret=shortened(name),
    )


def _whom_to_ask(offer: Offer) -> str:
    admins = ", ".join(offer.team.admins)
    return f"Ask the operator of the hub{f', or {admins} of your team' if admins else ''}."
