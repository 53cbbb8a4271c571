"""The hub's catalogue as a user's server sees it: over HTTP, with the server's own token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from fairihub_catalog.handlers import Request, within
from fairihub_catalog.operations import Answer
from fairihub_core.errors import Unavailable

_SECONDS = 60.0
_PASSED_ON = (
    "Content-Type",
    "ETag",
    "Notebook-Version",
    "Cache-Control",
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Cross-Origin-Resource-Policy",
)


class HubCatalogue:
    """The API at `url`; every request is made in the name of the token's owner."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    async def answered(self, request: Request) -> Answer:
        """The hub's answer, errors included, unchanged.

        Raises:
            Unavailable: `catalogue-away`, nothing that is the catalogue answers.
        """
        body = within(request.body, request.operation.body)
        asked = HTTPRequest(
            self._address(request.path, request.query),
            method=request.method,
            headers=self._headers(request),
            body=body if request.method == "POST" else None,
            # Only the API itself is ever asked: a redirect would take the token elsewhere.
            follow_redirects=False,
            connect_timeout=10.0,
            request_timeout=_SECONDS,
        )
        try:
            response = await AsyncHTTPClient().fetch(asked, raise_error=False)
        except (OSError, HTTPClientError):
            raise _away() from None
        if not _is_the_catalogue(response):
            raise _away()
        headers = {n: response.headers[n] for n in _PASSED_ON if n in response.headers}
        return Answer(response.body or b"", response.code, headers)

    def _address(self, path: str, query: Mapping[str, list[str]]) -> str:
        address = f"{self._url}/{quote(path, safe='/')}"
        return f"{address}?{urlencode(query, doseq=True)}" if query else address

    def _headers(self, request: Request) -> dict[str, str]:
        known = {"If-None-Match": request.known} if request.known else {}
        return {
            "Authorization": f"token {self._token}",
            "Content-Type": "application/json",
            **known,
        }


def _is_the_catalogue(response: HTTPResponse) -> bool:
    """Whether this came from the catalogue, not from a proxy that found nobody."""
    if response.code < 400:
        return response.code in (200, 201, 304)
    try:
        return "code" in json.loads(response.body or b"")
    except (ValueError, TypeError):
        return False


def _away() -> Unavailable:
    return Unavailable(
        "catalogue-away", "The hub's catalogue does not answer. Try again in a minute."
    )
