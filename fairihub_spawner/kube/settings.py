"""What an operator says of the cluster: the block `kubernetes:` of fairihub.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    model_validator,
)

from fairihub_core.cluster_names import DNS_LABEL, OBJECT, is_image
from fairihub_core.quantities import Bytes

GIB = 1024**3
_LABEL_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?"
_LABEL_PREFIX = rf"(?=[^/]{{1,253}}/){DNS_LABEL}(?:\.{DNS_LABEL})*/"
_LABEL_KEY = rf"(?:{_LABEL_PREFIX})?[A-Za-z0-9](?:[A-Za-z0-9_.-]{{0,61}}[A-Za-z0-9])?"
_PATH = r"(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){1,8}"


def _matching(pattern: str, what: str) -> AfterValidator:
    """pydantic's own patterns know no look-ahead, and `$` there lets a line break pass."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(f"“{value[:80]}” is no {what}")
        return value

    return AfterValidator(check)


LabelKey = Annotated[str, _matching(_LABEL_KEY, "key of a label")]
LabelValue = Annotated[str, _matching(_LABEL_VALUE, "value of a label")]
Namespace = Annotated[str, _matching(DNS_LABEL, "name of a namespace")]
ObjectName = Annotated[str, _matching(OBJECT, "name of an object of Kubernetes")]
AbsolutePath = Annotated[str, _matching(_PATH, "absolute path of plain names")]
Host = Annotated[str, _matching(r"[A-Za-z0-9]?[A-Za-z0-9.:-]{0,252}", "host or IP address")]
Port = Annotated[int, Field(ge=1, le=65535)]
# More than root's are wanted: `restricted` admits no user 0.
UserId = Annotated[int, Field(ge=1, le=2**31 - 1)]


def is_label_value(text: str) -> bool:
    """Whether Kubernetes takes `text` for the value of a label."""
    return re.fullmatch(_LABEL_VALUE, text, re.ASCII) is not None


def is_pinned(image: str) -> bool:
    """Whether `image` means the same tomorrow: it has a digest, or a tag that is not `latest`."""
    if "@" in image:
        return re.fullmatch(r"[^@]+@[a-z0-9]+:[0-9a-f]{32,}", image) is not None
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag not in ("", "latest")


def _pinned(image: str) -> str:
    if not is_image(image):
        raise ValueError(f"“{image[:80]}” is no name of an image")
    if not is_pinned(image):
        raise ValueError("give the image a tag other than `latest`, or a digest")
    return image


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Toleration(_Block):
    """A taint of nodes that servers are let through."""

    key: str = Field("", max_length=317, description="The taint's key; every taint if empty.")
    operator: Literal["Exists", "Equal"] = Field("Equal", description="How the value counts.")
    value: str = Field("", max_length=63, description="The taint's value, with `Equal`.")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        "", description="The taint's effect; every effect if empty."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Toleration:
        if self.operator == "Exists" and self.value:
            raise ValueError("a toleration with `Exists` has no value")
        if self.operator == "Equal" and not self.key:
            raise ValueError("a toleration without a key is written with `operator: Exists`")
        return self

    def manifest(self) -> dict[str, str]:
        """As Kubernetes has it, without what is empty."""
        return {key: value for key, value in self.model_dump().items() if value}


class NodePurpose(_Block):
    """On which nodes the servers of one node purpose run."""

    selector: Mapping[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels that a node must have; any node if empty."
    )
    required: bool = Field(
        True, description="If false, other nodes serve where none of these has room."
    )
    tolerations: tuple[Toleration, ...] = Field((), description="Taints that are let through.")


AccessPart = Literal["key", "secret", "endpoint", "region"]
_USUAL_KEYS: dict[str, AccessPart] = {
    "accessKeyID": "key",
    "secretAccessKey": "secret",
    "endpoint": "endpoint",
    "region": "region",
}


