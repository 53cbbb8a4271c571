"""What the proxy writes to the hub's log: whatever is asked for, no line of it is long."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fairihub.node import node_command
from fairihub_spawner import proxy

SCRIPT = """
console.log("503 GET /" + "x".repeat(20000) + " Error: overflow\\n    at parser");
console.error("short");
console.error("y\\n".repeat(20000));
"""


@pytest.mark.parametrize("folder", ["here", "some where", "jürgen x", 'a"b\\c'])
def test_no_line_of_the_proxy_is_long(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / folder
    place.mkdir()
    monkeypatch.setattr(proxy, "_LOG", Path(shutil.copy(proxy._LOG, place)))
    monkeypatch.setenv("NODE_OPTIONS", "--no-deprecation")
    command = proxy.with_short_lines([node_command(), "-e", SCRIPT])
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    first, second = told.stdout.splitlines()
    assert first.startswith("503 GET /xxx")
    assert len(first.encode()) < 1024
    assert second == "    at parser"
    assert told.stderr.startswith("short\n")
    assert len(told.stderr) < 1024
