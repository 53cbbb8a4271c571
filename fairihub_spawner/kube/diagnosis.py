"""Why a server does not start, from what the cluster says of its pod, claims and events.

Everything here is pure: the same objects at the same moment give the same diagnosis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fairihub_core.start_causes import CAUSES
from fairihub_core.starts import Diagnosis, diagnosed, for_good
from fairihub_spawner.kube import ends, sentences
from fairihub_spawner.kube.last_words import cleaned
from fairihub_spawner.kube.names import NODE_PURPOSE
from fairihub_spawner.kube.observed import (
    Container,
    Happened,
    Json,
    condition,
    containers,
    created,
    happenings,
    image_of,
    moment,
    node_of,
    part,
    text,
    waiting_for_a_node,
)
from fairihub_spawner.kube.settings import KubeSettings

SETTLING_SECONDS = 20
"""So long a node, or the scheduler, may not have heard of what was made just before the pod."""
SILENT = timedelta(seconds=30)
"""After this a server that runs and does not answer is spoken of."""
LOGGED = frozenset({"volume-full", "server-crashed", "server-ended", "server-silent",
                    "preparation-failed", "server-out-of-memory"})  # fmt: skip
"""What the container's last lines explain."""
_SOON = {
    "secret-missing": SETTLING_SECONDS,
    "volume-missing": SETTLING_SECONDS,
    "volume-ending": SETTLING_SECONDS,
    "volume-lost": SETTLING_SECONDS,
    "storage-class-missing": SETTLING_SECONDS,
    # Another node may be chosen, but by another start only.
    "node-disk-full": 0,
}
"""What passes within so many seconds, or not at all."""
_NOWHERE = frozenset({"no-such-gpu", "nodes-too-small", "no-matching-node"})
"""What no server that ends changes, only a node that is added."""


@dataclass(frozen=True)
class _Seen:
    """All that is known at one moment."""

    pod: Json
    happened: tuple[Happened, ...]
    claims: tuple[Json, ...]
    now: datetime
    settings: KubeSettings
    queue: int | None
    words: tuple[str, ...]
    began: datetime
    """When the pod was made."""

    def past(self, since: datetime, seconds: int) -> bool:
        return self.now - since > timedelta(seconds=seconds)

    def last(self, *reasons: str) -> Happened | None:
        """The last event with one of these reasons."""
        return next((h for h in reversed(self.happened) if h.reason in reasons), None)


def diagnose(
    pod: Mapping[str, Any] | None,
    events: Sequence[Mapping[str, Any]],
    claims: Sequence[Mapping[str, Any]],
    now: datetime,
    settings: KubeSettings,
    *,
    queue: int | None = None,
    last_words: Sequence[str] = (),
) -> Diagnosis | None:
    """What keeps the server from starting at this moment; None if nothing is known to.

    Args:
        pod: as the API has it; None if there is none (yet).
        events: those of the namespace, or of the pod and its claims.
        claims: the claims of the pod's volumes, as the API has them.
        queue: how many other pods wait for the same (see `queue_before`).
        last_words: the last lines of the container, cleaned, where somebody has asked for them.
    """
    happened = happenings(pod, claims, events)
    began = (created(pod) if pod else None) or (happened[0].first if happened else now)
    seen = _Seen(pod or {}, happened, tuple(claims), now, settings, queue, tuple(last_words), began)
    looks: tuple[_Look, ...] = (
        _ended,
        _containers,
        _scheduling,
        _volumes,
        _sandbox,
        _image,
        _silence,
    )
    if pod is None:
        looks = (_volumes,)
    return next((found for look in looks if (found := look(seen))), None)


_Look = Callable[["_Seen"], "Diagnosis | None"]


def _ended(seen: _Seen) -> Diagnosis | None:
    """A pod that is over as a whole, whatever its containers were doing."""
    found = ends.pod_ended(seen.pod)
    if found is None:
        return None
    code, said, at = found
    return diagnosed(code, at or seen.now, final=True, detail=cleaned(said))


def _containers(seen: _Seen) -> Diagnosis | None:
    for container in containers(seen.pod):
        found = _container(container, seen)
        if found is not None:
            return found
    return None


