"""What is said between a fork server and those who ask it: JSON, and descriptors beside it."""

import array
import json
import socket
import struct

_HEAD = struct.Struct("!I")
_LONGEST = 16 * 2**20
_MOST = 8
"""Descriptors with one message."""


def packed(message):
    """The bytes of a message."""
    raw = json.dumps(message).encode()
    return _HEAD.pack(len(raw)) + raw


def length(head):
    """How many bytes follow these first four.

    Raises:
        ValueError: nobody says that much.
    """
    (size,) = _HEAD.unpack(head)
    if size > _LONGEST:
        raise ValueError("a message of %d bytes" % size)
    return size


def beside(descriptors):
    """Descriptors, as `sendmsg` wants them."""
    if not descriptors:
        return []
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]


def send(line, message, descriptors=()):
    """Says `message`; the other side gets copies of the descriptors."""
    raw = packed(message)
    sent = line.sendmsg([raw], beside(descriptors))
    if sent < len(raw):  # nothing more is said to one that may have gone, having heard it all
        line.sendall(raw[sent:])


def receive(line):
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


def _first(line):
    room = socket.CMSG_SPACE(_MOST * array.array("i").itemsize)
    head, beside_it, _, _ = line.recvmsg(_HEAD.size, room, socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for level, kind, raw in beside_it:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(raw[: len(raw) - len(raw) % descriptors.itemsize])
    if not head:
        raise EOFError
    return head, list(descriptors)


def _more(line, size):
    part = line.recv(size)
    if not part:
        raise EOFError
    return part