class BucketCsi(_Block):
    """The CSI driver that shows a bucket as a folder: within the pod, or as a claim made before."""

    driver: str = Field(
        "", max_length=63, description="The driver's name, for a volume within the pod."
    )
    attributes: Mapping[str, str] = Field(
        default_factory=dict,
        description="Volume attributes; `{bucket}`, `{team}`, `{endpoint}`, `{region}` are put in.",
    )
    secret_keys: Mapping[
        Annotated[str, _matching(r"[A-Za-z0-9._-]{1,253}", "key of a Secret")], AccessPart
    ] = Field(
        default_factory=lambda: dict(_USUAL_KEYS),
        description="What the driver calls the parts of the access, in the Secret it is given.",
    )
    claim: str = Field(
        "",
        max_length=253,
        description="For drivers without volumes within pods: the claim in the team's namespace, "
        "as `bucket-{bucket}`. The operator makes it.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> BucketCsi:
        if bool(self.driver) == bool(self.claim):
            raise ValueError("name either a `driver` or a `claim`")
        return self


class KubeSettings(_Block):
    """Servers on Kubernetes. What a profile says of a server comes from the team file, not here."""

    hub: LabelValue = Field(
        "fairihub",
        min_length=1,
        description="The hub's name in labels. Two hubs in one cluster need two names: "
        "each looks after what bears its own.",
    )
    reach: Host = Field(
        "", description="Host or IP address under which pods reach the hub, such as 10.244.0.1."
    )
    hub_port: Port = Field(
        8081, description="The port of `reach` where servers find the hub, as long as they run."
    )
    s3_port: Port = Field(
        8082, description="The port of `reach` where servers find the team's bucket."
    )
    cluster_wide: bool = Field(
        True,
        description="One watch over all namespaces, which needs a ClusterRole; "
        "else one per namespace.",
    )

    image: Annotated[str, AfterValidator(_pinned)] = Field(
        max_length=1000,
        description="The image for profiles that name none, with a tag or digest. "
        "It contains JupyterLab and this fairihub.",
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        "IfNotPresent", description="When nodes ask the registry."
    )
    image_pull_secrets: tuple[ObjectName, ...] = Field(
        (), description="Secrets for the registry, in every team's namespace."
    )

    node_purpose_label: LabelKey = Field(
        "hub.jupyter.org/node-purpose",
        description="The label of nodes that a purpose is looked for in, unless it is listed.",
    )
    node_purposes: Mapping[str, NodePurpose] = Field(
        default_factory=dict, description="Which nodes each node purpose of the team files means."
    )
    gpu_tolerations: Mapping[str, tuple[Toleration, ...]] = Field(
        default_factory=dict,
        description="Taints that servers with this GPU resource are let through; "
        "if not listed, every taint whose key is the resource's name.",
    )

    home: AbsolutePath = Field("/home/jovyan", description="Where the home is in a server.")
    storage_class: ObjectName | None = Field(
        None, description="For homes; the cluster's default if unset."
    )
    default_storage: Bytes = Field(
        10 * GIB, gt=0, description="Size of a home if neither profile nor team says one."
    )
    shared_storage: Bytes = Field(
        10 * GIB, description="Size of a team's shared volume; 0 for none."
    )
    shared_storage_class: ObjectName | None = Field(
        None, description="For shared volumes; the cluster's default if unset."
    )
    shared_access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = Field(
        "ReadWriteMany",
        description="Where no storage class can do ReadWriteMany: set `shared_storage: 0`, or "
        "ReadWriteOnce, which holds a team's servers together on one node.",
    )

    bucket_csi: BucketCsi | None = Field(
        None, description="Shows the team's bucket at `~/s3`; else it is a drive in JupyterLab."
    )
    bucket_owners: Mapping[str, str] = Field(
        default_factory=dict,
        description="The team of a bucket; else the first team file that names it has it.",
    )

    uid: UserId = Field(1000, description="The user that servers run as; never root.")
    gid: UserId = Field(100, description="Their group.")
    fs_gid: UserId = Field(100, description="The group that volumes and secrets belong to.")

    pending_seconds: PositiveInt = Field(
        600, le=24 * 3600, description="A start waits so long for a node with room."
    )
    scale_up_seconds: PositiveInt = Field(
        60,
        le=24 * 3600,
        description="Where no node is large enough, or of the kind that the profile is meant for, "
        "a start waits so long for an autoscaler to say that it adds one.",
    )
    volume_seconds: PositiveInt = Field(
        180, le=24 * 3600, description="A start waits so long for its volumes."
    )
    pull_seconds: PositiveInt = Field(
        1200, le=24 * 3600, description="A start waits so long for its image."
    )
    server_seconds: PositiveInt = Field(
        120, le=24 * 3600, description="A container that runs has so long until its server answers."
    )

    protected_namespaces: tuple[Namespace, ...] = Field(
        ("kube-system", "kube-public", "kube-node-lease", "default"),
        description="No team's, whatever a file says; nor is any `kube-…`. "
        "Add the hub's own and those of the cluster's other services.",
    )
    namespace_owner_label: LabelKey = Field(
        "fairihub.io/team", description="The label of a namespace that says which team has it."
    )
    require_namespace_label: bool = Field(
        True,
        description="Whether a namespace without that label is refused. If false, it is the "
        "team's whose file names it.",
    )
