"""Why a server may not start: the table of all causes, and the words around them.

The pages show these words, translated; the page “Start failures” of the reference is made of
the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fairihub_core.start_cause import Cause, Phase, Who
from fairihub_core.start_causes_cluster import ACCESS, CLUSTER, VOLUMES
from fairihub_core.start_causes_pod import CONTAINER, IMAGE, SCHEDULING, SERVER

CAUSES: Mapping[str, Cause] = MappingProxyType(
    {**ACCESS, **CLUSTER, **VOLUMES, **SCHEDULING, **IMAGE, **CONTAINER, **SERVER}
)
"""By code."""

WHO: Mapping[Who, str] = {
    "you": "You can mend this yourself.",
    "team": "An admin of your team can mend this.",
    "operator": "An operator of this hub can mend this.",
    "cluster": "This is up to the cluster; those who run it can help.",
}
STATES: Mapping[str, str] = {
    "waiting": "waits",
    "running": "in progress",
    "done": "done",
    "failed": "failed",
}
"""Of the steps of a start."""
PHASES: Mapping[Phase, str] = {
    "access": "Teams and profiles",
    "cluster": "The cluster's answer",
    "volume": "Volumes and secrets",
    "scheduling": "Finding a node",
    "image": "The image",
    "container": "The container",
    "server": "The server",
}

NOTES: Mapping[str, str] = {
    "start-checked": "Checking what the server needs",
    "node-sought": "Looking for a node",
    "pod-ending": "Waiting until your server before this one has ended",
    "node-found": "Node %(node)s",
    "volume-preparing": "Preparing your files",
    "image-sought": "Looking for the image",
    "image-pulling": "Fetching %(image)s",
    "image-pulling-size": "Fetching %(image)s (%(size)s)",
    "image-pulled": "%(size)s fetched",
    "image-there": "Already on the node",
    "container-making": "Making the container",
    "server-answering": "Waiting for JupyterLab to answer",
}
"""What a step, or a start before its first step, says of itself, by name."""

NOTICES: Mapping[str, str] = {
    "home-not-smaller": "Your home keeps its %(has)s, though %(asked)s are meant: a volume is "
    "never made smaller.",
    "home-not-larger": "Your home keeps its %(has)s, though %(asked)s are meant: it cannot grow "
    "here now.",
    "shared-not-smaller": "The shared folder keeps its %(has)s, though %(asked)s are meant: a "
    "volume is never made smaller.",
    "shared-not-larger": "The shared folder keeps its %(has)s, though %(asked)s are meant: it "
    "cannot grow here now.",
    "bucket-without-key": "The profile names the bucket “%(bucket)s”, for which this hub has no "
    "key: the server has no bucket. Ask an operator of this hub for the key.",
    "stop-held": "Your server is to end, but its pod does not go: %(finalizers)s holds it. An "
    "operator of this hub can find out why.",
    "stop-unconfirmed": "Your server is to end, but its node, %(node)s, has not confirmed that it "
    "has. An operator of this hub can find out why.",
    "image-not-pinned": "The profile names the image “%(image)s” without a tag or digest: the next "
    "server may get another one. An admin of your team can name it exactly.",
}
"""What the owner of a server is to know though it starts, or while it ends, by code."""


def texts() -> tuple[str, ...]:
    """Every text that a page may show, to be translated."""
    said = [
        text for cause in CAUSES.values() for lost in (False, True) for text in cause.words(lost)
    ]
    return tuple(dict.fromkeys(text for text in (*said, *_words_around()) if text))


def _words_around() -> tuple[str, ...]:
    return (*WHO.values(), *STATES.values(), *NOTES.values(), *NOTICES.values())
