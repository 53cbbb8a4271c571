"""What the cluster's API answers, up to a size: no answer without end fills the hub's memory."""

from __future__ import annotations

import aiohttp

MAX_BYTES = 200 * 1024 * 1024
"""More than a page of objects can have in practice."""


async def bounded(answer: aiohttp.ClientResponse) -> bytes:
    """The whole body.

    Raises:
        aiohttp.ClientPayloadError: it is too long.
    """
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > MAX_BYTES:
            raise aiohttp.ClientPayloadError(f"an answer of over {MAX_BYTES:,} bytes")
    return bytes(body)
