"""What is large on its way out: piece by piece, as fast as it is taken, never held as a whole."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import BinaryIO

from tornado.iostream import StreamClosedError

from fairihub_headless.results.handing_out import Part, is_known, part_of
from fairihub_headless.web.base_handler import Base

_CHUNK = 256 * 1024


def part_wanted(handler: Base, tag: str, size: int, named: Part | None = None) -> Part | None:
    """Begins an answer with a file or a part of it; None: the caller has it already.

    Args:
        named: the part that the query names, whatever the headers say.

    Raises:
        NoSuchRange: `no-such-range`.
    """
    asked = handler.request.headers
    handler.set_header("ETag", tag)
    if is_known(asked.get("If-None-Match"), tag):
        handler.set_status(304)
        return None
    part = named or part_of(handler.range, asked.get("If-Range"), tag, size)
    handler.set_status(part.status)
    for header, value in part.headers.items():
        handler.set_header(header, value)
    return part


async def send_part(handler: Base, file: BinaryIO, part: Part) -> None:
    """Sends that part of a file; nothing of it if only the headers were asked for."""
    if handler.request.method != "HEAD":
        file.seek(part.start)
        await stream(handler, file, part.size)


async def stream(handler: Base, file: BinaryIO, size: int) -> None:
    """Sends so many bytes of a file from here, and closes it."""

    def pieces() -> Iterator[bytes]:
        left = size
        with file:
            while left > 0 and (piece := file.read(min(_CHUNK, left))):
                left -= len(piece)
                yield piece

    await send_pieces(handler, pieces())


async def send_pieces(handler: Base, pieces: Iterator[bytes]) -> None:
    """Sends one piece after another, as fast as they are taken; each is made off the loop."""
    with contextlib.suppress(StreamClosedError):  # whoever asked has gone
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            handler.write(piece)
            await handler.flush()
        await handler.finish()


class Streamed(Base):
    """Answers piece by piece, with a tag of its own or none: tornado would name that of nothing."""

    def compute_etag(self) -> None:
        """What is sent is not known as a whole; of HEAD it is nothing at all."""
