"""A notebook's parameters as the command line gives them, typed as papermill does it; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from fairihub_core.errors import BadInput

_WORDS = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}
_INTEGER = re.compile(r"[+-]?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def typed(text: str) -> Any:
    """The value that `text` means: a number, true, false or null, JSON in brackets, else itself.

    Raises:
        BadInput: `bad-parameters`, it begins as JSON and is none.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError as problem:
            raise BadInput(
                "bad-parameters", f"“{text[:60]}” is not JSON: {problem}. For a text use -r."
            ) from None
    return text


def parameters_of(
    files: Iterable[Path],
    inline: Iterable[str],
    typed_pairs: Iterable[Sequence[str]],
    raw_pairs: Iterable[Sequence[str]],
) -> dict[str, Any]:
    """All parameters together; what is given singly wins over files.

    Raises:
        BadInput: `bad-parameters`, what cannot be read or is not for JSON.
    """
    found: dict[str, Any] = {}
    for path in files:
        try:
            found |= _mapping(path.read_text("utf-8"), str(path))
        except (OSError, UnicodeError) as problem:
            raise BadInput("bad-parameters", f"{path} cannot be read: {problem}.") from None
    for text in inline:
        found |= _mapping(text, "What -y says")
    found |= {name: typed(value) for name, value in typed_pairs}
    found |= {pair[0]: pair[1] for pair in raw_pairs}
    try:
        json.dumps(found, allow_nan=False)
    except ValueError:
        raise BadInput("bad-parameters", "A parameter is no number that JSON can hold.") from None
    return found


def _mapping(text: str, where: str) -> dict[str, Any]:
    """YAML, of which JSON is a part."""
    try:
        told = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as problem:
        raise BadInput("bad-parameters", f"{where} is not YAML: {problem}.") from None
    if told is None:
        return {}
    if not isinstance(told, dict) or not all(isinstance(name, str) for name in told):
        raise BadInput("bad-parameters", f"{where} is not a mapping of names to values.")
    return {name: _plain(value, where) for name, value in told.items()}


def _plain(value: Any, where: str) -> Any:
    """In JSON's types; dates become ISO texts, as the service has them."""
    if isinstance(value, dict):
        return {str(name): _plain(each, where) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, where) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float):
        return value
    raise BadInput("bad-parameters", f"{where} has a value that JSON cannot hold.")
