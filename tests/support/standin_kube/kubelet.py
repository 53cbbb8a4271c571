"""Makes the stand-in's pods run: each has the same address, where something answers for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.support.standin_kube.server import StandinKube
from tests.support.standin_kube.store import Object, Problem

LOOK_SECONDS = 0.05
HOST = "127.0.0.1"


class Kubelet:
    """Plays the node, in threads of its own, for as long as its block runs.

    Attributes:
        port: where every server answers.
        lets_run: says of a pod whether it comes up; at first every one does.
        lets_answer: says whether the servers in the pods answer; at first they do.
    """

    def __init__(self, kube: StandinKube) -> None:
        self.lets_run: Callable[[Object], bool] = lambda pod: True
        self._kube = kube
        self._over = threading.Event()
        self.lets_answer: Callable[[], bool] = lambda: True
        self._server = ThreadingHTTPServer((HOST, 0), partial(_Answers, self))
        self.port = self._server.server_port
        self._threads = [
            threading.Thread(target=self._server.serve_forever, daemon=True),
            threading.Thread(target=self._run, daemon=True),
        ]

    def __enter__(self) -> Kubelet:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(10)

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            for pod in self._kube.all("pods"):
                if pod["status"].get("phase") == "Pending" and self.lets_run(pod):
                    self._bring_up(pod)

    def _bring_up(self, pod: Object) -> None:
        meta = pod["metadata"]
        with suppress(Problem):  # deleted meanwhile
            self._kube.update("pods", meta["namespace"], meta["name"], status=_running(pod))


def _running(pod: Object) -> dict[str, Any]:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    containers = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": container["image"],
            "ready": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": now}},
        }
        for container in pod["spec"]["containers"]
    ]
    return {"phase": "Running", "podIP": HOST, "containerStatuses": containers}


class _Answers(BaseHTTPRequestHandler):
    """Answers for every user's server that it is there."""

    def __init__(self, kubelet: Kubelet, *args: Any) -> None:
        self._kubelet = kubelet
        super().__init__(*args)

    def do_GET(self) -> None:
        body = b'{"version": "6.1.1"}'
        with suppress(OSError):
            self.send_response(200 if self._kubelet.lets_answer() else 503)
            self.send_header("X-JupyterHub-Version", "6.1.1")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The tests say enough."""
