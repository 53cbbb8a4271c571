"""A proxy between a client and a server that loses connections, or holds answers back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


class ShakyProxy:
    """Passes bytes on, until it is told to lose or to hold what belongs to some requests.

    Args:
        port: of the server on this machine.
        chosen: whether a connection is meant, by the beginning of its request.
    """

    def __init__(self, port: int, chosen: Callable[[bytes], bool]) -> None:
        self._server = ("127.0.0.1", port)
        self._chosen = chosen
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._meant: set[socket.socket] = set()
        self.holds = False
        """Whether answers to chosen requests are held back for ever."""
        self.lost = 0
        """So many connections were lost."""
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def lose(self) -> None:
        """Cuts all chosen connections that there are."""
        for one in list(self._meant):
            self.lost += 1
            _cut(one)

    @contextlib.contextmanager
    def running(self) -> Iterator[ShakyProxy]:
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self._listener.close()
            self.lose()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._server) as server:
            there = threading.Thread(target=self._upward, args=(client, server), daemon=True)
            there.start()
            while part := server.recv(65536):
                if not (self.holds and client in self._meant):
                    client.sendall(part)
            _cut(client)
        self._meant.discard(client)

    def _upward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := client.recv(65536):
                if self._chosen(part):
                    self._meant.add(client)
                server.sendall(part)
        _cut(server)


def _cut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
