"""The web application without a hub: who asks is said by a header."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from fairihub_core.service_page import Brand
from fairihub_headless.payload import MAX_BODY
from fairihub_headless.web.answering import Service
from fairihub_headless.web.base_handler import Base
from fairihub_headless.web.routes import application

PREFIX = "/services/headless/"


@asynccontextmanager
async def opened(house: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service before this house; it is ada, unless the header `Who` says else."""

    async def identified(handler: Base) -> Any:
        login = handler.request.headers.get("Who", "ada")
        return SimpleNamespace(login=login, require=lambda _scope: None)

    monkeypatch.setattr(Base, "_identified", identified)
    hub = SimpleNamespace(get_token=lambda _handler: "", check_xsrf_cookie=lambda _handler: None)
    monkeypatch.setattr(Base, "hub_auth", hub)
    follower: Any = SimpleNamespace(current=lambda: SimpleNamespace(directory=house.directory))
    service = Service(house.runs, follower, Brand("hub", "#0b7261", "Cat", "/", False), PREFIX)
    server = HTTPServer(application(service, b"x" * 32), max_body_size=MAX_BODY)
    socket, port = bind_unused_port()
    server.add_socket(socket)
    try:
        base = f"http://127.0.0.1:{port}{PREFIX}"
        async with httpx.AsyncClient(base_url=base, timeout=60) as client:
            yield client
    finally:
        server.stop()
        await server.close_all_connections()
