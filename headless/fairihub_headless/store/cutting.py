"""Cuts connections on which no answer comes: a server that stands still keeps to no limit of time.

PostgreSQL bounds its statements itself while it goes on; of a backend or a pooler that was stopped,
the system still answers for the connection, and whoever waits for it would wait as long.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LOOK_EVERY = 0.25


class Cutter:
    """Knows until when each connection that is in use may be without an answer."""

    def __init__(self) -> None:
        self._until: dict[object, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="cutter", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    @contextmanager
    def within(self, seconds: float, descriptor: int) -> Iterator[None]:
        """Cuts the connection with this descriptor if the block takes longer: it fails then."""
        key = object()
        with self._lock:
            self._until[key] = time.monotonic() + seconds, descriptor
        try:
            yield
        finally:
            with self._lock:  # it is not cut any more: the next may have it
                self._until.pop(key, None)

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK_EVERY):
            with self._lock:
                late = [k for k, (until, _) in self._until.items() if until < time.monotonic()]
                for key in late:
                    _cut(self._until.pop(key)[1])


def _cut(descriptor: int) -> None:
    """Whoever waits for it hears that it has ended; it is still theirs to close."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as same:
        same.shutdown(socket.SHUT_RDWR)
