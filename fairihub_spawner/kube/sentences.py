"""What the sentences of scheduler, kubelet and registries mean: from their words to our codes.

They are meant for people and differ between versions, so each is known by a few of its words.
"""

from __future__ import annotations

import re

_GPU = re.compile(r"gpu|nvidia|amd\.com|intel\.com/(i915|xe)", re.I)
_INSUFFICIENT = re.compile(r"Insufficient ([\w.-]+(?:/[\w.-]+)?)\b")
_OUT_OF_SERVICE = re.compile(
    r"node\.kubernetes\.io/(not-ready|unreachable|unschedulable|\w+-pressure|network-unavailable"
    r"|out-of-service)|node\.cloudprovider\.kubernetes\.io|were unschedulable|were not ready"
)
_NOT_HELPFUL = re.compile(
    r"preemption: 0/(?P<nodes>\d+) nodes are available: (?P<these>\d+) Preemption is not helpful"
)
_SHORT = {
    "memory": "no-memory-free",
    "cpu": "no-cpu-free",
    "ephemeral-storage": "no-disk-free",
    "pods": "nodes-crowded",
}


def unschedulable(said: str) -> tuple[str, dict[str, str]]:
    """The code for what the scheduler says, and what its words leave open; "" if it says nothing.

    Of several reasons, each is that of some node. What counts is what a node lacks that fits
    otherwise: resources, then volumes, then nodes that are out of service, then taints.
    """
    hopeless = _fits_nowhere(said)
    said = _about_nodes(said)
    for words, code in _VOLUMES_BEFORE_NODES:
        if words.search(said):
            return code, {}
    short = tuple(dict.fromkeys(_INSUFFICIENT.findall(said)))
    if short:
        return _nowhere_enough(short) if hopeless else _short_of(short)
    for words, code in _NODES:
        if words.search(said):
            return code, {}
    return ("not-scheduled" if said else ""), {}


def lacking(said: str) -> frozenset[str]:
    """What the scheduler misses: resources, or else the code for what it says."""
    short = frozenset(_INSUFFICIENT.findall(_about_nodes(said)))
    return short or frozenset({unschedulable(said)[0]} - {""})


def _about_nodes(said: str) -> str:
    # What follows is about pods that might make room, not about nodes.
    return said.partition("preemption:")[0]


def _fits_nowhere(said: str) -> bool:
    """Whether no node has enough, even if every other pod was gone from it.

    A node that is out of service may have: what it is like is not said.
    """
    found = _NOT_HELPFUL.search(said)
    everywhere = found is not None and found["nodes"] == found["these"]
    return everywhere and _OUT_OF_SERVICE.search(said) is None