def _container(container: Container, seen: _Seen) -> Diagnosis | None:
    if container.waiting in sentences.PULL_REASONS:
        return _not_pulled(container, seen)
    if container.waiting in ends.NOT_MADE:
        code = sentences.not_made(container.message)
        final = not sentences.is_settling(container.message) and (
            code != "secret-missing" or seen.past(seen.began, SETTLING_SECONDS)
        )
        since = _since(seen, "Failed")
        image = {"image": container.image} if code.startswith("image-unfit") else {}
        return diagnosed(code, since, final=final, detail=cleaned(container.message), values=image)
    return _crashed(container, seen) if container.exit_code is not None else None


def _crashed(container: Container, seen: _Seen) -> Diagnosis | None:
    """A container that ended; one that prepares others ends without an error."""
    if container.is_first and container.exit_code == 0:
        return None
    code = ends.ended_with(container, "\n".join(seen.words))
    # The first end may be chance, and the node tries again; not so where more memory is wanted.
    is_over = code not in ("server-crashed", "preparation-failed", "server-ended")
    phase = text(part(seen.pod, "status"), "phase")
    final = is_over or container.waiting == "CrashLoopBackOff" or phase in ("Failed", "Succeeded")
    values = {
        "server-crashed": {"exit": str(container.exit_code)},
        "preparation-failed": {"container": container.name},
        "image-unfit": {"image": container.image},
    }.get(code, {})
    said = "\n".join(seen.words) or cleaned(container.ended_message)
    at = container.ended_at or seen.now
    return diagnosed(code, at, final=final, detail=said, values=values)


def _not_pulled(container: Container, seen: _Seen) -> Diagnosis:
    """An image that cannot be had; kubelet tries again, so only some reasons end the start."""
    failures = [
        h for h in seen.happened if h.reason in ("Failed", "InspectFailed") and _of_pull(h.message)
    ]
    # “Back-off pulling image” says nothing of why; the event before it does.
    said = " ".join(dict.fromkeys([container.message, *(h.message for h in failures[-2:])]))
    image = container.image or image_of(seen.pod)
    code = sentences.not_pulled(container.waiting, said, image)
    since = failures[0].first if failures else seen.now
    began = moment(condition(seen.pod, "PodScheduled").get("lastTransitionTime")) or since
    final = (
        code in sentences.LOST_PULLS
        or code == "image-not-there"
        or seen.past(began, seen.settings.pull_seconds)
    )
    values = {} if code == "node-disk-full" else {"image": image}
    return diagnosed(code, since, final=final, detail=cleaned(said), values=values)


def _of_pull(message: str) -> bool:
    return "pull" in message or "image" in message


def _scheduling(seen: _Seen) -> Diagnosis | None:
    """A pod without a node: which resource, how long the queue, and whether a node is coming."""
    if not waiting_for_a_node(seen.pod):
        return None
    told = condition(seen.pod, "PodScheduled")
    failed = seen.last("FailedScheduling")
    said = text(told, "message") or (failed.message if failed else "")
    since = moment(told.get("lastTransitionTime")) or (failed.first if failed else seen.began)
    coming = seen.last("TriggeredScaleUp", "Nominated")  # of cluster-autoscaler, of Karpenter
    code, values = sentences.unschedulable(said)
    if code == "volume-missing" and _has_claim(seen, said):
        code = "volume-waiting"
    if coming and code and not seen.past(coming.at, seen.settings.pending_seconds):
        return diagnosed(
            "node-coming", coming.at, final=False, detail=cleaned(coming.message), queue=seen.queue
        )
    if not code and not seen.past(seen.began, seen.settings.pending_seconds):
        return None
    began = seen.began
    if code in _NOWHERE and failed:
        began = max(began, failed.first)  # a node that was large enough may just have gone
    refusing = seen.last("NotTriggerScaleUp")
    detail = cleaned(" ".join([said, refusing.message if refusing else ""]))
    if code in ("volume-waiting", "not-scheduled") and (better := _volumes(seen)):
        return better
    code = code or "not-scheduled"
    return diagnosed(
        code,
        since,
        final=seen.past(began, _patience_for(code, seen.settings)),
        detail=detail,
        queue=None if code in _NOWHERE or CAUSES[code].phase == "volume" else seen.queue,
        values=values,
    )


def _volumes(seen: _Seen) -> Diagnosis | None:
    """Volumes that are lost, do not come into being, or do not reach the node."""
    for claim in seen.claims:
        name = text(part(claim, "metadata"), "name")
        if text(part(claim, "status"), "phase") == "Lost":
            return diagnosed("volume-lost", seen.now, final=True, detail=name)
    failed = seen.last(*sentences.VOLUME_REASONS)
    if failed is None or _came_later(seen, failed):
        return None
    code = sentences.not_mounted(failed.reason, failed.message)
    if code == "volume-missing" and _has_claim(seen, failed.message):
        code = "volume-waiting"
    settling = sentences.is_settling(failed.message)
    final = not settling and seen.past(failed.first, _patience_for(code, seen.settings))
    return diagnosed(code, failed.first, final=final, detail=cleaned(failed.message))


