"""Previews: made by a program that can be killed, kept by the hash of the content."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from fairihub_catalog.children import child_environment
from fairihub_catalog.page import POLICY, failure
from fairihub_catalog.reading import version_of

TIME_LIMIT = 10
"""Seconds of computing; twice as many by the clock, for a machine that is busy."""
_RETRY_AFTER = 600
_STYLE_VERSION = 1
"""Grows when previews look different, so that none of the old ones is shown."""
_TOO_SLOW = "It takes too long to render. Open a copy to see it."
_MAX_KEPT = 2_000
_AT_ONCE = 2

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    # `sandbox` without any allowance: to the browser the page is of no origin, without scripts.
    "Content-Security-Policy": f"sandbox; {POLICY}; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Previews:
    """Rendered notebooks, kept in `folder`, which may be deleted at any time."""

    def __init__(self, folder: Path, time_limit: int = TIME_LIMIT) -> None:
        self._folder = folder
        self._time_limit = time_limit
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, version: str, read: Callable[[], bytes]) -> bytes:
        """The preview of the content whose hash is `version`; `read` gives it when needed.

        A page that says why, where none can be made. Blocks up to the time limit.
        """
        kept = self.kept(version)
        if kept is not None:
            return kept
        if not self._slots.acquire(timeout=self._time_limit):
            return failure("Too many previews are being made. Try again in a minute.").encode()
        try:
            content = read()
            page, problem = self._made(content)
        finally:
            self._slots.release()
        # By what was rendered: the file may have changed since it was indexed.
        self._keep(self._places(version_of(content))[problem], page)
        return page

    def _places(self, version: str) -> tuple[Path, Path]:
        """Where a page is kept, and where one that only tells of a problem."""
        name = f"{version}.{_STYLE_VERSION}"
        return self._folder / f"{name}.html", self._folder / f"{name}.failed.html"

    def kept(self, version: str) -> bytes | None:
        """The preview of that content, if it was made before; blocks for no longer than a file."""
        made, failed = self._places(version)
        with contextlib.suppress(OSError):
            os.utime(made)
            return made.read_bytes()
        with contextlib.suppress(OSError):
            if time.time() - failed.stat().st_mtime < _RETRY_AFTER:
                return failed.read_bytes()
        return None

    def _made(self, content: bytes) -> tuple[bytes, bool]:
        """The page, and whether it only tells of a problem."""
        with tempfile.TemporaryFile(dir=self._folder) as page:
            problem = _render(content, page.fileno(), self._time_limit, self._folder)
            if problem:
                return failure(problem).encode(), True
            page.seek(0)
            return page.read(), False

    def _keep(self, path: Path, page: bytes) -> None:
        part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        part.write_bytes(page)
        part.replace(path)
        kept = sorted(self._folder.glob("*.html"), key=_used)
        for old in kept[: max(0, len(kept) - _MAX_KEPT)]:
            old.unlink(missing_ok=True)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _render(content: bytes, output: int, seconds: int, folder: Path) -> str | None:
    """Runs the program; what went wrong, if anything did."""
    child = subprocess.Popen(
        [sys.executable, "-m", "fairihub_catalog.render", str(seconds)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.DEVNULL,
        cwd="/",
        # Its home is empty: no template or setting of a user takes part.
        env=child_environment(HOME=str(folder), JUPYTER_NO_CONFIG="1"),
        start_new_session=True,
    )
    try:
        child.communicate(content, timeout=2 * seconds)
    except subprocess.TimeoutExpired:
        return _TOO_SLOW
    finally:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()
    if child.returncode == -signal.SIGXCPU:
        return _TOO_SLOW
    if child.returncode != 0:
        return "It is no notebook, or too large or too deeply nested. Open a copy to see it."
    return None
