"""A socket of a member's server, as a browser has it: of a terminal, or of a kernel."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from itertools import count

import websocket

from tests.support.waiting import eventually

_marks = count(100)


class Socket:
    """An open socket; whatever it fails with, it fails because it is closed."""

    def __init__(self, address: str, headers: Sequence[str]) -> None:
        self._socket = websocket.create_connection(address, header=list(headers), timeout=30)
        self._closed = False
        self._heard = ""

    def send(self, text: str) -> None:
        self._socket.send(text)

    def closed(self) -> bool:
        """Whether it has been closed by the other side; takes in what has come since."""
        self._hear()
        return self._closed

    def end(self) -> None:
        """Closes it from this side."""
        self._socket.shutdown()

    def obeys(self) -> bool:
        """Whether the shell of a terminal does what it is told."""
        mark = f"{next(_marks)}{uuid.uuid4().hex}"
        try:
            self.send(json.dumps(["stdin", f"echo $((1+1)){mark}\n"]))
        except (websocket.WebSocketException, OSError):
            return False
        return bool(eventually(lambda: self.closed() or f"2{mark}" in self._heard)) and (
            f"2{mark}" in self._heard
        )

    def execute(self, code: str) -> None:
        """Has a kernel execute this, and waits for nothing."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "s"}
        header |= {"username": "", "version": "5.3"}
        content = {"code": code, "silent": False, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self.send(json.dumps({**message, "channel": "shell", "buffers": []}))

    def _hear(self) -> None:
        self._socket.settimeout(0.05)
        try:
            while not self._closed:
                kind, data = self._socket.recv_data(control_frame=True)
                self._closed = kind == websocket.ABNF.OPCODE_CLOSE
                if kind == websocket.ABNF.OPCODE_TEXT:
                    self._heard += data.decode()
        except websocket.WebSocketTimeoutException:
            return
        except (websocket.WebSocketException, OSError):
            self._closed = True
        finally:
            self._socket.settimeout(30)
