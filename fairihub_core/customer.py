"""From the text of a customer.yaml to a Team: leniently understood, strictly reported.

What is ambiguous about who may come in or how much they get refuses the file; everything else is
repaired or left aside, and said.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType

from pydantic import Field

from fairihub_core import clock
from fairihub_core.customer_format import (
    API_VERSION,
    DATA_KEYS,
    INVENTORY_KEYS,
    KIND,
    PROFILE_PREFIX,
    SPEC_KEYS,
)
from fairihub_core.findings import Finding
from fairihub_core.login_reading import read_date, read_logins
from fairihub_core.notes import Notes, nearest
from fairihub_core.profile_reading import read_profile
from fairihub_core.quantities import bytes_of, seconds_of
from fairihub_core.teams import PUBLIC, Frozen, FrozenNumbers, Profile, Team
from fairihub_core.yaml_tree import Mapping as Tree
from fairihub_core.yaml_tree import Node, NotYaml, Scalar, Sequence, read_tree

Holding = tuple[str, str]
"""What only one team may have: a `team`, `namespace` or `bucket`, and its name."""

log = logging.getLogger("fairihub.teams")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Reading(Frozen):
    """What one file came to. `team` is None when an error was found, or it defines none."""

    path: str
    team: Team | None = None
    findings: tuple[Finding, ...] = ()
    lines: FrozenNumbers = Field(default_factory=lambda: MappingProxyType({}))
    """The line of each login, of `expirationDate`, of `allowedLogins`, of `allowClaims`."""

    @property
    def ok(self) -> bool:
        return all(f.severity != "error" for f in self.findings)


def read_customers(files: Mapping[str, str], today: date | None = None) -> tuple[Reading, ...]:
    """Every file, in the order given; the first to name a team, namespace or bucket has it."""
    return undisputed([read_customer(text, path, today) for path, text in files.items()], {})


def undisputed(readings: Iterable[Reading], held: Mapping[Holding, str]) -> tuple[Reading, ...]:
    """The readings, without the teams that want what another file holds before them.

    Args:
        readings: of two that want the same, the first has it.
        held: what is held already, and the path of the file that holds it.
    """
    taken = dict(held)
    return tuple(_undisputed(reading, taken) for reading in readings)


def holdings_of(team: Team) -> tuple[Holding, ...]:
    """What only one team may have: its name, its namespace, its buckets."""
    return (
        ("team", team.name),
        ("namespace", team.namespace),
        *(("bucket", bucket) for bucket in team.buckets),
    )


def read_customer(text: str, path: str, today: date | None = None) -> Reading:
    """The team that `text` describes. Never raises: what is wrong becomes a finding."""
    notes = Notes()
    try:
        team = _described(read_tree(text), notes, today or clock.today())
    except NotYaml as problem:
        return Reading(path=path, findings=(problem.finding,))
    except Exception:
        # One odd file must not keep the others, and who was removed there, from counting.
        log.exception("%s brought the reader of team files to a stop", path)
        notes.error(
            None,
            "internal",
            "Reading this file failed, which is a defect of fairihub; the log says more. "
            "Undo its last change and report it.",
        )
        team = None
    return Reading(
        path=path,
        team=None if notes.refused else team,
        findings=notes.findings,
        lines=notes.lines,
    )


def _described(documents: tuple[Node, ...], notes: Notes, today: date) -> Team | None:
    customers = [d for d in documents if isinstance(d, Tree) and _is_customer(d, notes)]
    if not documents:
        notes.error(None, "no-team", "The file is empty.")
    elif not customers and not notes.findings:
        notes.error(documents[0], "no-team", "No `kind: Customer` with metadata and spec in it.")
    if len(customers) > 1:
        notes.error(customers[1], "several-teams", "A file describes one team; split it.")
    return _team(customers[0], notes, today) if customers else None


def _undisputed(reading: Reading, taken: dict[Holding, str]) -> Reading:
    if reading.team is None:
        return reading
    holdings = holdings_of(reading.team)
    found = tuple(
        Finding(
            severity="error",
            code=f"{what}-taken",
            message=f"The {what} “{name}” belongs to {taken[what, name]} already.",
        )
        for what, name in holdings
        if taken.get((what, name), reading.path) != reading.path
    )
    if found:
        return Reading(path=reading.path, findings=(*reading.findings, *found))
    taken.update(dict.fromkeys(holdings, reading.path))
    return reading


def _is_customer(document: Tree, notes: Notes) -> bool:
    kind = document.get("kind")
    written = kind.text if isinstance(kind, Scalar) else ""
    if written == "Secret" and (document.get("data") or document.get("stringData")):
        notes.error(
            document.key("data") or document.key("stringData"),
            "plain-secret",
            "A Secret with its values in a file is readable by all who read the file. "
            "Seal it (SealedSecret), remove it from the history, and change the secret.",
        )
        return False
    if written and written != KIND:
        notes.info(kind, "other-kind", f"A {written[:60]} describes no team; left aside.")
        return False
    if not written:
        if document.get("spec") is None and document.get("metadata") is None:
            return False
        notes.warning(document, "no-kind", "`kind: Customer` is missing.", f"kind: {KIND}")
    version = document.get("apiVersion")
    if not isinstance(version, Scalar) or version.text != API_VERSION:
        notes.warning(version or document, "api-version", f"apiVersion should be {API_VERSION}.")
    return True


def _team(document: Tree, notes: Notes, today: date) -> Team:
    spec = _mapping(document.get("spec"), "spec", notes) or Tree()
    activations = _rows(_found("activations", (spec, document), notes), "activations", notes)
    places = (*activations, spec, document)
    _duplicates((document, spec, *activations), notes)
    _report_unknown(
        spec, SPEC_KEYS | {"data", "expirationDate"}, {"inventory", "allowedLogins"}, notes
    )
    for tree in (*activations, document):
        _report_misspelt("allowedLogins", tree, notes)
    datas = [d for d in _everywhere("data", places, activations, notes) if isinstance(d, Tree)]
    name = _name(document, notes)
    profiles = _profiles(datas, notes)
    logins = _everywhere("allowedLogins", places, activations, notes)
    if logins:
        notes.mark("allowedLogins", logins[0])
    return Team(
        name=name,
        namespace=_namespace(spec, document, name, notes),
        expires=_expiry(places, notes, today),
        members=read_logins(logins, places, notes),
        profiles=profiles,
        allow_claims=_allows_claims(spec, notes),
        **_sizes(datas, profiles, notes),
    )


def _name(document: Tree, notes: Notes) -> str:
    metadata = _mapping(document.get("metadata"), "metadata", notes) or Tree()
    node = _found("name", (metadata, document), notes)
    name = node.text if isinstance(node, Scalar) else ""
    if not _LABEL.fullmatch(name) or name == PUBLIC:
        notes.error(
            node or metadata,
            "bad-team-name",
            f"metadata.name is “{name[:80]}”; a team's name has lower case letters, digits and "
            f"hyphens, 63 at most, and is not “{PUBLIC}”.",
        )
    return name


def _namespace(spec: Tree, document: Tree, name: str, notes: Notes) -> str:
    node = _found("k8s-namespace", (spec, document), notes)
    if node is None:
        notes.warning(spec, "no-namespace", "k8s-namespace is missing.", f"k8s-namespace: {name}")
        return name
    namespace = node.text if isinstance(node, Scalar) else ""
    reserved = namespace.startswith("kube-") or namespace == "default"
    if not _LABEL.fullmatch(namespace) or reserved:
        why = "belongs to Kubernetes itself" if reserved else "is no name of a namespace"
        notes.error(node, "bad-namespace", f"k8s-namespace “{namespace[:80]}” {why}.")
    return namespace


def _allows_claims(spec: Tree, notes: Notes) -> bool:
    node = spec.get("allowClaims")
    if node is None:
        return False
    notes.mark("allowClaims", node)
    text = node.text.strip().lower() if isinstance(node, Scalar) else ""
    if text not in ("true", "false", "yes", "no"):
        notes.error(node, "bad-flag", f"allowClaims is true or false, not “{text[:40]}”.")
    return text in ("true", "yes")


def _expiry(places: tuple[Tree, ...], notes: Notes, today: date) -> date | None:
    """The earliest date; one that is misspelt or misplaced must not leave a team open for ever."""
    *activations, spec, document = places
    inventory = _rows(_found("inventory", (spec, document), notes), "inventory", notes)
    for row in inventory:
        _report_unknown(row, INVENTORY_KEYS, {"expirationDate"}, notes)
    nodes = [v for row in inventory for k, v in row.pairs if k.text == "expirationDate"]
    metadata = document.get("metadata")
    for tree in (*activations, *([metadata] if isinstance(metadata, Tree) else [])):
        if key := tree.key("expirationDate"):
            notes.error(key, "misplaced-date", "expirationDate belongs under inventory.")
    loose = _found("expirationDate", (Tree(), spec, document), notes)
    if nodes and loose is not None:
        notes.error(loose, "ambiguous", "“expirationDate” stands in two places; keep one.")
    nodes = nodes or ([loose] if loose is not None else [])
    dates = [d for d in (read_date(n, notes) for n in nodes) if d]
    if not nodes:
        notes.warning(spec, "no-expiry", "No expirationDate in inventory: the team never closes.")
    if not dates:
        return None
    expires = min(dates)
    notes.mark("expirationDate", nodes[0])
    if len(set(dates)) > 1:
        notes.warning(nodes[0], "several-dates", "Several expirationDates.", f"{expires}")
    if expires < today:
        notes.warning(nodes[0], "expired", f"The team is closed: it expired on {expires}.")
    return expires


def _report_unknown(tree: Tree, known: set[str], decisive: set[str], notes: Notes) -> None:
    """Keys that are none; one that may be meant to limit access is no mere slip."""
    for key, _ in tree.pairs:
        if key.text not in known:
            # However many slips there were before: none of what limits access is overlooked.
            near = nearest(key.text, decisive) and nearest(key.text, known)
            hint = near or notes.nearest(key.text, known)
            grave = any(f"“{name}”" in near for name in decisive)
            say = notes.error if grave else notes.warning
            say(key, "unknown-key", f"Unknown key “{key.text[:60]}”.{hint}")


def _report_misspelt(name: str, tree: Tree, notes: Notes) -> None:
    """A slip here must not empty the team: the file is refused, and stays as it was."""
    for key, _ in tree.pairs:
        if key.text != name and (hint := nearest(key.text, (name,))):
            notes.error(key, "unknown-key", f"Unknown key “{key.text[:60]}”.{hint}")


def _profiles(datas: list[Tree], notes: Notes) -> tuple[Profile, ...]:
    found: dict[str, Profile] = {}
    for key, value in (pair for data in datas for pair in data.pairs):
        if not key.text.startswith(PROFILE_PREFIX):
            continue
        profile = read_profile(key, value, notes)
        if profile is None:
            continue
        if profile.slug in found:
            notes.error(key, "duplicate-key", f"The profile “{profile.slug}” stands twice.")
        found[profile.slug] = profile
    if not found and datas:
        notes.warning(datas[0], "no-profiles", "No profile: nobody can start a server here.")
    return tuple(found.values())


def _sizes(
    datas: list[Tree], profiles: tuple[Profile, ...], notes: Notes
) -> dict[str, int | str | dict[str, int]]:
    """The team's sizes and quotas, out of what stands beside the profiles."""
    purposes = {p.node_purpose for p in profiles if p.node_purpose}
    fields: dict[str, int | str | dict[str, int]] = {}
    seconds: dict[str, int] = {}
    for key, value in (pair for data in datas for pair in data.pairs):
        name, text = key.text, value.text if isinstance(value, Scalar) else ""
        if name.startswith(PROFILE_PREFIX):
            continue
        if name in ("s3_bucket", "storage"):
            size = bytes_of(text)
            if size is None:
                notes.error(value, "bad-size", f"{name} cannot be “{text[:60]}”.")
            else:
                fields[name] = size
        elif name == "url":
            if re.fullmatch(r"https?://[^\s\"'<>]{1,500}", text):
                fields["url"] = text
            else:
                notes.warning(value, "bad-url", "url is no web address; left aside.")
        elif name == "user" or name in purposes:
            quota = seconds_of(text)
            if quota is None:
                notes.error(value, "bad-size", f"{name} is in seconds, not “{text[:60]}”.")
            else:
                seconds[name] = quota
        else:
            hint = notes.nearest(name, {*DATA_KEYS, *purposes})
            notes.warning(
                key, "unknown-key", f"“{name[:60]}” is no size and no profile's node_purpose.{hint}"
            )
    return {**fields, "seconds": seconds}


