"""What keeps a real Jupyter server from being culled: work does, an open tab does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

from tests.support.ports import free_port
from tests.support.waiting import eventually

AUTHORIZATION = "token for-these-tests"


class Server:
    """A Jupyter server as a browser tab uses it."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://{self.address}/api/{path}",
            data,
            {"Authorization": AUTHORIZATION},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def socket(self, path: str) -> websocket.WebSocket:
        return websocket.create_connection(
            f"ws://{self.address}/{path}", header=[f"Authorization: {AUTHORIZATION}"], timeout=30
        )

    def last_activity(self) -> str:
        return str(self.call("GET", "status")["last_activity"])

    def is_active(self, seconds: float = 1.0) -> bool:
        """Whether activity is reported in the `seconds` from now on."""
        before = self.last_activity()
        time.sleep(seconds)
        return self.last_activity() > before


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    server = Server(port := free_port())
    process = subprocess.Popen(
        [
            *(sys.executable, str(Path(__file__).with_name("quick_server.py"))),
            f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={home}",
            "--IdentityProvider.token=for-these-tests",
        ],
        env={**os.environ, "HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "runtime")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert eventually(lambda: answers(server), 60)
    yield server
    process.terminate()
    process.wait(30)


def answers(server: Server) -> bool:
    try:
        return bool(server.last_activity())
    except OSError:
        return False


@pytest.fixture
def kernel(server: Server) -> Iterator[str]:
    kernel = server.call("POST", "kernels", {"name": "python3"})["id"]
    yield kernel
    server.call("DELETE", f"kernels/{kernel}")


def execute(socket: websocket.WebSocket, code: str) -> None:
    """Sends `code` and waits until the kernel says that it is busy with it."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": "s",
        "username": "",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    socket.send(json.dumps({**message, "channel": "shell", "buffers": []}))
    while True:
        told = json.loads(socket.recv())
        ours = told["parent_header"].get("msg_id") == header["msg_id"]
        if ours and told["content"].get("execution_state") == "busy":
            return


def state_of(server: Server, kernel: str) -> str:
    return str(server.call("GET", f"kernels/{kernel}")["execution_state"])


def test_a_long_silent_computation_is_activity(server, kernel):
    socket = server.socket(f"api/kernels/{kernel}/channels")
    execute(socket, "import time; time.sleep(4)")
    socket.close()
    assert server.is_active()
    assert server.is_active()
    assert eventually(lambda: state_of(server, kernel) == "idle")
    time.sleep(1)
    assert not server.is_active()


def test_an_open_tab_with_an_idle_kernel_is_none(server, kernel):
    socket = server.socket(f"api/kernels/{kernel}/channels")
    execute(socket, "1")
    assert eventually(lambda: state_of(server, kernel) == "idle")
    time.sleep(1)
    before = server.last_activity()
    for polled in ("kernels", "sessions", "terminals", "kernelspecs", "contents?content=1", "me"):
        server.call("GET", polled)
    time.sleep(1)
    assert server.last_activity() == before
    socket.close()


def test_a_save_is_activity(server):
    before = server.last_activity()
    server.call("PUT", "contents/x.txt", {"type": "file", "format": "text", "content": "x"})
    assert server.last_activity() > before


def test_a_program_in_a_terminal_is_activity_and_a_prompt_is_none(server):
    terminal = server.call("POST", "terminals", {})["name"]
    socket = server.socket(f"terminals/websocket/{terminal}")
    time.sleep(2)
    assert not server.is_active()
    socket.send(json.dumps(["stdin", "sleep 4 > /dev/null\n"]))
    time.sleep(1)
    assert server.is_active()
    time.sleep(4)
    assert not server.is_active()
    socket.close()
    server.call("DELETE", f"terminals/{terminal}")
