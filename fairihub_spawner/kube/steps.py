"""The steps of a start as the cluster tells them: a node, the volume, the image, the container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fairihub_core.start_cause import Phase
from fairihub_core.start_causes import NOTES
from fairihub_core.starts import STEPS, Diagnosis, Step, StepName
from fairihub_core.units import human_bytes
from fairihub_spawner.kube.image_sizes import image_size
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
)

_PHASES: Mapping[Phase, StepName] = {
    "cluster": "scheduling",
    "scheduling": "scheduling",
    "volume": "volume",
    "image": "image",
    "container": "container",
    "server": "server",
}
"""In which step a cause shows."""
_AFTER = {"scheduling": 10, "volume": 25, "image": 70, "container": 85, "server": 100}
"""How far a start is once a step is done, of a hundred."""
_PULL_BEGUN = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"})


@dataclass(frozen=True)
class _Mark:
    """When a step began and ended, and what it says of itself."""

    began: datetime | None
    ended: datetime | None
    note: str = ""
    values: tuple[tuple[str, str], ...] = ()


def steps_of(
    pod: Mapping[str, Any] | None,
    events: Sequence[Mapping[str, Any]],
    claims: Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    diagnosis: Diagnosis | None = None,
    sizes: Mapping[str, int] | None = None,
    ready: bool = False,
) -> tuple[Step, ...]:
    """Each step and how it stands; all wait where there is no pod yet.

    Args:
        diagnosis: what keeps the start; if it is final, its step has failed.
        sizes: bytes by image, as far as they are known (see `ImageSizes`).
        ready: whether the server has answered the hub.
    """
    marks = _marks(pod, happenings(pod, claims, events), sizes or {}, now if ready else None)
    # What comes later has begun only if all before it is done, whatever is said in which order.
    done = 0
    while done < len(STEPS) and marks[done].ended is not None:
        done += 1
    failed = STEPS.index(_PHASES[diagnosis.phase]) if _is_lost(diagnosis) and diagnosis else None
    return tuple(_step(n, marks[n], done, failed, pod is not None, now) for n in range(len(STEPS)))


def _is_lost(diagnosis: Diagnosis | None) -> bool:
    return diagnosis is not None and diagnosis.final and diagnosis.phase in _PHASES


def _step(
    number: int, mark: _Mark, done: int, failed: int | None, begun: bool, now: datetime
) -> Step:
    name = STEPS[number]
    if failed is not None and number >= failed:
        return Step(name=name, state="failed" if number == failed else "waiting")
    if number < done:
        return _told(name, "done", mark, _between(mark.began, mark.ended))
    if failed is not None:
        # It must have been done, though nobody said so.
        return Step(name=name, state="done")
    if number == done and begun:
        return _told(name, "running", mark, _between(mark.began, now))
    return Step(name=name, state="waiting")


def _told(name: StepName, state: Any, mark: _Mark, seconds: float | None) -> Step:
    values = dict(mark.values)
    message = NOTES[mark.note] % values if mark.note else ""
    return Step(
        name=name, state=state, message=message, note=mark.note, values=values, seconds=seconds
    )


def _between(began: datetime | None, ended: datetime | None) -> float | None:
    if began is None or ended is None:
        return None
    return max(0.0, round((ended - began).total_seconds(), 1))


def _marks(
    pod: Json | None,
    happened: tuple[Happened, ...],
    sizes: Mapping[str, int],
    ready: datetime | None,
) -> tuple[_Mark, ...]:
    if pod is None:
        return (_Mark(None, None),) * len(STEPS)
    main = next((c for c in containers(pod) if not c.is_first), None)
    scheduled = _scheduled(pod, happened)
    imaged = _imaged(pod, main, happened, sizes)
    running = main.running_since if main else None
    # What fetches the image finds the volumes in place.
    mounted = imaged.began or imaged.ended or _ready_to_start(pod)
    node = (("node", node_of(pod)),) if node_of(pod) else ()
    return (
        _Mark(created(pod), scheduled, "node-found" if node else "node-sought", node),
        _Mark(scheduled, mounted, "" if mounted else "volume-preparing"),
        imaged,
        _Mark(imaged.ended, running, "" if running else "container-making"),
        _Mark(running, ready, "" if ready else "server-answering"),
    )


def _scheduled(pod: Json, happened: tuple[Happened, ...]) -> datetime | None:
    """When the pod was given a node."""
    if not node_of(pod):
        return None
    told = moment(condition(pod, "PodScheduled").get("lastTransitionTime"))
    return told or _first(happened, "Scheduled") or created(pod)


def _ready_to_start(pod: Json) -> datetime | None:
    told = condition(pod, "PodReadyToStartContainers")
    return moment(told.get("lastTransitionTime")) if told.get("status") == "True" else None


def _imaged(
    pod: Json, main: Container | None, happened: tuple[Happened, ...], sizes: Mapping[str, int]
) -> _Mark:
    """The image, with its size where the cluster has told it."""
    image = image_of(pod)
    of_ours = tuple(h for h in happened if image and image in h.message)
    begun, pulled = _first(of_ours, "Pulling"), _first(of_ours, "Pulled")
    running = main.running_since if main else None
    if pulled or running:
        ended = pulled or running
        size = image_size(h.message for h in of_ours if h.reason == "Pulled")
        if begun is None:
            return _Mark(ended, ended, "image-there")
        return _Mark(begun, ended, "image-pulled" if size else "", _size(size))
    if begun is None and not (main and main.waiting in _PULL_BEGUN):
        return _Mark(None, None, "image-sought")
    known = sizes.get(image)
    note = "image-pulling-size" if known else "image-pulling"
    return _Mark(begun or _scheduled(pod, happened), None, note, (("image", image), *_size(known)))


def _first(happened: Sequence[Happened], reason: str) -> datetime | None:
    return next((h.first for h in happened if h.reason == reason), None)


def _size(size: int | None) -> tuple[tuple[str, str], ...]:
    return (("size", human_bytes(size)),) if size else ()


def progress_event(steps: Sequence[Step], diagnosis: Diagnosis | None = None) -> dict[str, Any]:
    """What `progress()` yields: for JupyterHub a number and a sentence, for our page more.

    Without the `detail` of the diagnosis, which not everybody may read who may follow starts.
    """
    note, message = _said(steps)
    event: dict[str, Any] = {
        "progress": _progress(steps),
        "message": diagnosis.message if diagnosis else message,
        "note": note,
        "steps": [step.model_dump(mode="json") for step in steps],
    }
    if diagnosis is not None:
        event["diagnosis"] = diagnosis.for_answers()
    return event


def _said(steps: Sequence[Step]) -> tuple[str, str]:
    """The note of where a start is, and its words; nothing once all is done, or lost."""
    current = next((step for step in steps if step.state == "running"), None)
    if current is not None:
        return current.note, current.message
    begun = any(step.state != "waiting" for step in steps)
    return ("", "") if begun else ("start-checked", NOTES["start-checked"])


def _progress(steps: Sequence[Step]) -> int:
    """Below 100 in any case: that is the hub's to say."""
    done = [_AFTER[step.name] for step in steps if step.state == "done"]
    return min(max(done, default=5), 95)
