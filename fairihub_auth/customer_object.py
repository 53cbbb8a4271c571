"""A Customer object as a team file: its text, and what it may say, in terms of the object.

Whoever may create Customer objects in a namespace must not get hold of what is another's. So an
object outside the namespace of the operators describes the team of its own namespace and no
other: its name and its `k8s-namespace` are those of the namespace, its bucket bears that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from fairihub_core.customer import Reading
from fairihub_core.errors import TooLarge, Unreadable
from fairihub_core.findings import Finding
from fairihub_core.logins import printable
from fairihub_core.teams import Team
from fairihub_core.yaml_tree import MAX_BYTES, Node, NotYaml, Scalar, read_tree
from fairihub_core.yaml_tree import Mapping as Tree
from fairihub_core.yaml_tree import Sequence as Items

_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_VERSION = re.compile(r"[A-Za-z0-9.-]{1,40}")
_Place = tuple[int, int]


@dataclass(frozen=True)
class CustomerObject:
    """One Customer object, as the cluster had it at one moment."""

    namespace: str
    name: str
    uid: str
    generation: int
    version: str
    """The `resourceVersion` at which this generation was seen first: a status written changes
    that of the object, and not what the object says."""
    created: str
    body: Mapping[str, Any]
    status: Mapping[str, Any]

    @property
    def path(self) -> str:
        """What findings and the log call it."""
        return f"{self.namespace}/{self.name}"

    @property
    def stamp(self) -> tuple[str, int]:
        """Another one when what the object says is another; a status written leaves it."""
        return (self.uid, self.generation)

    def as_known_since(self, earlier: CustomerObject | None) -> CustomerObject:
        """This object; by the version of `earlier`, if that said the same."""
        if earlier is None or earlier.stamp != self.stamp:
            return self
        return replace(self, version=earlier.version)

    def text(self) -> str:
        """What it says, as a team file would.

        Raises:
            TooLarge: more than a team file may have.
            Unreadable: it cannot be written as YAML.
        """
        try:
            text = str(yaml.dump(self.body, Dumper=_Dumper, sort_keys=False, width=MAX_BYTES))
        except (yaml.YAMLError, UnicodeError, RecursionError) as problem:
            said = "The object holds what cannot be written as YAML."
            raise Unreadable("file-unreadable", said) from problem
        if len(text.encode()) > MAX_BYTES:
            raise TooLarge(
                "file-too-large", f"The object is larger than {MAX_BYTES // 1024:,} KiB."
            )
        return text


def object_from(raw: Mapping[str, Any]) -> CustomerObject:
    """The object that the API gave.

    Raises:
        ValueError: it lacks what every object has.
    """
    try:
        metadata = raw["metadata"]
        status = raw.get("status")
        status = status if isinstance(status, dict) else {}
        generation = int(metadata.get("generation", 0))
        named = {"name": metadata["name"], "namespace": metadata["namespace"]}
        rest = {k: v for k, v in raw.items() if k not in ("metadata", "status")}
        return CustomerObject(
            namespace=str(metadata["namespace"]),
            name=str(metadata["name"]),
            uid=str(metadata["uid"]),
            generation=generation,
            version=_first_seen(metadata, status, generation),
            created=str(metadata.get("creationTimestamp", "")),
            body={"metadata": named, **rest},
            status=status,
        )
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError("this is no object of Kubernetes") from problem


def _first_seen(metadata: Mapping[str, Any], status: Mapping[str, Any], generation: int) -> str:
    noted = status.get("observedResourceVersion")
    if status.get("observedGeneration") != generation or not isinstance(noted, str):
        noted = ""
    return noted if _VERSION.fullmatch(noted) else str(metadata["resourceVersion"])


def judged(reading: Reading, found: CustomerObject, operators: str | None) -> Reading:
    """What was read of the object's text, with places in the object, and without what it may not.

    Args:
        operators: the namespace whose objects may describe any team; None if there is none.
    """
    findings = (*_placed(reading.findings, found), *_lost_logins(found))
    if reading.team is not None and found.namespace != operators:
        findings = (*findings, *_trespasses(reading.team, found))
    refused = any(f.severity == "error" for f in findings)
    return reading.model_copy(
        update={
            "team": None if refused else reading.team,
            "findings": findings,
            "lines": dict.fromkeys(reading.lines, 0),
        }
    )


def _error(found: CustomerObject, field: str, code: str, message: str) -> Finding:
    return Finding(severity="error", code=code, message=f"{cited(found, field)}{message}")


def cited(found: CustomerObject, field: str = "") -> str:
    """How a message begins: the object, its version, and the field."""
    return f"{found.path}@{found.version}{f', {field}' if field else ''}: "


def _placed(findings: tuple[Finding, ...], found: CustomerObject) -> tuple[Finding, ...]:
    """The findings, with the field of the object in place of the line of its text."""
    if not findings:
        return ()
    try:
        fields = dict(_fields(found.text()))
    except (NotYaml, TooLarge, Unreadable):
        fields = {}
    by_line = {line: field for (line, _), field in reversed(list(fields.items()))}
    return tuple(
        f.model_copy(
            update={
                "line": 0,
                "column": 0,
                "message": cited(found, fields.get((f.line, f.column)) or by_line.get(f.line, ""))
                + f.message,
            }
        )
        for f in findings
    )


def _fields(text: str) -> Iterator[tuple[_Place, str]]:
    """The field at each place of the text; of several at one place the outermost."""
    known: set[_Place] = set()
    for document in read_tree(text):
        for place, field in _walk(document, ""):
            if place not in known:
                known.add(place)
                yield place, field


def _walk(node: Node, field: str) -> Iterator[tuple[_Place, str]]:
    if field:
        yield (node.line, node.column), field
    if isinstance(node, Tree):
        for key, value in node.pairs:
            below = _joined(field, key)
            yield (key.line, key.column), below
            yield from _walk(value, below)
    elif isinstance(node, Items):
        for number, item in enumerate(node.items):
            yield from _walk(item, f"{field}[{number}]")


def _joined(field: str, key: Scalar) -> str:
    name = printable(key.text, 60)
    return f"{field}.{name}" if field else name


def _lost_logins(found: CustomerObject) -> Iterator[Finding]:
    """Logins that are no text: YAML has made `0123` or `on` something else on their way here.

    A file still shows what was written; here nobody knows who was meant.
    """
    for field, login in _logins(found.body, ""):
        if login is not None and not isinstance(login, str):
            shown = str(login).lower()[:40]
            said = f"the login arrives as {shown}, which is no text. Put it in quotes where it is "
            yield _error(found, field, "lost-login", f"{said}written.")


def _logins(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, below in value.items():
            name = printable(str(key), 60)
            within = f"{field}.{name}" if field else name
            if key == "userName":
                yield within, below
            else:
                yield from _logins(below, within)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _logins(item, f"{field}[{number}]")


def _trespasses(team: Team, found: CustomerObject) -> Iterator[Finding]:
    own = found.namespace
    if team.namespace != own:
        said = (
            f"an object in namespace “{own}” describes the team of that namespace; the namespace "
            f"“{team.namespace}” takes one in the namespace of the operators."
        )
        yield _error(found, "spec.k8s-namespace", "foreign-namespace", said)
    elif team.name != own:
        said = (
            f"the team of namespace “{own}” is called “{own}”; another name takes an object in "
            "the namespace of the operators."
        )
        yield _error(found, "metadata.name", "foreign-name", said)
    for bucket in team.buckets:
        if bucket not in (own, f"hub-{own}"):
            said = (
                f"the bucket “{bucket}” is not “{own}” or “hub-{own}”; another one takes an object "
                "in the namespace of the operators."
            )
            yield _error(found, "spec.activations", "foreign-bucket", said)
