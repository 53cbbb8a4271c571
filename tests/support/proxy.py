"""The hub's proxy for tests that start a small hub of their own."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest


def proxy_command() -> Path:
    """The hub's proxy, from npm, kept for the next time."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here, and the proxy comes from it")
    place = Path.home() / ".cache" / "fairihub" / "test-proxy"
    found = place / "node_modules" / ".bin" / "configurable-http-proxy"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side, and all may lack it at once
        if not found.exists():
            install = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix"]
            command = [*install, str(place), "configurable-http-proxy@5"]
            subprocess.run(command, check=True, timeout=180)
    return found
