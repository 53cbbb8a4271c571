"""Every command of the how-to about runs does what its page says, in the order of the page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.notebooks import GLUE, notebook
from tests.support.running_hub import ROOT, RunningHub

PAGE = ROOT / "docs/how-to/run-notebooks.md"
pytestmark = pytest.mark.timeout(400)
TUTORIAL = ROOT / "docs/tutorials/run-by-rest.md"
LONG = notebook("import time; time.sleep(60)")


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(), re.M | re.S)


@pytest.fixture
def desk(hub: RunningHub, tmp_path: Path) -> Path:
    """A folder of ada's with what the page takes for granted, and the command `fairihub`."""
    home = hub.data / "homes" / "fairicubeuc4" / "ada" / "reports"
    home.mkdir(parents=True, exist_ok=True)
    (home / "monthly.ipynb").write_text(json.dumps(notebook(GLUE + "glue('mean', 3.5)")))
    (home / "long.ipynb").write_text(json.dumps(LONG))
    (tmp_path / "mine.ipynb").write_text(json.dumps(notebook("print('mine')")))
    (tmp_path / "fairihub-data").symlink_to(hub.data)
    for command in (tmp_path / "bin" / "fairihub", tmp_path / ".venv" / "bin" / "fairihub"):
        command.parent.mkdir(parents=True)
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m fairihub "$@"\n')
        command.chmod(0o755)
    return tmp_path


def environment(desk: Path) -> dict[str, str]:
    ours = ("FAIRIHUB_", "JUPYTERHUB_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{desk / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**kept, "PYTHONPATH": str(ROOT), "PATH": path}


def shell(hub: RunningHub, desk: Path, page: Path) -> list[tuple[str, str]]:
    """Each block of the page with what it wrote, in one shell that ends with the first failure."""
    commands = [
        block.replace("http://127.0.0.1:8000", hub.address) for block in blocks(page, "bash")
    ]
    script = "set -euo pipefail\n" + "".join(f"{c}\nprintf '\\n@@@\\n'\n" for c in commands)
    ended = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=380, check=False,
        cwd=desk, env=environment(desk),
    )  # fmt: skip
    written = ended.stdout.split("\n@@@\n")
    failed = commands[len(written) - 1] if ended.returncode else ""
    assert ended.returncode == 0, f"{failed}\n{written[-1]}\n{ended.stderr[-3000:]}"
    return list(zip(commands, written, strict=False))


def test_the_commands_of_the_page(hub: RunningHub, desk: Path) -> None:
    written = shell(hub, desk, PAGE)
    assert len(written) > 20
    said = dict(written)
    (listed,) = [text for command, text in said.items() if "runs --status" in command]
    assert "succeeded" in listed
    (followed,) = [text for command, text in said.items() if "/events" in command]
    assert "event: end" in followed
    assert (desk / "results-of-march").is_dir()


def test_the_python_of_the_page(
    hub: RunningHub, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("FAIRIHUB_URL", hub.address)
    monkeypatch.setenv("FAIRIHUB_TOKEN", hub.token("ada"))
    names: dict[str, Any] = {}
    for block in blocks(PAGE, "python"):
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - the page's own
        job = names.get("job")
        if job is not None and "cancel" not in block:
            job.wait(60)
    names["runs"].close()


def test_the_commands_of_the_tutorial(hub: RunningHub, desk: Path) -> None:
    shell(hub, desk, TUTORIAL)
