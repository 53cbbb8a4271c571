"""A child process that reads notebooks, so that a hostile one stalls and fills nobody else.

Parsing 20 MB of JSON holds Python's lock long enough to stall a server, and a schema check of
a hostile notebook may take minutes: the child can be killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from fairihub_catalog.models import Facts, Submission
from fairihub_core.children import child_environment
from fairihub_core.errors import FairihubError, Unavailable, Unreadable
from fairihub_core.findings import Finding
from fairihub_core.teams import Frozen

TIME_LIMIT = 20.0
_MAX_ANSWER = 4 * 2**20
_STATUS_CLASSES: dict[int, type[FairihubError]] = {
    cls.status: cls for cls in FairihubError.__subclasses__()
}


class Read(Frozen):
    """A contribution as it was read: what its author says, what it is, what is remarkable."""

    submission: Submission
    facts: Facts
    findings: tuple[Finding, ...]


class Reader:
    """Reads notebooks in a child process; one at a time, each within a time limit.

    Safe to call from several threads. The child is started when first needed, again after it
    was killed, and ends when this process does, however that ends.
    """

    def __init__(self, time_limit: float = TIME_LIMIT) -> None:
        self._time_limit = time_limit
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def facts(self, root: Path, path: str) -> Facts:
        """What the notebook at `path` below `root` says of itself.

        Raises:
            FairihubError: it is gone, too large, no notebook, or takes too long to read.
        """
        return Facts.model_validate(self._ask({"do": "facts", "root": str(root), "path": path}))

    def submission(self, body: Path, content: Path) -> Read:
        """Reads the request stored at `body`, and writes its notebook to `content`.

        Raises:
            FairihubError: as for `facts`, or what the author says of it is not valid.
        """
        answer = self._ask({"do": "submission", "body": str(body), "content": str(content)})
        return Read.model_validate(answer)

    def edition(self, content: Path, properties: dict[str, Any]) -> bytes:
        """The notebook at `content` as it is published, with these properties."""
        target = content.with_suffix(".edition")
        question = {"content": str(content), "to": str(target), "properties": properties}
        try:
            self._ask({"do": "edition", **question})
            return target.read_bytes()
        finally:
            target.unlink(missing_ok=True)

    def stop(self) -> None:
        """Ends the child; whoever waits for an answer is told that there will be none."""
        self._stopped = True
        self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            line = self._answer_to(json.dumps(question).encode() + b"\n")
            if line is None and not self._stopped:
                self._end()
        if self._stopped:
            raise Unavailable("stopping", "The catalogue is being stopped. Try again in a minute.")
        if line is None:
            raise Unreadable(
                "too-hard", "This notebook takes too much time or memory to read; simplify it."
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            error = answer["error"]
            cls = _STATUS_CLASSES.get(error["status"], Unreadable)
            raise cls(error["code"], error["message"])
        found: dict[str, Any] = answer["found"]
        return found

    def _answer_to(self, question: bytes) -> bytes | None:
        """The child's answer; None if it died or took too long."""
        if self._child is None or self._child.poll() is not None:
            self._child = _start()
        pipe_in, pipe_out = self._child.stdin, self._child.stdout
        if pipe_in is None or pipe_out is None:  # pragma: no cover - both are pipes
            return None
        try:
            pipe_in.write(question)
            pipe_in.flush()
            return _line_from(pipe_out.fileno(), time.monotonic() + self._time_limit)
        except (OSError, ValueError):
            return None


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "fairihub_catalog.reader_program"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=child_environment(),
        start_new_session=True,
    )


def _line_from(descriptor: int, deadline: float) -> bytes | None:
    received = bytearray()
    while not received.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(descriptor, 65536) if ready else b""
        if not piece or len(received) > _MAX_ANSWER:
            return None
        received += piece
    return bytes(received)
