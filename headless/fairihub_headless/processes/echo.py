"""`echo`: gives back what it is given, after a pause; for tests of clients and of conformance."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from fairihub_core.clock import now
from fairihub_core.errors import BadInput
from fairihub_headless.models import ECHO, Run
from fairihub_headless.processes.asking import Asked
from fairihub_headless.processes.model import (
    ASYNC,
    DISMISS,
    JSON,
    SYNC,
    TEXT,
    Input,
    Output,
    Process,
    Schema,
)

OUTPUTS_FILE = "outputs.json"
"""The file in which an echo leaves its outputs."""
LONGEST_PAUSE = 60
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

_SCHEMAS: dict[str, tuple[Schema, str]] = {
    "message": ({"type": "string", "maxLength": 100_000}, "A text of up to 100,000 characters."),
    "number": ({"type": "number"}, "A number."),
    "list": ({"type": "array", "items": {"type": "number"}}, "A list of numbers."),
    "object": ({"type": "object"}, "An object."),
    "bbox": (
        {
            "type": "object",
            "format": "ogc-bbox",
            "required": ["bbox"],
            "properties": {
                "bbox": {
                    "type": "array",
                    "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
                    "items": {"type": "number"},
                },
                "crs": {"type": "string", "format": "uri", "default": _CRS84},
            },
            "additionalProperties": False,
        },
        "A bounding box: west, south, east and north in its `crs`.",
    ),
    "pause": (
        {"type": "number", "minimum": 0, "maximum": LONGEST_PAUSE, "default": 0},
        f"Seconds until the answer, {LONGEST_PAUSE} at most.",
    ),
}

ECHO_PROCESS = Process(
    id=ECHO,
    title="Echo",
    description="Gives back what it is given, after a pause if one is asked for. It executes "
    "nothing; clients can be tried with it.",
    inputs={name: Input(schema, words) for name, (schema, words) in _SCHEMAS.items()},
    outputs={
        name: Output(schema, f"What was given as `{name}`.", TEXT if name == "message" else JSON)
        for name, (schema, _) in _SCHEMAS.items()
    },
    controls=(SYNC, ASYNC, DISMISS),
    example={"inputs": {"message": "Hello", "number": 42, "pause": 1}},
    keywords=("test",),
)


def echoed(asked: Asked) -> dict[str, Any]:
    """The inputs of an echo, which are its outputs.

    Raises:
        BadInput: `bad-input`, a value does not fit its schema.
    """
    for name, value in asked.inputs.items():
        if not _FITS[name](value):
            words = _SCHEMAS[name][1]
            told = f"`{name}` must be {words[0].lower()}{words[1:]}"
            raise BadInput("bad-input", told, input=name)
    return asked.inputs


def new_echo(asked: Asked, owner: str, team: str) -> Run:
    """An echo that waits for its turn.

    Raises:
        BadInput: as `echoed`.
    """
    parameters, moment = echoed(asked), now()
    return Run(
        id=str(uuid.uuid4()),
        owner=owner,
        team=team,
        profile="",
        process=ECHO,
        notebook="",
        parameters=parameters,
        outputs=asked.outputs,
        response=asked.response,
        digest="",
        message="Waiting for its turn.",
        created=moment,
        updated=moment,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 100_000


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _is_pause(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= LONGEST_PAUSE


def is_box(value: Any) -> bool:
    """Whether this is a bounding box as the OGC writes it."""
    return (
        isinstance(value, dict)
        and value.keys() <= {"bbox", "crs"}
        and _is_list(value.get("bbox"))
        and len(value["bbox"]) in (4, 6)
        and isinstance(value.get("crs", ""), str)
    )


_FITS: dict[str, Callable[[Any], bool]] = {
    "message": _is_text,
    "number": _is_number,
    "list": _is_list,
    "object": lambda value: isinstance(value, dict),
    "bbox": is_box,
    "pause": _is_pause,
}
