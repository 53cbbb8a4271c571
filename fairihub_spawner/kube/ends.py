"""How a pod or a container came to its end, as a code."""

from __future__ import annotations

from datetime import datetime

from fairihub_spawner.kube import sentences
from fairihub_spawner.kube.observed import Container, Json, condition, moment, part, text

NOT_MADE = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"}
)
"""Why a container waits that the node cannot make."""
_LOST = frozenset({"NodeLost", "NodeShutdown", "Shutdown", "Terminated", "NodeAffinity"})
_REASONS = {
    "Evicted": "evicted",
    "Preempting": "preempted",
    "Preempted": "preempted",
    "PreemptionByScheduler": "preempted",
    "DeletionByTaintManager": "node-lost",
    "DeletionByPodGC": "node-lost",
    "EvictionByEvictionAPI": "pod-deleted",
    "TerminationByKubelet": "evicted",
}
_COMMAND_MISSING = (126, 127, 128)


def pod_ended(pod: Json) -> tuple[str, str, datetime | None] | None:
    """The code, the words and the moment of a pod's end; None while it may still come up.

    What a container's own status explains better is left to it.
    """
    status = part(pod, "status")
    reason, said = text(status, "reason"), text(status, "message")
    disrupted = condition(pod, "DisruptionTarget")
    at = moment(disrupted.get("lastTransitionTime"))
    if text(disrupted, "status") == "True":
        why, words = text(disrupted, "reason"), text(disrupted, "message")
        # The kubelet says the same of a node that runs short and of one that is shut down.
        code = _of_reason(reason) or _REASONS.get(why, "pod-deleted")
        return code, said or words, at
    if text(status, "phase") == "Unknown":
        return "node-lost", said or reason, at
    if text(status, "phase") == "Failed" and (code := _of_reason(reason)):
        return code, f"{reason}: {said}" if said else reason, at
    removed = moment(part(pod, "metadata").get("deletionTimestamp"))
    if removed is not None:
        return _of_reason(reason) or "pod-deleted", said, removed
    return None


def _of_reason(reason: str) -> str:
    if reason.startswith("OutOf") or reason in ("UnexpectedAdmissionError", "AdmissionError"):
        return "node-refused"
    return _REASONS.get(reason) or ("node-lost" if reason in _LOST else "")


def ended_with(container: Container, last_words: str) -> str:
    """The code for a container that ended."""
    said = f"{container.ended_message}\n{last_words}"
    if container.ended == "OOMKilled":
        return "server-out-of-memory"
    if sentences.is_full(said):
        return "volume-full"
    if container.ended in ("StartError", "ContainerCannotRun"):
        return sentences.not_made(said)
    if "exec format error" in said:
        return "image-unfit"
    if container.is_first:
        return "preparation-failed"
    if container.exit_code in _COMMAND_MISSING:
        return "command-missing"
    return "server-ended" if container.exit_code == 0 else "server-crashed"
