"""What a follower is told of a run, as server-sent events; pure but for what it has told before."""

from __future__ import annotations

import json
from typing import Any

from fairihub_headless.engine.changes import CellDone, Progress, StateChanged
from fairihub_headless.models import Run

BEGINNING = b"retry: 3000\n\n"
"""A browser that loses the stream asks again after so many milliseconds."""
HEARTBEAT = b": still here\n\n"


class Story:
    """The frames of one stream.

    Each bears the position in the log up to which output was told as its id, so that whoever
    comes back with the last one gets the rest of the output and nothing twice. Everything else is
    told as it stands then.

    Args:
        position: bytes of the log that the follower has already.
    """

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self._told: dict[str, Any] = {}

    def standing(self, run: Run, reported: Progress | None) -> bytes:
        """How a run stands for one who comes to it now."""
        frames = self.state(StateChanged(run.state, run.message, run.attempt))
        if run.cells:
            frames += self.cell(CellDone(run.cell, run.cells))
        return frames + (self.progress(reported) if reported else b"")

    def state(self, event: StateChanged) -> bytes:
        told = {"status": event.state.value, "message": event.message, "attempt": event.attempt}
        return self._once("state", told)

    def cell(self, event: CellDone) -> bytes:
        return self._once("cell", {"cell": event.done, "cells": event.cells})

    def progress(self, event: Progress) -> bytes:
        return self._once("progress", {"fraction": event.fraction, "message": event.message})

    def output(self, text: bytes) -> bytes:
        """The next piece of the log."""
        begins = self.position
        self.position += len(text)
        return self._frame("output", {"offset": begins, "text": text.decode("utf-8", "replace")})

    def refused(self, code: str, message: str) -> bytes:
        """Why the story is not told to its end."""
        return self._frame("refused", {"code": code, "message": message})

    def end(self, status: dict[str, Any]) -> bytes:
        return self._frame("end", status)

    def _once(self, kind: str, told: dict[str, Any]) -> bytes:
        if self._told.get(kind) == told:
            return b""
        self._told[kind] = told
        return self._frame(kind, told)

    def _frame(self, kind: str, told: dict[str, Any]) -> bytes:
        data = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (self.position, kind.encode(), data)
