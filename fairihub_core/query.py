"""The parameters of an address: known ones only, each of them once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairihub_core.errors import BadInput
from fairihub_core.logins import printable

_MAX_VALUE = 200
_MAX_DIGITS = 9
_OF_PAGES = "_xsrf"
"""What the hub's pages send along, to say that they ask."""


def query_of(given: Mapping[str, list[bytes]], allowed: Iterable[str]) -> dict[str, str]:
    """The parameters of an address, each of them known and given once.

    Raises:
        BadInput: `unknown-parameter`, `bad-query`.
    """
    known = tuple(allowed)
    told = {name: values for name, values in given.items() if name != _OF_PAGES}
    for name, values in told.items():
        if name not in known:
            can_be = ", ".join(known) or "none"
            said = f"“{printable(name)}” is no parameter here; these are: {can_be}."
            raise BadInput("unknown-parameter", said)
        if len(values) != 1 or not 0 < len(values[0]) <= _MAX_VALUE:
            raise BadInput("bad-query", f"“{name}” is given once, with up to {_MAX_VALUE} bytes.")
    return {name: _text(name, values[0]) for name, values in told.items()}


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("bad-query", f"“{name}” is not UTF-8.") from None


def number_in(query: Mapping[str, str], name: str, default: int) -> int:
    """The whole number that `query` gives for `name`.

    Raises:
        BadInput: `bad-query`.
    """
    try:
        return int(query.get(name, default))
    except ValueError:
        raise BadInput("bad-query", f"“{name}” is a whole number.") from None


def count_in(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """How many `query` asks for by `name`.

    Raises:
        BadInput: `bad-query`.
    """
    given = query.get(name, str(default))
    is_number = given.isascii() and given.isdecimal() and len(given) <= _MAX_DIGITS
    if not is_number or not 1 <= int(given) <= most:
        raise BadInput("bad-query", f"“{name}” is a number from 1 to {most:,}.")
    return int(given)
