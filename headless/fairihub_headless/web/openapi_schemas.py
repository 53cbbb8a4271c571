"""The schemas in the OpenAPI document: of our models, of the standard, and of each process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from fairihub_headless.processes.model import ASYNC, DISMISS, SYNC, Input, Process
from fairihub_headless.processes.notebook_inputs import OUTPUTS
from fairihub_headless.web.answers import FileList, JobList, OgcException, StatusInfo
from fairihub_headless.web.openapi_parts import REFERENCE, TEXT

_MODELS = (StatusInfo, JobList, FileList, OgcException)
_OBJECT = {"type": "object"}


def is_a(model: str) -> dict[str, Any]:
    return {"$ref": REFERENCE.format(model=model)}


def _list_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


_CHOICE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "transmissionMode": {"type": "string", "enum": ["value", "reference"]},
        "format": {
            "type": "object",
            "description": "Only the one that the output has.",
            "properties": {"mediaType": {"type": "string"}},
        },
    },
}
_RESPONSE = {**TEXT, "enum": ["document", "raw"], "default": "document"}


def _wanted(outputs: Iterable[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Those that are wanted; left out, all are.",
        "additionalProperties": False,
        "properties": dict.fromkeys(outputs, _CHOICE),
    }


_SUMMARY = {
    "id": TEXT,
    "title": TEXT,
    "description": TEXT,
    "keywords": _list_of(TEXT),
    "version": TEXT,
    "jobControlOptions": _list_of({**TEXT, "enum": [SYNC, ASYNC, DISMISS]}),
    "outputTransmission": _list_of({**TEXT, "enum": ["value", "reference"]}),
    "links": _list_of(is_a("Link")),
}
_STANDARD: dict[str, Any] = {
    "LandingPage": _object("links", title=TEXT, description=TEXT, links=_list_of(is_a("Link"))),
    "ConformanceClasses": _object("conformsTo", conformsTo=_list_of(TEXT)),
    "ProcessSummary": _object("id", "version", **_SUMMARY),
    "ProcessList": _object(
        "processes", "links",
        processes=_list_of(is_a("ProcessSummary")), links=_list_of(is_a("Link")),
    ),
    "ProcessDescription": _object(
        "id", "version", "inputs", "outputs",
        **_SUMMARY, inputs=_OBJECT, outputs=_OBJECT,
    ),
    "Results": {
        "type": "object",
        "description": "Outputs by name: plain values, objects as "
        '`{"value": …, "mediaType": …}`, and links.',
        "additionalProperties": {},
    },
    "Again": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "inputs": {
                "type": "object",
                "description": "The inputs that change, as in `Execute`. Parameters that are "
                "named are set, the others stay; null takes an input back.",
            },
            "outputs": _wanted(OUTPUTS),
            "response": _RESPONSE,
        },
    },
}  # fmt: skip


def schemas(processes: Sequence[Process]) -> dict[str, Any]:
    """All that is taken and answered, by name."""
    _, found = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template=REFERENCE
    )
    requests = {execute_name(process): execute(process) for process in processes}
    return {
        **{name: as_3_0(schema) for name, schema in found["$defs"].items()},
        **_STANDARD,
        **requests,
        "Execute": {
            "description": "A request to execute a process; each has its own inputs.",
            "oneOf": [is_a(name) for name in requests],
        },
    }


def execute_name(process: Process) -> str:
    """`ExecuteNotebook`, `ExecuteEcho`."""
    name = process.id.removeprefix("execute-")
    return f"Execute{name.title().replace('-', '')}"


def execute(process: Process) -> dict[str, Any]:
    """The body of a request to execute this process."""
    inputs = {name: _input(told) for name, told in process.inputs.items()}
    required = [name for name, told in process.inputs.items() if told.required]
    return {
        "type": "object",
        "required": ["inputs"],
        "additionalProperties": False,
        "properties": {
            "inputs": {
                "type": "object",
                **({"required": required} if required else {}),
                "additionalProperties": False,
                "properties": inputs,
            },
            "outputs": _wanted(process.outputs),
            "response": _RESPONSE,
            "mode": {
                "type": "string",
                "enum": ["sync", "async", "auto"],
                "deprecated": True,
                "description": "For older clients, in place of the header `Prefer`.",
            },
            "job_id": {
                "type": "string",
                "maxLength": 64,
                "deprecated": True,
                "description": "For older clients, in place of the header `Idempotency-Key`.",
            },
        },
        "example": dict(process.example),
    }


def _input(told: Input) -> dict[str, Any]:
    return dict(as_3_0({**told.schema, "description": told.description}))


def as_3_0(schema: Any) -> Any:
    """pydantic speaks the newer dialect: `null` as a type, `const`, encodings of contents."""
    if isinstance(schema, list):
        return [as_3_0(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {k: as_3_0(v) for k, v in schema.items() if not k.startswith("content")}
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    choices = plain.get("anyOf", [])
    if {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        del plain["anyOf"]
        if plain.get("default", ...) is None:
            del plain["default"]
        plain |= rest[0] if len(rest) == 1 else {"anyOf": rest}
    if "$ref" in plain and len(plain) > 1:
        reference = {"$ref": plain.pop("$ref")}
        plain = {"allOf": [reference], **plain}
    return plain
