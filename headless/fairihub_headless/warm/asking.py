"""Asks a fork server for a process, and follows that process to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairihub_headless.warm.forking import wire

_PATIENCE = 10.0
"""Seconds that a fork server may take: by then, a cold start would long have been done."""


class NotForked(Exception):
    """The fork server gave no process; what was asked of it begins cold instead."""


class Unheard(NotForked):
    """The order was sent, and no answer came: what was asked for may have begun for a moment."""


class Forked:
    """A process that was forked, seen from whoever asked for it."""

    def __init__(self, line: socket.socket, answer: Mapping[str, Any]) -> None:
        self.pid: int = answer["pid"]
        self.guardian: int = answer["guardian"]
        self.answer = answer
        self.returncode: int | None = None
        self.swept = False
        """Whether its guardian has said that nothing is left of what began below it."""
        self._line = line
        self._end = asyncio.ensure_future(self._follow())

    async def wait(self) -> int:
        """Its returncode; when it is told, nothing is left of what began below the process."""
        return await asyncio.shield(self._end)

    def signal(self, number: int) -> None:
        """By its guardian, who alone knows that the number still belongs to it."""
        if self.returncode is None:
            with contextlib.suppress(OSError):
                self._line.send(wire.packed({"signal": int(number)}))

    def close(self) -> None:
        """Lets go of the line: whatever still runs is killed."""
        self._end.cancel()
        # Cancelled in the next turn only: by then its number may be another descriptor's.
        asyncio.get_running_loop().remove_reader(self._line)
        self._line.close()

    async def _follow(self) -> int:
        try:
            told = await _received(self._line)
            self.returncode, self.swept = int(told["ended"]), told.get("swept") is True
        except (OSError, EOFError, ValueError, KeyError):
            self.returncode = -signal.SIGKILL  # it dies with its guardian
        return self.returncode


async def ask(
    place: Path, order: Mapping[str, Any], descriptors: Sequence[int], patience: float = _PATIENCE
) -> Forked:
    """A process of the fork server at `place`, that has taken over what the order says.

    Raises:
        NotForked: for whatever reason; nothing has begun then.
        Unheard: what has begun by then ends now, since the line to it is closed.
    """
    line = socket.socket(socket.AF_UNIX)
    try:
        line.setblocking(False)
        await asyncio.wait_for(_send(line, place, order, descriptors), patience)
        try:
            answer = await asyncio.wait_for(_received(line), patience)
        except asyncio.TimeoutError:
            raise Unheard(f"no answer came within {patience:g} seconds") from None
        if answer.get("ready") is not True:
            raise NotForked(str(answer.get("problem"))[:300])
        return Forked(line, answer)
    except NotForked:
        line.close()
        raise
    except (OSError, EOFError, ValueError, KeyError, asyncio.TimeoutError) as problem:
        line.close()
        raise NotForked(f"{type(problem).__name__}: {problem}"[:300]) from None
    except BaseException:
        line.close()
        raise


async def _send(
    line: socket.socket, place: Path, order: Mapping[str, Any], descriptors: Sequence[int]
) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_connect(line, str(place))
    raw = wire.packed(dict(order))
    sent = line.sendmsg([raw], wire.beside(descriptors))
    await loop.sock_sendall(line, raw[sent:])


async def _received(line: socket.socket) -> dict[str, Any]:
    raw = await _exactly(line, wire.length(await _exactly(line, 4)))
    message: dict[str, Any] = json.loads(raw)
    return message


async def _exactly(line: socket.socket, size: int) -> bytes:
    loop, parts = asyncio.get_running_loop(), b""
    while len(parts) < size:
        part = await loop.sock_recv(line, size - len(parts))
        if not part:
            raise EOFError("the other side has gone")
        parts += part
    return parts
