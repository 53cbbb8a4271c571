"""The OpenAPI 3.0 document, made from the route table and the models: it cannot disagree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from fairihub_core.scopes import DESCRIPTIONS, READ_RUNS, RUN
from fairihub_headless.models import (
    FileList,
    JobList,
    OgcException,
    RunState,
    StatusInfo,
)
from fairihub_headless.requests import INPUTS, OUTPUTS
from fairihub_headless.web.asked import KEYS
from fairihub_headless.web.routing import Operation, Route

_DOOR = "access:services!service=headless"
_MODELS = (StatusInfo, JobList, FileList, OgcException)
_TEMPLATE = "#/components/schemas/{model}"
_PARAMETERS: dict[str, dict[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
    "offset": {"type": "integer", "minimum": 0, "default": 0},
    "cursor": {"type": "string", "description": "Of a link `next` or `prev`: where a page begins."},
    "status": {
        "type": "array",
        "items": {"type": "string", "enum": [s.value for s in RunState]},
        "description": "Runs that stand so; several with commas, or by the name again.",
    },
    "processID": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Runs of these processes.",
    },
    "q": {
        "type": "string",
        "maxLength": 200,
        "description": "Runs in whose notebook's name, or in why they failed, all these words are.",
    },
    "datetime": {
        "type": "string",
        "description": "Runs that were asked for then: a moment, or a period such as "
        "`2026-11-01/2026-11-30` or `2026-11-22T08:00:00Z/..`.",
    },
    "minDuration": {"type": "number", "minimum": 0, "description": "Ended runs, in seconds."},
    "maxDuration": {"type": "number", "minimum": 0, "description": "Ended runs, in seconds."},
    "pinned": {"type": "boolean", "description": "Runs that are kept whatever their age, or not."},
    "sort": {
        "type": "string",
        "enum": [sign + key for key in KEYS for sign in ("", "-")],
        "default": "-created",
    },
    "team": {
        "type": "string",
        "description": "Runs of this team: all of them for its admins, else only your own. "
        "`*` means all teams that you look after.",
    },
    "owner": {"type": "string", "description": "Runs of this member, as far as you see them."},
    "tail": {
        "type": "integer",
        "minimum": 0,
        "description": "So many lines at the end of the log. The header `Fairihub-Log-Range` of "
        "the answer says which bytes they are: start-end/size.",
    },
    "log.offset": {"type": "integer", "minimum": 0, "description": "From this byte on."},
    "log.limit": {"type": "integer", "minimum": 0, "description": "So many bytes at most."},
    "last_event_id": {
        "type": "integer",
        "minimum": 0,
        "description": "The id of the last event that was received; as the header `Last-Event-ID`. "
        "Output goes on from there.",
    },
    "code": {"type": "string", "enum": ["show", "hide"], "default": "show"},
    "f": {"type": "string", "enum": ["json", "html"]},
}


def openapi_document(
    routes: Sequence[Route], base: str, title: str, hub_url: str
) -> dict[str, Any]:
    """All that this service answers, for machines.

    Args:
        hub_url: where the hub's addresses begin, such as `/`.
    """
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": "1.0.0"},
        "servers": [{"url": base.rstrip("/")}],
        "paths": {
            route.path or "/": {
                operation.method.lower(): _operation(route, operation)
                for operation in route.operations
            }
            for route in routes
            if not route.for_people
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": _ways_in(hub_url),
        },
    }


def _ways_in(hub_url: str) -> dict[str, Any]:
    """An API token, or a browser's session; either may be limited to scopes."""
    return {
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`token …`, `Token …` or `Bearer …` with an API token. What it must "
            f"hold besides `{_DOOR}` is said of each operation.",
        },
        "session": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"{hub_url}hub/api/oauth2/authorize",
                    "tokenUrl": f"{hub_url}hub/api/oauth2/token",
                    "scopes": {
                        _DOOR: "Use this service.",
                        **{scope: DESCRIPTIONS[scope] for scope in (RUN, READ_RUNS)},
                    },
                }
            },
        },
    }


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    needs = [] if operation.needs is None else [operation.needs]
    return [{"token": []}, {"session": [_DOOR, *needs]}]


def _operation(route: Route, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        **({"description": f"Needs `{operation.needs}`."} if operation.needs else {}),
        "security": _security(operation),
        "parameters": [
            *(
                {"name": n, "in": "path", "required": True, "schema": {"type": "string"}}
                for n in re.findall(r"\{(\w+)\}", route.path)
            ),
            *(_in_query(name) for name in operation.query),
        ],
        "responses": {
            str(operation.status): _answer(operation),
            "default": {
                "description": "What went wrong.",
                "content": _json({"$ref": _TEMPLATE.format(model="OgcException")}),
            },
        },
    }
    if operation.takes:
        described["requestBody"] = {
            "required": True,
            "content": _json({"$ref": _TEMPLATE.format(model=operation.takes)}),
        }
    return described


def _in_query(name: str) -> dict[str, Any]:
    """A parameter of the query; what stands before a dot tells it from another of its name."""
    schema = _PARAMETERS[name]
    # Arrays: with commas, as the standard's own filters are.
    style = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
    return {"name": name.rpartition(".")[2], "in": "query", "schema": schema, **style}


def _answer(operation: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    if operation.gives is not None:
        schema = {"$ref": _TEMPLATE.format(model=operation.gives)}
    if operation.kind != "application/json":
        schema = {"type": "string", "format": "binary"}
    return {"description": operation.summary, "content": {operation.kind: {"schema": schema}}}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema(
        [(model, "serialization") for model in _MODELS], ref_template=_TEMPLATE
    )
    schemas: dict[str, Any] = {name: _as_3_0(s) for name, s in found["$defs"].items()}
    schemas["Again"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "inputs": {
                "type": "object",
                "description": "The inputs that change, as in `Execute`. Parameters that are "
                "named are set, the others stay; null takes an input back.",
            }
        },
    }
    schemas["Execute"] = {
        "type": "object",
        "required": ["inputs"],
        "additionalProperties": False,
        "properties": {
            "inputs": {
                "type": "object",
                "required": ["notebook"],
                "additionalProperties": False,
                "properties": {
                    name: _as_3_0({**told.schema, "description": told.description})
                    for name, told in INPUTS.items()
                },
            },
            "outputs": {
                "type": "object",
                "additionalProperties": False,
                "properties": dict.fromkeys(OUTPUTS, _CHOICE),
            },
            "response": {"type": "string", "enum": ["document", "raw"]},
        },
    }
    return schemas


_CHOICE = {
    "type": "object",
    "properties": {"transmissionMode": {"type": "string", "enum": ["value", "reference"]}},
}


def _as_3_0(schema: Any) -> Any:
    """pydantic speaks the newer dialect: `null` as a type, `const`, encodings of contents."""
    if isinstance(schema, list):
        return [_as_3_0(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {k: _as_3_0(v) for k, v in schema.items() if not k.startswith("content")}
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    choices = plain.get("anyOf", [])
    if {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        del plain["anyOf"]
        plain |= {"nullable": True} | (rest[0] if len(rest) == 1 else {"anyOf": rest})
    if "$ref" in plain and len(plain) > 1:
        reference = {"$ref": plain.pop("$ref")}
        plain = {"allOf": [reference], **plain}
    return plain
