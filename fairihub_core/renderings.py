"""Notebooks as pages: made by a program that can be killed, kept by the hash of the content."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairihub_core.children import child_environment
from fairihub_core.notebook_page import failure

TIME_LIMIT = 10
"""Seconds of computing; twice as many by the clock, for a machine that is busy."""
_RETRY_AFTER = 600
_MAX_KEPT = 2_000
_AT_ONCE = 2


@dataclass(frozen=True)
class Program:
    """What makes pages of notebooks: `python -m MODULE SECONDS ARGUMENTS`.

    The notebook is on its standard input, the page on its standard output.
    """

    module: str
    style: int = 1
    """Grows when pages look different, so that none of the old ones is shown."""
    no_page: str = "No preview"
    """The title of the page in place of one that cannot be made."""
    instead: str = "Open a copy to see it."
    """What to do then."""


@dataclass(frozen=True)
class Rendered:
    """A page, or one that says why there is none."""

    page: bytes
    failed: bool = False


class Renderings:
    """Rendered notebooks, kept in `folder`, which may be deleted at any time.

    Args:
        slots: how many are made at once, if that is shared with others.
    """

    def __init__(
        self,
        folder: Path,
        program: Program,
        time_limit: int = TIME_LIMIT,
        slots: threading.BoundedSemaphore | None = None,
    ) -> None:
        self._folder = folder
        self._program = program
        self._time_limit = time_limit
        self._slots = slots or threading.BoundedSemaphore(_AT_ONCE)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def of(self, version: str, read: Callable[[], bytes], *arguments: str) -> Rendered:
        """The page of the content whose hash is `version`; `read` gives it when needed.

        Blocks up to the time limit.

        Args:
            arguments: further words for the program; they are part of a file's name.
        """
        kept = self.kept(version, *arguments)
        if kept is not None:
            return kept
        if not self._slots.acquire(timeout=self._time_limit):
            return self._failure("Too many pages are being made. Try again in a minute.")
        try:
            content = read()
            made = self._made(content, arguments)
        finally:
            self._slots.release()
        # By what was rendered: the file may have changed since its hash was taken.
        places = self._places(hashlib.sha256(content).hexdigest(), arguments)
        self._keep(places[made.failed], made.page)
        return made

    def kept(self, version: str, *arguments: str) -> Rendered | None:
        """The page of that content, if it was made before; blocks for no longer than a file."""
        made, failed = self._places(version, arguments)
        with contextlib.suppress(OSError):
            os.utime(made)
            return Rendered(made.read_bytes())
        with contextlib.suppress(OSError):
            if time.time() - failed.stat().st_mtime < _RETRY_AFTER:
                return Rendered(failed.read_bytes(), failed=True)
        return None

    def _places(self, version: str, arguments: Sequence[str]) -> tuple[Path, Path]:
        """Where a page is kept, and where one that only tells of a problem."""
        name = ".".join([version, str(self._program.style), *arguments])
        return self._folder / f"{name}.html", self._folder / f"{name}.failed.html"

    def _made(self, content: bytes, arguments: Sequence[str]) -> Rendered:
        with tempfile.TemporaryFile(dir=self._folder) as page:
            problem = self._render(content, page.fileno(), arguments)
            if problem:
                return self._failure(problem)
            page.seek(0)
            return Rendered(page.read())

    def _failure(self, problem: str) -> Rendered:
        return Rendered(failure(problem, self._program.no_page).encode(), failed=True)

    def _keep(self, path: Path, page: bytes) -> None:
        part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        part.write_bytes(page)
        part.replace(path)
        kept = sorted(self._folder.glob("*.html"), key=_used)
        for old in kept[: max(0, len(kept) - _MAX_KEPT)]:
            old.unlink(missing_ok=True)

    def _render(self, content: bytes, output: int, arguments: Sequence[str]) -> str | None:
        """Runs the program; what went wrong, if anything did."""
        child = subprocess.Popen(
            [sys.executable, "-m", self._program.module, str(self._time_limit), *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            cwd="/",
            # Its home is empty: no template or setting of a user takes part.
            env=child_environment(HOME=str(self._folder), JUPYTER_NO_CONFIG="1"),
            start_new_session=True,
        )
        try:
            child.communicate(content, timeout=2 * self._time_limit)
        except subprocess.TimeoutExpired:
            return f"It takes too long to render. {self._program.instead}"
        finally:
            _end(child)
        if child.returncode == -signal.SIGXCPU:
            return f"It takes too long to render. {self._program.instead}"
        if child.returncode != 0:
            return f"It is no notebook, or too large or too deeply nested. {self._program.instead}"
        return None


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.close()


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
