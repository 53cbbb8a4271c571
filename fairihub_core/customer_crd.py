"""The CustomResourceDefinition of Customer objects, from the table of the keys of a team file.

As lenient as the reader: what it repairs and reports must reach it, and one odd object must not
keep a whole repository from being applied. So a key has a type only where the reader refuses
every other one; keys that nobody knows are kept; the verdict stands in the status.
"""

from __future__ import annotations

from typing import Any

from fairihub_core.customer_format import (
    ACTIVATION_KEYS,
    DATA_KEYS,
    GROUP,
    INVENTORY_KEYS,
    KIND,
    LOGIN_KEYS,
    PLURAL,
    PROFILE_PREFIX,
    VERSION,
    Key,
)

Schema = dict[str, Any]

SINGULAR = KIND.lower()
_KEEP = {"x-kubernetes-preserve-unknown-fields": True}
_WHOLE = ("bytes", "count", "seconds")
"""Kinds of which the reader takes whole numbers and texts, and nothing else."""

_COLUMNS = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
    ("Team", "string", ".status.team", 1),
    ("Members", "integer", ".status.members", 0),
    ("Expires", "string", ".status.expires", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Message", "string", '.status.conditions[?(@.type=="Ready")].message', 1),
)


def customer_crd() -> dict[str, Any]:
    """What `kubectl apply` takes so that a cluster knows Customer objects."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": ["cust"],
                "categories": ["fairihub"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(*column) for column in _COLUMNS],
                    "schema": {"openAPIV3Schema": _whole()},
                }
            ],
        },
    }


def _column(name: str, kind: str, path: str, priority: int) -> Schema:
    return {"name": name, "type": kind, "jsonPath": path, "priority": priority}


def _whole() -> Schema:
    return {
        "type": "object",
        "description": "One team: who belongs to it, what they may start, and until when.",
        "properties": {"spec": _spec(), "status": _status()},
        **_KEEP,
    }


def _spec() -> Schema:
    logins = _rows("Who belongs to the team.", _keys(LOGIN_KEYS))
    activation = {
        **{name: _loose() for name in sorted(ACTIVATION_KEYS - {"data", "allowedLogins"})},
        "data": _mapping(
            f"Sizes, quotas, and profiles: `{PROFILE_PREFIX}NAME` holds `key=value` pairs "
            "separated by commas, or a mapping with the same keys.",
            _keys(DATA_KEYS),
        ),
        "allowedLogins": logins,
    }
    inventory = {name: _loose() for name in sorted(INVENTORY_KEYS)}
    inventory["expirationDate"] = _loose("The last day (UTC) on which the team is open.")
    spec = {
        "k8s-namespace": _loose("Where the team's pods, volumes and secrets live."),
        "creationTimestamp": _loose(),
        "inventory": _rows("Until when the team is open.", inventory),
        "activations": _rows("What the team's members may start.", activation),
        "allowedLogins": logins,
        "allowClaims": _loose("Whether a claim of the sign-in provider may bring members."),
    }
    return _mapping("What a customer.yaml says of the team.", spec)


def _keys(table: dict[str, Key]) -> dict[str, Schema]:
    return {key.name: _value(key) for key in table.values()}


def _value(key: Key) -> Schema:
    if key.kind in _WHOLE:
        return {"x-kubernetes-int-or-string": True, "nullable": True, "description": key.help}
    return _loose(key.help)


def _loose(description: str = "") -> Schema:
    """Any value: YAML makes truth values, fractions and dates of what was meant as a text."""
    return {**_KEEP, "nullable": True, **({"description": description} if description else {})}


def _rows(description: str, properties: dict[str, Schema]) -> Schema:
    """A list of mappings; or what was to be one, which the reader says then."""
    return {**_loose(description), "items": {**_loose(), "properties": properties}}


def _mapping(description: str, properties: dict[str, Schema]) -> Schema:
    """A mapping, or nothing where its keys have lost their indentation."""
    return {**_loose(description), "properties": properties}


def _status() -> Schema:
    text: Schema = {"type": "string"}
    number: Schema = {"type": "integer", "format": "int64"}
    finding = {
        "severity": text,
        "code": {**text, "description": "What the reference says more about."},
        "message": text,
        "understood": {**text, "description": "What was made of it."},
        "object": {**text, "description": "Namespace and name of the object that was read."},
        "resourceVersion": {**text, "description": "The version of it that was read."},
    }
    condition = {
        "type": text,
        "status": {**text, "enum": ["True", "False", "Unknown"]},
        "reason": text,
        "message": text,
        "observedGeneration": number,
        "lastTransitionTime": {**text, "format": "date-time"},
    }
    return {
        "type": "object",
        "description": "What the hub made of it.",
        "properties": {
            "observedGeneration": number,
            "observedResourceVersion": text,
            "team": {**text, "description": "The team in force."},
            "members": {**number, "description": "How many logins the team has."},
            "expires": {**text, "description": "The last day (UTC) on which the team is open."},
            "conditions": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
                "items": _object(condition, required=["type", "status"]),
            },
            "findings": {"type": "array", "items": _object(finding)},
        },
        **_KEEP,
    }


def _object(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    more = {"required": required} if required else {}
    return {"type": "object", "properties": properties, **more, **_KEEP}
