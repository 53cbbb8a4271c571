"""What the cluster says of a pod, read out of the plain objects of its API.

The objects are as the API has them, and whatever they lack is taken for not said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

Json = Mapping[str, Any]

_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Happened:
    """An event of the cluster that is about a pod or one of its claims."""

    reason: str
    message: str
    at: datetime
    first: datetime
    """When it happened first, of an event that is repeated."""


@dataclass(frozen=True)
class Container:
    """A container as its status describes it."""

    name: str
    image: str
    is_first: bool
    """Whether it prepares the others."""
    waiting: str = ""
    """The reason why it waits; "" if it does not."""
    exit_code: int | None = None
    """Of its last end; None if it has not ended yet."""
    ended: str = ""
    """The reason of its last end."""
    ended_at: datetime | None = None
    running_since: datetime | None = None
    message: str = ""
    """Why it waits, in words."""
    ended_message: str = ""
    there: bool = False
    """Whether its image is on the node."""

    @property
    def is_running(self) -> bool:
        return self.running_since is not None


def part(given: Any, *path: str) -> Json:
    """What stands below `path`; nothing if it is missing or something else."""
    for key in path:
        given = given.get(key) if isinstance(given, Mapping) else None
    return given if isinstance(given, Mapping) else {}


def rows(given: Any, key: str) -> tuple[Json, ...]:
    """The objects of a list; nothing if it is missing or something else."""
    found = given.get(key) if isinstance(given, Mapping) else None
    if not isinstance(found, Sequence) or isinstance(found, str):
        return ()
    return tuple(row for row in found if isinstance(row, Mapping))


def text(given: Json, key: str) -> str:
    found = given.get(key)
    return found if isinstance(found, str) else ""


def moment(value: Any) -> datetime | None:
    """A time of the API: `2026-05-01T12:00:00Z`, with or without fractions."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(_without_fractions(value))
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def _without_fractions(value: str) -> str:
    """As every Python reads it; seconds are enough here."""
    return f"{value[:19]}+00:00" if value.endswith("Z") else value


def happenings(
    pod: Json | None, claims: Iterable[Json], events: Iterable[Json]
) -> tuple[Happened, ...]:
    """What happened to the pod and its claims, in the order of time.

    Events of an earlier pod of the same name are not about this one.
    """
    things = [part(thing, "metadata") for thing in (*claims, *((pod,) if pod else ()))]
    uids = {text(thing, "uid") for thing in things} - {""}
    names = {text(thing, "name") for thing in things}
    found = [
        _happened(event)
        for event in events
        if _is_about(part(event, "involvedObject"), uids, names, has_pod=pod is not None)
    ]
    return tuple(sorted(found, key=lambda happened: happened.at))


def _is_about(thing: Json, uids: Set[str], names: Set[str], *, has_pod: bool) -> bool:
    """Whether an event about `thing` counts: by its uid where it has one, else by its name.

    While the pod is not known, every pod may be the one.
    """
    if not has_pod and text(thing, "kind") == "Pod":
        return True
    uid = text(thing, "uid")
    if uid and uids:
        return uid in uids
    return not names or text(thing, "name") in names


def _happened(event: Json) -> Happened:
    """With the last time that the event names, in one of the many ways it may name it."""
    made = moment(part(event, "metadata").get("creationTimestamp"))
    once = moment(event.get("eventTime"))
    last = moment(part(event, "series").get("lastObservedTime")) or moment(
        event.get("lastTimestamp")
    )
    first = moment(event.get("firstTimestamp")) or once or made or last or _EARLIEST
    return Happened(
        reason=text(event, "reason"),
        message=text(event, "message"),
        at=last or once or made or first,
        first=first,
    )


def containers(pod: Json) -> tuple[Container, ...]:
    """Those that prepare, then the others; what has no status yet is left out."""
    status = part(pod, "status")
    first = [_container(row, True) for row in rows(status, "initContainerStatuses")]
    return (*first, *(_container(row, False) for row in rows(status, "containerStatuses")))


def _container(status: Json, is_first: bool) -> Container:
    waiting = part(status, "state", "waiting")
    running = part(status, "state", "running")
    ended = part(status, "state", "terminated") or part(status, "lastState", "terminated")
    code = ended.get("exitCode")
    return Container(
        name=text(status, "name"),
        image=text(status, "image"),
        is_first=is_first,
        waiting=text(waiting, "reason"),
        exit_code=code if isinstance(code, int) else None,
        ended=text(ended, "reason"),
        ended_at=moment(ended.get("finishedAt")),
        running_since=moment(running.get("startedAt")) if running else None,
        message=text(waiting, "message"),
        ended_message=text(ended, "message"),
        there=bool(text(status, "imageID")),
    )


def condition(pod: Json, kind: str) -> Json:
    """A condition of the pod; nothing if it has none of that kind."""
    found = (c for c in rows(part(pod, "status"), "conditions") if c.get("type") == kind)
    return next(found, {})


def created(pod: Json) -> datetime | None:
    return moment(part(pod, "metadata").get("creationTimestamp"))


def node_of(pod: Json) -> str:
    return text(part(pod, "spec"), "nodeName")


def image_of(pod: Json) -> str:
    """The image of the server, as the pod asks for it."""
    wanted = rows(part(pod, "spec"), "containers")
    return text(wanted[0], "image") if wanted else ""


def waiting_for_a_node(pod: Json) -> bool:
    return text(part(pod, "status"), "phase") == "Pending" and not node_of(pod)
