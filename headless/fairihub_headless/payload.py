"""Reading what a client sent: JSON and base64 YAML into plain JSON values, within bounds."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from datetime import date
from typing import Any, NoReturn

import yaml

from fairihub_core.errors import BadInput, TooLarge

MAX_BODY = 2 * 2**20
_MAX_DEPTH = 30
_MAX_MARKS = 100_000
"""Marks that part values. Python's reader of JSON lets no other thread work meanwhile."""
_MAX_YAML = 16 * 1024
_MAX_BITS = 1024
"""Of a whole number: no less than what a JSON number with a fraction reaches."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Takes its time: not for the event loop.

    Raises:
        BadInput: `bad-json`, `bad-value`.
        TooLarge: `too-large`, more values than any request needs.
    """
    if sum(body.count(mark) for mark in (b",", b":", b"[", b"{")) > _MAX_MARKS:
        raise TooLarge(
            "too-large",
            f"The body has more than {_MAX_MARKS:,} values. Put large data into a file and "
            "give its path as a parameter.",
        )
    try:
        parsed = json.loads(body, parse_constant=refuse_constant)
        plain = plain_value(parsed, "the body")
    except (ValueError, RecursionError) as problem:
        raise BadInput("bad-json", f"The body is not JSON: {problem}.") from None
    if not isinstance(plain, dict):
        raise BadInput("bad-json", "The body must be a JSON object.")
    return plain


def base64_yaml(text: str) -> dict[str, Any]:
    """The mapping in base64-encoded YAML, as the older clients send parameters.

    Takes its time: not for the event loop.

    Raises:
        BadInput: `bad-parameters`, `bad-value`.
        TooLarge: `too-large`.
    """
    try:
        raw = base64.b64decode(text, validate=True)
        if len(raw) > _MAX_YAML:
            raise TooLarge(
                "too-large",
                f"`parameters` has more than {_MAX_YAML // 1024} KiB of YAML; "
                "send so much as `parameters_json`.",
            )
        parsed = _plain_yaml(raw.decode("utf-8"))
        plain = plain_value(parsed, "`parameters`")
    except (binascii.Error, UnicodeError):
        raise BadInput("bad-parameters", "`parameters` must be base64 of YAML in UTF-8.") from None
    except (yaml.YAMLError, ValueError, ArithmeticError) as problem:
        where = str(getattr(problem, "problem", None) or problem)[:200]
        raise BadInput("bad-parameters", f"`parameters` is not usable YAML: {where}.") from None
    if not isinstance(plain, dict):
        raise BadInput("bad-parameters", "`parameters` must be a YAML mapping of names to values.")
    return plain


def parameters_in(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters among the inputs of a request, in either of their two forms.

    Raises:
        BadInput: `bad-parameters`, `bad-value`.
        TooLarge: `too-large`.
    """
    as_json, as_yaml = inputs.get("parameters_json"), inputs.get("parameters")
    if as_json is not None and as_yaml is not None:
        raise BadInput("bad-parameters", "Give `parameters_json` or `parameters`, not both.")
    if isinstance(as_yaml, str):
        return base64_yaml(as_yaml)
    given = as_json if as_yaml is None else as_yaml
    if given is not None and not isinstance(given, dict):
        raise BadInput("bad-parameters", "`parameters_json` must be an object.")
    return given or {}


def plain_value(value: Any, what: str, depth: int = 0) -> Any:
    """`value` in JSON's types; dates become ISO texts.

    Raises:
        BadInput: `bad-value`, for what JSON cannot hold or what is nested too deeply.
    """
    if depth > _MAX_DEPTH:
        raise BadInput("bad-value", f"{what} is nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise BadInput("bad-value", f"{what} has a name that is not a text.")
        return {_text(k, what): plain_value(v, what, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [plain_value(item, what, depth + 1) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return _text(value, what)
    if value is None or (isinstance(value, int) and value.bit_length() <= _MAX_BITS):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise BadInput("bad-value", f"{what} has a value that JSON cannot hold.")


def _text(value: str, what: str) -> str:
    """A lone surrogate or a NUL would poison the store and every later answer."""
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise BadInput("bad-value", f"{what} has a text with a NUL or half a character in it.")
    return value


def refuse_constant(name: str) -> NoReturn:
    """What Python reads beyond JSON, such as NaN, is not read."""
    raise ValueError(f"{name} is not JSON")


def _plain_yaml(text: str) -> Any:
    """Safe YAML without aliases, which make a small text a huge value, and without tags.

    Its events are looked at first: PyYAML's composers recurse without a bound, and the one in
    C would end the process.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        if getattr(event, "tag", None) is not None:
            raise yaml.YAMLError("tags are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise yaml.YAMLError(f"it is nested deeper than {_MAX_DEPTH} levels")
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - one of the SafeLoaders
