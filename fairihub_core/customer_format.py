"""The keys of a customer.yaml in one table: the reader, the JSON Schema and the docs follow it.

Source of the format: D4.1 “FAIRiCUBE Hub Architecture”, section 3.1.10; `hub.eox.at/v1alpha1`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

API_VERSION = "hub.eox.at/v1alpha1"
GROUP, VERSION = API_VERSION.split("/")
KIND = "Customer"
PLURAL = "customers"
"""What Kubernetes calls such objects in addresses."""
PROFILE_PREFIX = "profile_"

Kind = Literal[
    "text", "name", "names", "bytes", "cores", "hours", "count", "seconds", "flag", "date", "url"
]


@dataclass(frozen=True)
class Key:
    """One key: what kind of value it holds, and what it means to a reader of the docs."""

    name: str
    kind: Kind
    help: str
    ours: bool = False
    """Not in the published format; optional everywhere."""


PROFILE_KEYS = {
    key.name: key
    for key in (
        Key("display_name", "text", "What a person sees."),
        Key("node_purpose", "name", "Which nodes: a label, and the key of the quota."),
        Key("mem_guarantee", "bytes", "Memory that is reserved."),
        Key("mem_limit", "bytes", "Memory that is never exceeded."),
        Key("cpu_guarantee", "cores", "CPU cores that are reserved."),
        Key("cpu_limit", "cores", "CPU cores that are never exceeded."),
        Key("s3_bucket_name", "name", "The team bucket, seen at `~/s3`."),
        Key("secret_names", "names", "Secrets of the team's namespace, separated by `;` or `+`."),
        Key("gpu", "count", "How many GPUs.", ours=True),
        Key("gpu_resource", "text", "What Kubernetes calls the GPU.", ours=True),
        Key("image", "text", "Container image, pinned.", ours=True),
        Key("description", "text", "What the profile is good for.", ours=True),
        Key("default", "flag", "Preselected on the profile page.", ours=True),
        Key("kernels", "names", "Kernels to offer, separated by `;` or `+`.", ours=True),
        Key("storage", "bytes", "Size of the home, if other than the team's.", ours=True),
        Key("max_hours", "hours", "A server ends after so many hours.", ours=True),
    )
}

DATA_KEYS = {
    key.name: key
    for key in (
        Key("s3_bucket", "bytes", "Size of the team's bucket."),
        Key("storage", "bytes", "Size of a member's home."),
        Key("user", "seconds", "Seconds of server time per member in a rolling 30 days, in all."),
        Key("url", "url", "The hub's address, for links."),
    )
}

LOGIN_KEYS = {
    key.name: key
    for key in (
        Key("userName", "text", "The login, upper and lower case alike."),
        Key("role", "text", "`admin` or `user`."),
        Key("email", "text", "For contact only: it never grants anything."),
        Key("approvalTimestamp", "text", "When the login was approved."),
        Key("creationTimestamp", "text", "When the entry was made."),
        Key("rights", "names", "`notebooks`, `environments`: what to curate.", ours=True),
        Key("expirationDate", "date", "The last day of this membership.", ours=True),
        Key("githubId", "count", "The number of the GitHub account.", ours=True),
    )
}

SPEC_KEYS = {
    "k8s-namespace",
    "creationTimestamp",
    "inventory",
    "activations",
    "allowedLogins",
    "allowClaims",
}
INVENTORY_KEYS = {"entityId", "entityType", "expirationDate", "productKey", "creationTimestamp"}
ACTIVATION_KEYS = {
    "activationDate",
    "creationTimestamp",
    "data",
    "entityId",
    "entityType",
    "properties",
    "allowedLogins",
}

_PATTERNS: dict[Kind, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": 1000},
    "name": {"type": "string", "pattern": "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"},
    "names": {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    },
    "bytes": {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": r"^\d+(\.\d+)?\s?([KMGTP]i?|k)?B?$"},
        ]
    },
    "cores": {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": r"^\d+(\.\d+)?m?$"},
        ]
    },
    "hours": {
        "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": r"^\d+"}]
    },
    "count": {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+$"}]
    },
    "seconds": {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+$"}]
    },
    "flag": {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false", "yes", "no"]}]},
    "date": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}([T ].*)?$"},
    "url": {"type": "string", "pattern": "^https?://"},
}


def customer_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a customer.yaml, for editors and CI.

    It describes the file as it should be written; the reader understands more and reports it.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Customer",
        "description": "One team: who belongs to it, what they may start, and until when.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": KIND},
            "metadata": _metadata(),
            "spec": _spec(),
        },
        "$defs": {
            "profile": _object(PROFILE_KEYS, "A profile, written as a mapping."),
            "login": {**_object(LOGIN_KEYS, "One member."), "required": ["userName"]},
        },
    }


def _metadata() -> dict[str, Any]:
    name = {
        "type": "string",
        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "not": {"const": "public"},
        "description": "The team's name; its hub group.",
    }
    return {"type": "object", "required": ["name"], "properties": {"name": name}}


def _spec() -> dict[str, Any]:
    logins = {"type": "array", "items": {"$ref": "#/$defs/login"}}
    text = {"type": "string"}
    inventory = {**dict.fromkeys(sorted(INVENTORY_KEYS), text), "expirationDate": _of("date")}
    activation = {
        **dict.fromkeys(sorted(ACTIVATION_KEYS - {"data", "allowedLogins", "properties"}), text),
        "properties": {"type": "object"},
        "data": _data(),
        "allowedLogins": logins,
    }
    return {
        "type": "object",
        "required": ["k8s-namespace"],
        "properties": {
            "k8s-namespace": {**_of("name"), "description": "Where pods, volumes, secrets live."},
            "creationTimestamp": text,
            "inventory": {"type": "array", "items": {"type": "object", "properties": inventory}},
            "activations": {"type": "array", "items": {"type": "object", "properties": activation}},
            "allowedLogins": logins,
            "allowClaims": {
                **_of("flag"),
                "description": "Whether a claim of the sign-in provider may bring members.",
            },
        },
    }


def _data() -> dict[str, Any]:
    profile = {
        "description": "`key=value` pairs separated by commas, or a mapping with the same keys.",
        "anyOf": [{"type": "string", "pattern": "="}, {"$ref": "#/$defs/profile"}],
    }
    return {
        "type": "object",
        "properties": {key.name: _described(key) for key in DATA_KEYS.values()},
        "patternProperties": {f"^{PROFILE_PREFIX}[a-z0-9][a-z0-9-]*$": profile},
        "additionalProperties": {
            **_of("seconds"),
            "description": "Seconds of server time per member in 30 days, by node purpose.",
        },
    }


def _object(keys: dict[str, Key], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": {key.name: _described(key) for key in keys.values()},
        "additionalProperties": False,
    }


def _described(key: Key) -> dict[str, Any]:
    return {**_of(key.kind), "description": key.help}


def _of(kind: Kind) -> dict[str, Any]:
    return dict(_PATTERNS[kind])
