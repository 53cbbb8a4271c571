"""The objects of the stand-in: versions, generations, conflicts, selectors, and what changed."""

from __future__ import annotations

import base64
import copy
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from tests.support.standin_kube.faults import status

Object = dict[str, Any]
CLUSTER_WIDE = {"namespaces", "nodes", "persistentvolumes", "customresourcedefinitions"}
KINDS = {
    "customers": ("hub.eox.at/v1alpha1", "Customer"),
    "events": ("v1", "Event"),
    "namespaces": ("v1", "Namespace"),
    "nodes": ("v1", "Node"),
    "persistentvolumeclaims": ("v1", "PersistentVolumeClaim"),
    "pods": ("v1", "Pod"),
    "resourcequotas": ("v1", "ResourceQuota"),
    "secrets": ("v1", "Secret"),
    "services": ("v1", "Service"),
}
FIRST_STATUS = {"pods": {"phase": "Pending"}, "persistentvolumeclaims": {"phase": "Pending"}}


class Problem(Exception):
    """What Kubernetes would refuse, with its `Status`."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.body = status(code, reason, message)


@dataclass(frozen=True)
class Change:
    """One line of a stream, before it is filtered for who watches."""

    version: int
    type: str
    resource: str
    object: Object


def kind_of(resource: str) -> tuple[str, str]:
    return KINDS.get(resource, ("v1", resource.removesuffix("s").capitalize()))


class Store:
    """All objects, and every change since `compacted`. Not safe for threads.

    Args:
        changed: hears of each change.
    """

    def __init__(self, changed: Callable[[Change], object] = lambda _: None) -> None:
        self.version = 1000
        self.compacted = 0
        self.history: list[Change] = []
        self._changed = changed
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}

    def all(self, resource: str, namespace: str = "") -> list[Object]:
        kept = self._objects.get(resource, {})
        return [kept[key] for key in sorted(kept) if namespace in ("", key[0])]

    def get(self, resource: str, namespace: str, name: str) -> Object:
        try:
            return self._objects[resource][namespace, name]
        except KeyError:
            raise Problem(404, "NotFound", f'{resource} "{name}" not found') from None

    def create(self, resource: str, namespace: str, given: Object) -> Object:
        made = copy.deepcopy(given)
        api_version, kind = kind_of(resource)
        made.setdefault("apiVersion", api_version)
        made.setdefault("kind", kind)
        metadata = made.setdefault("metadata", {})
        name = metadata.setdefault("name", metadata.get("generateName", "") + uuid.uuid4().hex[:5])
        if (namespace, name) in self._objects.get(resource, {}):
            raise Problem(409, "AlreadyExists", f'{resource} "{name}" already exists')
        metadata |= {"uid": str(uuid.uuid4()), "generation": 1}
        metadata.setdefault("creationTimestamp", _now())
        if resource not in CLUSTER_WIDE:
            metadata["namespace"] = namespace
        if resource in FIRST_STATUS:
            made.setdefault("status", dict(FIRST_STATUS[resource]))
        _encode(resource, made)
        return self._put("ADDED", resource, made)

    def replace(
        self, resource: str, namespace: str, name: str, given: Object, part: str = ""
    ) -> Object:
        """As PUT does; with `part` “status” only the status, without one everything else."""
        old = self.get(resource, namespace, name)
        new = copy.deepcopy(given)
        asked = new.get("metadata", {})
        for field in ("resourceVersion", "uid"):
            if asked.get(field) not in (None, "", old["metadata"][field]):
                said = f'the object "{name}" has been modified: {field} is another'
                raise Problem(409, "Conflict", said)
        if part == "status":
            new = {**copy.deepcopy(old), "status": new.get("status", {})}
        elif resource == "customers" and "status" in old:
            new["status"] = old["status"]
        elif resource == "customers":
            new.pop("status", None)
        metadata = new.setdefault("metadata", {})
        kept = ("uid", "generation", "creationTimestamp", "name", "namespace")
        metadata |= {k: old["metadata"][k] for k in kept if k in old["metadata"]}
        _encode(resource, new)
        if _content(new) != _content(old):
            metadata["generation"] += 1
        if new | {"metadata": {**metadata, "resourceVersion": ""}} == old | {
            "metadata": {**old["metadata"], "resourceVersion": ""}
        }:
            return old
        made = self._put("MODIFIED", resource, new)
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            return self.delete(resource, namespace, name)
        return made

    def patch(self, resource: str, namespace: str, name: str, given: Any, part: str = "") -> Object:
        """As PATCH does, whatever kind: a list is a JSON patch, everything else is merged."""
        old = self.get(resource, namespace, name)
        new = _json_patched(old, given) if isinstance(given, list) else _merged(old, given)
        if not (isinstance(given, dict) and given.get("metadata", {}).get("resourceVersion")):
            new["metadata"].pop("resourceVersion", None)
        return self.replace(resource, namespace, name, new, part)

    def delete(self, resource: str, namespace: str, name: str, uid: str | None = None) -> Object:
        """Deletes the object; with `uid` only that very one."""
        old = copy.deepcopy(self.get(resource, namespace, name))
        if uid not in (None, old["metadata"]["uid"]):
            raise Problem(409, "Conflict", f'the UID in the precondition is not that of "{name}"')
        if old["metadata"].get("finalizers"):
            old["metadata"].setdefault("deletionTimestamp", _now())
            return self._put("MODIFIED", resource, old)
        del self._objects[resource][namespace, name]
        self._note("DELETED", resource, old)
        if resource == "namespaces":
            for other in list(self._objects):
                for within in self.all(other, name) if other not in CLUSTER_WIDE else []:
                    self.delete(other, name, within["metadata"]["name"])
        return old

    def forget(self) -> None:
        """Drops what changed so far: watching from an older version is answered with 410."""
        self.compacted = self.version
        self.history.clear()

    def _put(self, type_: str, resource: str, made: Object) -> Object:
        metadata = made["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        self._objects.setdefault(resource, {})[key] = made
        self._note(type_, resource, made)
        return made

    def _note(self, type_: str, resource: str, made: Object) -> None:
        self.version += 1
        made["metadata"]["resourceVersion"] = str(self.version)
        self.history.append(Change(self.version, type_, resource, copy.deepcopy(made)))
        self._changed(self.history[-1])


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def fits(found: Mapping[str, Any], labels: str, fields: str) -> bool:
    """Whether an object fits the selectors `a=b,c!=d,e,!f,g in (h,i)` and `status.phase=x`."""
    bears = found["metadata"].get("labels") or {}
    parts = [p.strip() for p in _split(labels)]
    return all(_label_fits(bears, part) for part in parts) and all(
        _field_fits(found, part) for part in _split(fields)
    )


def _split(selector: str) -> list[str]:
    parts: list[str] = []
    for piece in filter(None, selector.split(",")):
        if parts and parts[-1].count("(") > parts[-1].count(")"):
            parts[-1] += f",{piece}"
        else:
            parts.append(piece)
    return parts


def _label_fits(bears: Mapping[str, str], part: str) -> bool:
    if " in (" in part or " notin (" in part:
        key, _, rest = part.partition(" ")
        among = bears.get(key) in [v.strip() for v in rest[rest.index("(") + 1 : -1].split(",")]
        return among is not rest.startswith("notin")
    if "!=" in part:
        key, _, value = part.partition("!=")
        return bears.get(key) != value
    if "=" in part:
        key, _, value = part.replace("==", "=").partition("=")
        return bears.get(key) == value
    return part[1:] not in bears if part.startswith("!") else part in bears


def _field_fits(found: Any, part: str) -> bool:
    differs = "!=" in part
    path, _, value = part.partition("!=" if differs else "=")
    for step in path.split("."):
        found = found.get(step, "") if isinstance(found, dict) else ""
    return (str(found) == value.lstrip("=")) is not differs


def _content(made: Object) -> Object:
    return {k: v for k, v in made.items() if k not in ("metadata", "status")}


def _encode(resource: str, made: Object) -> None:
    if resource == "secrets" and (plain := made.pop("stringData", None)):
        encoded = {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()}
        made["data"] = {**(made.get("data") or {}), **encoded}


def _merged(old: Any, given: Any) -> Any:
    if not isinstance(given, dict):
        return copy.deepcopy(given)
    new = dict(old) if isinstance(old, dict) else {}
    for key, value in given.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = _merged(new.get(key), value)
    return copy.deepcopy(new)


def _json_patched(old: Object, steps: list[Any]) -> Object:
    new = copy.deepcopy(old)
    for step in steps:
        *path, last = [p.replace("~1", "/").replace("~0", "~") for p in step["path"].split("/")[1:]]
        at: Any = new
        for name in path:
            at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
        if isinstance(at, list):
            place = len(at) if last == "-" else int(last)
            at[place : place + (step["op"] != "add")] = (
                [] if step["op"] == "remove" else [step["value"]]
            )
        elif step["op"] == "remove":
            at.pop(last, None)
        else:
            at[last] = step["value"]
    return new
