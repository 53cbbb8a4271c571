"""The parameters of an address: known ones only, each of them once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairihub_core.errors import BadInput
from fairihub_core.logins import printable

_MAX_VALUE = 200


def query_of(given: Mapping[str, list[bytes]], allowed: Iterable[str]) -> dict[str, str]:
    """The parameters of an address, each of them known and given once.

    Raises:
        BadInput: `unknown-parameter`, `bad-query`.
    """
    known = tuple(allowed)
    for name, values in given.items():
        if name not in known:
            can_be = ", ".join(known) or "none"
            said = f"“{printable(name)}” is no parameter here; these are: {can_be}."
            raise BadInput("unknown-parameter", said)
        if len(values) != 1 or not 0 < len(values[0]) <= _MAX_VALUE:
            raise BadInput("bad-query", f"“{name}” is given once, with up to {_MAX_VALUE} bytes.")
    try:
        return {name: values[0].decode("utf-8") for name, values in given.items()}
    except UnicodeDecodeError:
        raise BadInput("bad-query", "The parameters are not UTF-8.") from None


def number_in(query: Mapping[str, str], name: str, default: int) -> int:
    """The whole number that `query` gives for `name`.

    Raises:
        BadInput: `bad-query`.
    """
    try:
        return int(query.get(name, default))
    except ValueError:
        raise BadInput("bad-query", f"“{name}” is a whole number.") from None
