"""A runs service that answers as a test says; for what a real one does rarely, or never."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
STATUS = {
    "jobID": "a-job", "processID": "execute-notebook", "owner": "ada", "status": "successful",
    "message": "", "progress": 100, "created": "2026-11-22T00:00:00Z", "team": "uc1",
    "updated": "2026-11-22T00:00:00Z", "profile": "uc1.small", "notebook_digest": "", "cell": 1,
    "cells": 1, "attempt": 1, "retries": 0, "priority": "normal", "pinned": False,
}  # fmt: skip


class Server:
    """Answers each request by `answers`, which takes the handler; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.sent = b""
        """The body of the last request."""
        self.answers: Callable[[BaseHTTPRequestHandler], Answer] = lambda _: (404, {}, b"")
        ours = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                ours.sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                ours.asked.append((self.command, self.path, dict(self.headers)))
                status, headers, body = ours.answers(self)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def told(status: int, /, **body: Any) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def in_turn(*answers: Answer) -> Callable[[Any], Answer]:
    """One after the other; the last for all others."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
