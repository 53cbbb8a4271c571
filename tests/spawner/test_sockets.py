"""Open sockets of a real server: they last as long as what opened them, and longer than a hub."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import psutil
import pytest
import websocket
from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler, websocket_connect

from fairihub_spawner.sockets import close
from tests.support.ports import free_port
from tests.support.sockets import Socket
from tests.support.waiting import eventually

from .conftest import Hub, team

SOON = 10.0


class Server:
    """Ada's server, spoken to without a proxy in between."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.opened = hub, list[Socket]()
        hub.started("ada", {"profile": "small"})
        assert hub.process is not None
        below = psutil.Process(hub.process.pid).children(recursive=True)
        (process,) = [p for p in below if "fairihub_spawner.singleuser" in p.cmdline()]
        (listening,) = [c for c in process.net_connections() if c.status == "LISTEN"]
        self.address = f"ws://127.0.0.1:{listening.laddr.port}/user/ada"

    def token(self) -> tuple[str, str]:
        """A token of ada's, and the address to delete it at."""
        made = self.hub.call("POST", "/hub/api/users/ada/tokens", {"note": "test"})[1]
        return made["token"], f"/hub/api/users/ada/tokens/{made['id']}"

    def terminal(self, token: str) -> Socket:
        name = self.hub.call("POST", "/user/ada/api/terminals", {})[1]["name"]
        return self._socket(f"terminals/websocket/{name}", token)

    def kernel(self, token: str) -> Socket:
        kernel = self.hub.call("POST", "/user/ada/api/kernels", {"name": "python3"})[1]["id"]
        return self._socket(f"api/kernels/{kernel}/channels", token)

    def _socket(self, path: str, token: str) -> Socket:
        self.opened.append(Socket(f"{self.address}/{path}", [f"Authorization: token {token}"]))
        return self.opened[-1]


@pytest.fixture(scope="module")
def server(hub: Hub) -> Iterator[Server]:
    hub.teams_are(team("uc4", "ada", small={}))
    server = Server(hub)
    yield server
    for socket in server.opened:
        socket.end()
    hub.stop("ada")


def test_sockets_last_as_long_as_the_token_that_opened_them(server: Server) -> None:
    (one, where), (other, _) = server.token(), server.token()
    ended = [server.terminal(one), server.kernel(one)]
    stays = server.terminal(other)
    assert ended[0].obeys()
    assert server.hub.call("DELETE", where)[0] == 204
    assert eventually(lambda: all(socket.closed() for socket in ended), SOON)
    with pytest.raises((websocket.WebSocketException, OSError)):
        server._socket("terminals/websocket/1", one)
    assert stays.obeys()
    assert not stays.closed()


async def test_what_was_sent_already_is_heard_no_more() -> None:
    heard: list[str | bytes] = []

    class Obedient(WebSocketHandler):
        def on_message(self, message: str | bytes) -> None:
            heard.append(message)
            close(self)

    server = HTTPServer(Application([("/", Obedient)]))
    server.listen(port := free_port(), "127.0.0.1")
    client = await websocket_connect(f"ws://127.0.0.1:{port}/")
    with contextlib.suppress(WebSocketClosedError):
        for n in range(1000):
            client.write_message(f"{n}")
    while await asyncio.wait_for(client.read_message(), 20) is not None:
        """It says nothing, and ends."""
    client.close()
    server.stop()
    assert heard == ["0"]


def test_while_the_hub_is_away_they_stay(server: Server) -> None:
    token, where = server.token()
    terminal, kernel = server.terminal(token), server.kernel(token)
    hub, asked_in_vain = server.hub, "Error connecting to http"
    before = hub.log.read_text().count(asked_in_vain)
    hub.end(signal.SIGKILL)
    for proxy in hub.proxies():
        proxy.kill()
    assert eventually(lambda: hub.log.read_text().count(asked_in_vain) >= before + 2, 60)
    assert terminal.obeys()
    assert not kernel.closed()
    hub.run()
    assert terminal.obeys(), "and once it is back"
    assert hub.call("DELETE", where)[0] == 204
    assert eventually(lambda: terminal.closed() and kernel.closed(), 30), "it is asked again"
