"""Whose an object is that bears the name of a server's pod or Secret.

Names hold login and team, but not the hub: two hubs whose teams share a namespace come to
the same ones. What another hub has made, or whoever else, is neither taken over nor deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairihub_core import clock
from fairihub_core.starts import Diagnosis, diagnosed
from fairihub_spawner.kube.last_words import cleaned
from fairihub_spawner.kube.names import HUB, LOGIN, TEAM, label_value

Object = Mapping[str, Any]


def is_of(hub: str, found: Object) -> bool:
    """Whether the hub of that name has made it."""
    return _said(found, "labels").get(HUB) == label_value(hub)


def in_the_way(wanted: Object, found: Object) -> Diagnosis | None:
    """Why `found` may not be replaced by `wanted`, which is to bear its name; None if it may."""
    hub, other = _said(wanted, "labels").get(HUB), _said(found, "labels").get(HUB)
    whose = _owner(found)
    if (other, whose) == (hub, _owner(wanted)):
        return None
    meta = found["metadata"]
    said = (
        f"{meta['namespace']}/{meta['name']}: {HUB}={other or ''} (here: {hub or ''}), "
        + ", ".join(f"{key}={value or ''}" for key, value in whose.items())
    )
    return diagnosed("object-in-the-way", clock.now(), final=True, detail=cleaned(said))


def _owner(found: Object) -> dict[str, str | None]:
    said = _said(found, "annotations")
    return {key: said.get(key) for key in (TEAM, LOGIN)}


def _said(found: Object, part: str) -> Mapping[str, str]:
    return found["metadata"].get(part) or {}
