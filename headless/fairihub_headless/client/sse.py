"""Server-sent events out of the bytes of an answer; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LONGEST_LINE = 16 * 2**20


@dataclass(frozen=True)
class Message:
    """One event as it was sent."""

    event: str
    data: str
    id: str | None
    """The last id that was sent, with this event or before it."""


def messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    """The events in `chunks`; one that was cut off at the end is left out.

    Raises:
        ValueError: this cannot be a stream of events.
    """
    event, data, last_id = "message", list[str](), None
    for line in _lines(chunks):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Message(event, "\n".join(data), last_id)
            event, data = "message", []
        elif name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif name == "id" and "\0" not in value:
            last_id = value


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines that have come whole. Split at line feeds only: other separators may stand in data."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise ValueError("a line without end")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
