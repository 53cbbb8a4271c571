"""From the bytes of a request to a valid model, with an error that a person can act on."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fairihub_catalog.models import MAX_BODY_BYTES
from fairihub_core.errors import BadInput, TooLarge

_Model = TypeVar("_Model", bound=BaseModel)


def parsed(model: type[_Model], body: bytes) -> _Model:
    """`body` as a `model`.

    Raises:
        TooLarge: `too-large`, more than requests without a notebook need.
        BadInput: `bad-request`, saying which field is wrong.
    """
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge("too-large", f"The request has more than {MAX_BODY_BYTES // 1024:,} KiB.")
    return validated(model, json_object(body))


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; nothing at all counts as an empty one."""
    try:
        given = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise BadInput("bad-request", "The body is not JSON.") from None
    if not isinstance(given, dict):
        raise BadInput("bad-request", "The body must be a JSON object.")
    return given


def validated(model: type[_Model], given: dict[str, Any]) -> _Model:
    try:
        checked = model.model_validate(given)
        # A lone surrogate can be stored, but poisons every answer that quotes it.
        checked.model_dump_json()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:80]
        raise BadInput("bad-request", f"“{where}”: {first['msg']}.", field=where) from None
    except ValueError:
        raise BadInput("bad-request", "A text holds characters that are not Unicode.") from None
    return checked


def whole_number(text: str, name: str, low: int, high: int) -> int:
    """`text` as a number between `low` and `high`.

    Raises:
        BadInput: `bad-request`, it is no such number.
    """
    if text.isascii() and text.isdigit() and len(text) <= 9 and low <= int(text) <= high:
        return int(text)
    raise BadInput("bad-request", f"“{name}” must be a number from {low} to {high:,}.", field=name)
