"""From an offer to all that a server's pod is given: what the profile decides, and nothing else.

Every text in a plan is meant literally, and no value of a secret is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fairihub_core.equipment import BucketAccess, environment_of
from fairihub_core.offers import Offer
from fairihub_core.starts import Notice, notice
from fairihub_spawner.drive import BUCKET, BUCKET_FOLDER
from fairihub_spawner.kube import names, secrets, volumes
from fairihub_spawner.kube.nodes import Nodes, extra_resources, nodes_for
from fairihub_spawner.kube.secrets import Reference
from fairihub_spawner.kube.settings import BucketCsi, KubeSettings, is_pinned

_TOKENS = (secrets.TOKEN, "JPY_API_TOKEN")
"""JupyterHub names its token twice."""

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class ServerPlan:
    """A server as it is to be; manifests as Kubernetes has them."""

    offer: Offer
    """Whose namespace, memory and CPU the server has."""
    pod_name: str
    server_secret: str
    image: str
    nodes: Nodes
    extra_resources: Mapping[str, int] = field(default_factory=dict)
    """GPUs, by what the cluster calls them; guaranteed and limited alike."""
    claims: tuple[Manifest, ...] = ()
    """What must be there before the pod: the home first, then the shared volume."""
    volumes: tuple[Manifest, ...] = ()
    volume_mounts: tuple[Manifest, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, Reference] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    """What the owner is to know, though the server starts."""

    @property
    def namespace(self) -> str:
        return self.offer.team.namespace

    @property
    def claim_names(self) -> tuple[str, ...]:
        return tuple(str(claim["metadata"]["name"]) for claim in self.claims)

    @property
    def home_claim(self) -> str:
        return str(self.claims[0]["metadata"]["name"])


def plan_for(
    offer: Offer,
    login: str,
    curator: bool,
    settings: KubeSettings,
    bucket: BucketAccess | None,
    *,
    secret_keys: Mapping[str, Sequence[str]],
) -> ServerPlan:
    """The plan of a server of `login` with the profile of `offer`.

    Args:
        curator: whether `login` may write into the team's shared volume.
        bucket: None if the profile has none, or none that is its team's.
        secret_keys: the keys of each Secret that the profile names, as `keys_of` gives them.

    Raises:
        Refused: `no-secret`, `bad-secret`, `bad-gpu-resource`, `unusable-node-purpose`.
    """
    secret = names.server_secret(login, offer.team.name)
    claims = volumes.claims_for(offer, login, settings)
    env, secret_env = _environment(offer, bucket, secret, settings)
    shown, mounts = _volumes(offer, claims, curator, bucket, secret, settings)
    return ServerPlan(
        offer=offer,
        pod_name=names.pod_name(login, offer.team.name),
        server_secret=secret,
        image=offer.profile.image or settings.image,
        nodes=nodes_for(offer.profile, settings),
        extra_resources=extra_resources(offer),
        claims=claims,
        volumes=shown,
        volume_mounts=mounts,
        env=env,
        secret_env=_without(env, {**secrets.variables_of(offer, secret_keys), **secret_env}),
        labels=names.labels_of(login, offer, settings.hub),
        annotations=names.annotations_of(login, offer),
        notices=_notices(offer, bucket),
    )


def _environment(
    offer: Offer, bucket: BucketAccess | None, secret: str, settings: KubeSettings
) -> tuple[dict[str, str], dict[str, Reference]]:
    """What is plain in the environment, and what is by reference to the server's Secret."""
    # Stand-ins go the way of the real values, so that none of these can end up in a plan.
    parts = {"\0key": secrets.BUCKET_KEY, "\0secret": secrets.BUCKET_SECRET}
    standing_in = bucket and replace(bucket, key="\0key", secret="\0secret")  # noqa: S106
    said = environment_of(offer, standing_in, {})
    plain = {name: value for name, value in said.items() if value not in parts}
    by_reference = {name: (secret, parts[v]) for name, v in said.items() if v in parts}
    return (
        {**plain, **_of_bucket(offer, bucket, settings), "HOME": settings.home},
        {**by_reference, **dict.fromkeys(_TOKENS, (secret, secrets.TOKEN))},
    )


def _of_bucket(offer: Offer, bucket: BucketAccess | None, settings: KubeSettings) -> dict[str, str]:
    name = offer.profile.s3_bucket_name
    if bucket is None or name is None:
        return {}
    folder = {} if settings.bucket_csi is None else {BUCKET_FOLDER: f"{settings.home}/s3"}
    return {BUCKET: name, **folder}


def _volumes(
    offer: Offer,
    claims: Sequence[Manifest],
    curator: bool,
    bucket: BucketAccess | None,
    secret: str,
    settings: KubeSettings,
) -> tuple[tuple[Manifest, ...], tuple[Manifest, ...]]:
    """The volumes of the pod, and where the server finds them; the home comes first."""
    at = settings.home
    home, *shared = (str(claim["metadata"]["name"]) for claim in claims)
    files, file_mounts = secrets.files_of(offer.profile.secret_names)
    shown: list[Manifest] = [_claimed("home", home)]
    mounts: list[Manifest] = [{"name": "home", "mountPath": at}]
    for claim in shared:
        shown.append(_claimed("shared", claim))
        mounts.append({"name": "shared", "mountPath": f"{at}/shared", "readOnly": not curator})
    if bucket is not None and settings.bucket_csi is not None and offer.profile.s3_bucket_name:
        shown.append(_bucket_volume(offer, bucket, secret, settings.bucket_csi))
        mounts.append({"name": "bucket", "mountPath": f"{at}/s3"})
    return (*shown, *files), (*mounts, *file_mounts)


def _claimed(volume: str, claim: str) -> Manifest:
    return {"name": volume, "persistentVolumeClaim": {"claimName": claim}}


def _bucket_volume(offer: Offer, bucket: BucketAccess, secret: str, csi: BucketCsi) -> Manifest:
    """The bucket as a volume of the cluster's driver, which is given the server's Secret."""
    known = {
        "{bucket}": str(offer.profile.s3_bucket_name),
        "{team}": offer.team.name,
        "{endpoint}": bucket.endpoint,
        "{region}": bucket.region,
    }
    if csi.claim:
        return _claimed("bucket", _put_in(csi.claim, known))
    attributes = {key: _put_in(value, known) for key, value in csi.attributes.items()}
    return {
        "name": "bucket",
        "csi": {
            "driver": csi.driver,
            "volumeAttributes": attributes,
            "nodePublishSecretRef": {"name": secret},
        },
    }


def _put_in(template: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        template = template.replace(name, value)
    return template


def _without(env: Mapping[str, str], others: Mapping[str, Reference]) -> dict[str, Reference]:
    """`others` without those that `env` says: a team's secret never overrides what we say."""
    return {name: reference for name, reference in others.items() if name not in env}


def _notices(offer: Offer, bucket: BucketAccess | None) -> tuple[Notice, ...]:
    profile = offer.profile
    found = []
    if profile.s3_bucket_name and bucket is None:
        found.append(notice("bucket-without-key", bucket=profile.s3_bucket_name))
    if profile.image and not is_pinned(profile.image):
        found.append(notice("image-not-pinned", image=profile.image))
    return tuple(found)