def _has_claim(seen: _Seen, said: str) -> bool:
    """Whether there is the claim that `said` misses.

    Where the API was away, scheduler and nodes hear of what is new a minute later.
    """
    names = (text(part(claim, "metadata"), "name") for claim in seen.claims)
    return any(f'"{name}"' in said for name in names)


def _came_later(seen: _Seen, failed: Happened) -> bool:
    """Whether what failed has come about since."""
    after = seen.happened[seen.happened.index(failed) + 1 :]
    over = {"Pulling", "Pulled", "Created", "Started"}
    if failed.reason == "FailedAttachVolume":
        over.add("SuccessfulAttachVolume")
    if failed.reason in ("ProvisioningFailed", "FailedBinding"):
        over.add("ProvisioningSucceeded")
        bound = {text(part(claim, "status"), "phase") for claim in seen.claims}
        if bound == {"Bound"}:
            return True
    started = any(c.is_running or c.there for c in containers(seen.pod))
    return started or any(h.reason in over for h in after)


def _sandbox(seen: _Seen) -> Diagnosis | None:
    failed = seen.last("FailedCreatePodSandBox", "NetworkNotReady", "FailedPodSandBoxStatus")
    if failed is None or _came_later(seen, failed):
        return None
    code = "node-disk-full" if sentences.is_full(failed.message) else "sandbox-failed"
    final = seen.past(failed.first, _patience_for(code, seen.settings))
    return diagnosed(code, failed.first, final=final, detail=cleaned(failed.message))


def _image(seen: _Seen) -> Diagnosis | None:
    """An image that is being fetched for too long, though nobody says why."""
    pulling = seen.last("Pulling", "Pulled")
    if pulling is None or pulling.reason == "Pulled":
        return None
    if any(c.is_running or c.there for c in containers(seen.pod) if not c.is_first):
        return None
    if not seen.past(pulling.first, seen.settings.pull_seconds):
        return None
    return diagnosed("image-slow", pulling.first, final=True, values={"image": image_of(seen.pod)})


def _silence(seen: _Seen) -> Diagnosis | None:
    """A server that runs and does not answer: asked only while the hub still waits for it."""
    running = [c for c in containers(seen.pod) if c.is_running and not c.is_first]
    if not running or running[0].running_since is None or not node_of(seen.pod):
        return None
    since = running[0].running_since
    if seen.now - since <= SILENT:
        return None
    said = "\n".join(seen.words)
    code = "volume-full" if sentences.is_full(said) else "server-silent"
    final = seen.past(since, seen.settings.server_seconds)
    return diagnosed(code, since, final=final, detail=said)


def _patience_for(code: str, settings: KubeSettings) -> int:
    """For how many seconds a start is not given up that `code` keeps from its node or volumes."""
    if code in _NOWHERE:
        return min(settings.scale_up_seconds, settings.pending_seconds)
    is_of_nodes = CAUSES[code].phase == "scheduling"
    return _SOON.get(code, settings.pending_seconds if is_of_nodes else settings.volume_seconds)


def given_up(found: Diagnosis | None, now: datetime) -> Diagnosis:
    """What is said of a start whose time is over: what kept it so far, now for good."""
    if found is None:
        return diagnosed("start-timeout", now, final=True)
    return for_good(found)


def queue_before(pod: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> int:
    """How many of `pods` wait for the same as `pod` does, and have waited for longer."""
    own, began = text(part(pod, "metadata"), "uid"), created(pod)
    lacked, purpose = _lacked(pod), _purpose(pod)
    return sum(
        1
        for other in pods
        if waiting_for_a_node(other)
        and text(part(other, "metadata"), "uid") != own
        and (began is None or (created(other) or began) <= began)
        and _purpose(other) == purpose
        and _lacked(other) & lacked
    )


def _lacked(pod: Json) -> frozenset[str]:
    return sentences.lacking(text(condition(pod, "PodScheduled"), "message"))


def _purpose(pod: Json) -> str:
    return text(part(pod, "metadata", "labels"), NODE_PURPOSE)


def _since(seen: _Seen, *reasons: str) -> datetime:
    found = seen.last(*reasons)
    return found.first if found else seen.now
