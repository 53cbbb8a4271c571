"""What is said between a fork server and those who ask it: JSON, and descriptors beside it."""

from __future__ import annotations

import array
import json
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

SOCKET, FACTS = "socket", "facts.json"
"""In the folder of a fork server: where it is asked, and what it says of itself."""
_HEAD = struct.Struct("!I")
_LONGEST = 16 * 2**20
_MOST = 8
"""Descriptors with one message."""


def packed(message: Mapping[str, Any]) -> bytes:
    """The bytes of a message."""
    raw = json.dumps(message).encode()
    return _HEAD.pack(len(raw)) + raw


def length(head: bytes) -> int:
    """How many bytes follow these first four.

    Raises:
        ValueError: nobody says that much.
    """
    size: int = _HEAD.unpack(head)[0]
    if size > _LONGEST:
        raise ValueError(f"a message of {size} bytes")
    return size


def beside(descriptors: Sequence[int]) -> list[tuple[int, int, array.array[int]]]:
    """Descriptors, as `sendmsg` wants them."""
    if not descriptors:
        return []
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]


def send(line: socket.socket, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Says `message`; the other side gets copies of the descriptors."""
    raw = packed(message)
    sent = line.sendmsg([raw], beside(descriptors))
    if sent < len(raw):  # nothing more is said to one that may have gone, having heard it all
        line.sendall(raw[sent:])


def receive(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next message and the descriptors that came with it.

    Raises:
        EOFError: the other side has gone.
    """
    head, descriptors = _first(line)
    while len(head) < _HEAD.size:
        head += _more(line, _HEAD.size - len(head))
    left, parts = length(head), []
    while left:
        parts.append(_more(line, left))
        left -= len(parts[-1])
    return json.loads(b"".join(parts)), descriptors


def _first(line: socket.socket) -> tuple[bytes, list[int]]:
    room = socket.CMSG_SPACE(_MOST * array.array("i").itemsize)
    head, beside_it, _, _ = line.recvmsg(_HEAD.size, room, socket.MSG_CMSG_CLOEXEC)
    descriptors: array.array[int] = array.array("i")
    for level, kind, raw in beside_it:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(raw[: len(raw) - len(raw) % descriptors.itemsize])
    if not head:
        raise EOFError
    return head, list(descriptors)


def _more(line: socket.socket, size: int) -> bytes:
    part = line.recv(size)
    if not part:
        raise EOFError
    return part