def _nowhere_enough(resources: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    if len(resources) == 1 and _GPU.search(resources[0]):
        return "no-such-gpu", {"resource": resources[0]}
    return "nodes-too-small", {"resources": ", ".join(sorted(resources))}


def _short_of(resources: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    gpus = [name for name in resources if _GPU.search(name)]
    # A node without a GPU lacks other things besides; the GPU is what there is least of.
    if gpus:
        return "no-gpu-free", {"resource": gpus[0]}
    if len(resources) == 1 and resources[0] in _SHORT:
        return _SHORT[resources[0]], {}
    return "resources-short", {"resources": ", ".join(sorted(resources))}


_VOLUMES_BEFORE_NODES = (
    (re.compile(r'persistentvolumeclaim "[^"]*" is being deleted'), "volume-ending"),
    (re.compile(r'persistentvolumeclaim "[^"]*" not found'), "volume-missing"),
    (re.compile(r'persistentvolumeclaim "[^"]*" bound to non-existent'), "volume-lost"),
    (re.compile(r'storageclass\S* "[^"]*" not found', re.I), "storage-class-missing"),
    (re.compile(r"unbound immediate PersistentVolumeClaims"), "volume-waiting"),
)
_NODES = (
    (re.compile(r"Too many pods"), "nodes-crowded"),
    (re.compile(r"exceed max volume count"), "volume-limit"),
    (
        re.compile(
            r"volume node affinity conflict|didn't match PersistentVolume's node affinity"
            r"|find available persistent volumes to bind"
        ),
        "volume-elsewhere",
    ),
    (re.compile(r"did not have enough free storage"), "volume-not-made"),
    (_OUT_OF_SERVICE, "nodes-closed"),
    (re.compile(r"taint"), "node-tainted"),
    (re.compile(r"node affinity|node selector|affinity/selector"), "no-matching-node"),
    (re.compile(r"no nodes available|0/0 nodes"), "no-nodes"),
)

_DISK_FULL = re.compile(r"no space left on device|disk quota exceeded|errno 28\b|errno 122\b", re.I)


def is_full(said: str) -> bool:
    """Whether somebody could not write for want of space."""
    return _DISK_FULL.search(said) is not None


_PULLS = (
    (_DISK_FULL, "node-disk-full"),
    (re.compile(r"toomanyrequests|rate limit|429 Too Many", re.I), "registry-busy"),
    (re.compile(r"no match for platform|no matching manifest|exec format", re.I), "image-unfit"),
    (
        re.compile(
            r"unauthorized|authentication required|authorization failed|access denied|forbidden"
            r"|requested access to the resource is denied|no basic auth|insufficient_scope"
            r"|\b40[13]\b",
            re.I,
        ),
        "image-denied",
    ),
    (
        re.compile(
            r"manifest unknown|name unknown|not found|does not exist|\b404\b|NAME_UNKNOWN"
            r"|reference does not exist",
            re.I,
        ),
        "image-missing",
    ),
    (re.compile(r"signature", re.I), "image-not-trusted"),
    (
        re.compile(r"invalid reference|couldn't parse image|InvalidImageName", re.I),
        "image-name-bad",
    ),
)
_NETWORK = re.compile(
    r"no such host|dial tcp|i/o timeout|timed? ?out|deadline exceeded|connection re(fused|set)"
    r"|TLS|x509|certificate|\bEOF\b|network is unreachable|server misbehaving|RegistryUnavailable"
    r"|\b50[0234]\b|Internal Server Error|Bad Gateway|Service Unavailable",
    re.I,
)
LOST_PULLS = frozenset(
    {"image-missing", "image-denied", "image-unfit", "image-not-trusted", "image-name-bad"}
)
"""What no further try changes."""
_BY_REASON = {
    "InvalidImageName": "image-name-bad",
    "ErrImageNeverPull": "image-not-there",
    "RegistryUnavailable": "registry-away",
    "SignatureValidationFailed": "image-not-trusted",
}
PULL_REASONS = frozenset({*_BY_REASON, "ErrImagePull", "ImagePullBackOff", "ImageInspectError"})
"""Why a container waits whose image is not to be had."""


def not_pulled(reason: str, said: str, image: str) -> str:
    """The code for an image that is not to be had.

    Args:
        reason: why the container waits.
        said: the words of kubelet and registry, from the container and from events.
    """
    if reason in _BY_REASON:
        return _BY_REASON[reason]
    bare = _without_image(said, image)
    # A name that is not found in the network is not an image that is not found.
    network = _NETWORK.search(bare) is not None
    for words, code in _PULLS:
        if words.search(bare) and not (network and code in ("image-missing", "image-not-trusted")):
            return code
    return "registry-away" if network else "image-not-pulled"


def _without_image(said: str, image: str) -> str:
    """Without the names of images and addresses, which may hold any of the words."""
    for name in (image, image.partition("@")[0], image.rpartition(":")[0]):
        said = said.replace(name, " ") if name else said
    return re.sub(r'https?://[^\s"]+', " ", said)


_MADE = (
    (_DISK_FULL, "node-disk-full"),
    (re.compile(r'secret "[^"]*" not found|couldn\'t find key|references non-existent secret'),
     "secret-missing"),
    (re.compile(r"runAsNonRoot|non-numeric user|run as root", re.I), "image-needs-root"),
    (re.compile(r"executable file not found|no such file or directory|no command specified"
                r"|permission denied", re.I), "command-missing"),
    (re.compile(r"exec format error", re.I), "image-unfit"),
)  # fmt: skip


def not_made(said: str) -> str:
    """The code for a container that the node cannot make."""
    return next((code for words, code in _MADE if words.search(said)), "bad-container")


_MOUNTS = (
    (_DISK_FULL, "node-disk-full"),
    (re.compile(r"Multi-Attach error|already (exclusively )?(attached|used)", re.I),
     "volume-in-use"),
    (re.compile(r'secret "[^"]*" not found|references non-existent secret'), "secret-missing"),
    (re.compile(r'persistentvolumeclaim "[^"]*" not found'), "volume-missing"),
    (re.compile(r'storageclass\S* "[^"]*" not found|no (default )?storage ?class', re.I),
     "storage-class-missing"),
)  # fmt: skip
_MOUNT_REASONS = {
    "FailedMount": "volume-not-mounted",
    "FailedMapVolume": "volume-not-mounted",
    "FailedAttachVolume": "volume-not-attached",
    "ProvisioningFailed": "volume-not-made",
    "FailedBinding": "volume-waiting",
}
VOLUME_REASONS = frozenset(_MOUNT_REASONS)
"""Events of volumes that do not come."""


def not_mounted(reason: str, said: str) -> str:
    """The code for a volume that does not come."""
    found = (code for words, code in _MOUNTS if words.search(said))
    return next(found, _MOUNT_REASONS[reason])


def is_settling(said: str) -> bool:
    """Whether a node has only not heard yet of what it looks for."""
    return "failed to sync" in said or "timed out waiting for the condition" in said
