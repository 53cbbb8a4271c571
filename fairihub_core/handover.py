"""The moment at which a server that starts is given its token: its spawner says when that is.

Whatever is told of a token waits for it. Of a start that is refused before nothing is told; of one
that is lost after it, or goes on without this hub, it has been told by then.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

Tell = Callable[[], None]


class Handover:
    """What waits until one server has its token."""

    def __init__(self) -> None:
        self._waiting: list[Tell] | None = []

    def tell_then(self, tell: Tell) -> None:
        """Calls `tell` when the server has its token; at once if it has."""
        if self._waiting is None:
            tell()
        else:
            self._waiting.append(tell)

    def done(self) -> None:
        """The server has it, or is about to; to say so again does nothing."""
        waiting, self._waiting = self._waiting, None
        for tell in waiting or ():
            tell()


current: ContextVar[Handover | None] = ContextVar("current", default=None)
"""Of the start that the task at work is for."""


def token_is_given() -> None:
    """Called by a spawner right before it hands the token to whatever runs the server."""
    handover = current.get()
    if handover is not None:
        handover.done()
