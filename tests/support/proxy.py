"""The hub's proxy for tests that start a small hub of their own."""

from __future__ import annotations

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
    if not found.exists():
        place.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(place)]
        subprocess.run([*install, "configurable-http-proxy@5"], check=True, timeout=180)
    return found