def _everywhere(
    name: str, places: tuple[Tree, ...], activations: list[Tree], notes: Notes
) -> list[Node]:
    """`name` in each activation; else where lost indentation may have left it."""
    found = [n for n in (a.get(name) for a in activations) if n is not None]
    # An empty one among activations (`data:` with its keys beside it) is none.
    found = [n for n in found if not (isinstance(n, Scalar) and not n.text)]
    loose = _found(name, (Tree(), *(p for p in places if p not in activations)), notes, bool(found))
    if found and loose is not None:
        notes.error(loose, "ambiguous", f"“{name}” stands here and under activations; keep one.")
    return found or ([loose] if loose is not None else [])


def _found(name: str, places: tuple[Tree, ...], notes: Notes, quiet: bool = False) -> Node | None:
    """`name` at its place, the first; else at one of the others, which is a finding."""
    found = [(p, p.get(name)) for p in places]
    present = [(p, value) for p, value in found if value is not None]
    if not present:
        return None
    if len(present) > 1 and name != "name":
        notes.error(present[1][1], "ambiguous", f"“{name}” stands in two places; keep one.")
    place, value = present[0]
    if place is not places[0] and not quiet and name != "allowedLogins":
        where = "top level" if place is places[-1] else "in spec"
        notes.warning(
            place.key(name), "unindented", f"“{name}” stands {where}; it belongs further in.", name
        )
    return value


def _duplicates(trees: Iterable[Tree], notes: Notes) -> None:
    for tree in trees:
        for key in tree.duplicates():
            notes.error(key, "duplicate-key", f"“{key.text[:60]}” stands twice in one place.")


def _mapping(node: Node | None, name: str, notes: Notes) -> Tree | None:
    if node is None or isinstance(node, Tree):
        return node
    notes.error(node, "bad-structure", f"“{name}” must hold keys and values.")
    return None


def _rows(node: Node | None, name: str, notes: Notes) -> list[Tree]:
    """The mappings of a list; one mapping where a list is due counts as its only row."""
    if node is None:
        return []
    if isinstance(node, Tree):
        notes.warning(node, "no-list", f"“{name}” should be a list.", f"{name} with one entry")
        return [node]
    rows = [i for i in node.items if isinstance(i, Tree)] if isinstance(node, Sequence) else []
    if not isinstance(node, Sequence) or len(rows) != len(node.items):
        notes.error(node, "bad-structure", f"“{name}” must be a list of entries with keys.")
    return rows
