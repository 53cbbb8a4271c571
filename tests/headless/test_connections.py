"""A connection outlives what is refused on it: the proxy sends anybody's next request there."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from tests.headless.conftest import DIRECTORY
from tests.headless.web_house import PREFIX, opened

EXECUTION, AGAIN = "processes/execute-notebook/execution", "jobs/none/again"
STRANGER = "nobody"
HOUSE = SimpleNamespace(directory=DIRECTORY, runs=SimpleNamespace(settings=None))


class Connection:
    """One connection to the service, as the proxy keeps it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def ask(self, method: str, path: str, who: str = "ada", body: bytes = b"") -> int:
        head = f"{method} {PREFIX}{path} HTTP/1.1\r\nHost: hub\r\nWho: {who}\r\n"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.writer.write(f"{head}{length}Accept: text/html\r\n\r\n".encode() + body)
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 20)).decode().lower()
        told = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        if method != "HEAD":
            await self._reader.readexactly(int(told.get("content-length", 0)))
        return int(head.split()[1])


@pytest.mark.parametrize("path", [EXECUTION, AGAIN, "processes/%ff/execution"])
@pytest.mark.parametrize(
    ("method", "who", "status"),
    [
        ("POST", STRANGER, 403),
        ("GET", STRANGER, 403),
        ("HEAD", STRANGER, 403),
        ("OPTIONS", STRANGER, 403),
        ("GET", "ada", 405),
        ("HEAD", "ada", 405),
        ("PUT", "ada", 405),
        ("PROPFIND", "ada", 405),
        ("OPTIONS", "ada", 204),
    ],
)
async def test_a_refusal_costs_no_connection(
    path: str, method: str, who: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(HOUSE, monkeypatch) as door:
        host, port = str(door.base_url.host), door.base_url.port
        connection = Connection(*await asyncio.open_connection(host, port))
        assert await connection.ask(method, path, who) == status
        assert await connection.ask(method, path, who, b"{}") == status
        assert await connection.ask("GET", "conformance", "bob") == 200
        connection.writer.close()


@pytest.mark.parametrize(("path", "mib"), [(AGAIN, 3), (EXECUTION, 100)])
async def test_a_body_that_is_too_large_is_answered(
    path: str, mib: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(HOUSE, monkeypatch) as door:
        host, port = str(door.base_url.host), door.base_url.port
        connection = Connection(*await asyncio.open_connection(host, port))
        assert await connection.ask("POST", path, body=b" " * mib * 2**20) == 413
        assert await connection.ask("GET", "conformance") == 200
        connection.writer.close()
