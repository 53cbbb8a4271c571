"""Ports that nobody listens on."""

from __future__ import annotations

import random
import socket

# Below the ports that systems give to outgoing connections: one of those may be free now and
# taken a moment later, before what it is meant for has begun to listen.
_RANGE = range(10_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A port that was not given before; whoever asks may take their time to listen on it."""
    for port in random.sample(_RANGE, 1_000):
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise AssertionError("This machine has no free ports on 127.0.0.1.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
