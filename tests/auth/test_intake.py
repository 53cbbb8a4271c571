"""Addresses that are too long: what programs, browsers and the proxy are told of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tornado import httpclient, httpserver, testing, web

from fairihub_auth.intake import MAX_ADDRESS, Intake

PREFIX = "/base/hub/"
LONG = "x" * MAX_ADDRESS


class Page(web.RequestHandler):
    def get(self) -> None:
        self.write("a page")


def answer(path: str, accept: str) -> httpclient.HTTPResponse:
    """What the hub says to this request."""

    async def ask() -> httpclient.HTTPResponse:
        socket, port = testing.bind_unused_port()
        application: Any = web.Application([(".*", Page)])
        server = httpserver.HTTPServer(Intake(application, PREFIX))
        server.add_socket(socket)
        client = httpclient.AsyncHTTPClient(force_instance=True)
        address, headers = f"http://127.0.0.1:{port}{path}", {"Accept": accept}
        try:
            return await client.fetch(address, headers=headers, raise_error=False)
        finally:
            client.close()
            server.stop()

    return asyncio.run(ask())


def test_a_browser_gets_a_page_and_a_program_json() -> None:
    page = answer(f"/{LONG}", "text/html,application/xhtml+xml,*/*;q=0.8")
    assert (page.code, page.headers["Content-Type"]) == (414, "text/html; charset=utf-8")
    assert b"more than 4096 letters" in page.body
    assert b'href="/base/hub/home"' in page.body
    told = answer(f"/{LONG}", "*/*")
    assert (told.code, told.headers["Content-Type"]) == (414, "application/json")
    assert b'"too-long"' in told.body


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{PREFIX}error/503?url=%2F{LONG}", 200),
        (f"{PREFIX}error/{LONG}", 414),
        (f"{PREFIX}error/503/?url={LONG}", 414),
        (f"{PREFIX}home?url={LONG}", 414),
        (f"/elsewhere{PREFIX}error/503?url={LONG}", 414),
        (f"{PREFIX}error/503?url=short", 200),
    ],
)
def test_the_proxy_may_say_which_address_it_could_not_serve(path: str, code: int) -> None:
    assert answer(path, "text/html").code == code
