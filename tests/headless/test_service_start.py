"""A service that cannot serve: the hub begins it anew at once, so it takes its time to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_WITHOUT_WAITING = (
    "from fairihub_headless import service; "
    "service.time.sleep = lambda seconds: print('waits', seconds); service.main()"
)


def test_what_fails_at_the_start_is_said_and_waits(tmp_path: Path) -> None:
    place = tmp_path / "data/headless"
    place.mkdir(parents=True)
    (place / "runs.sqlite").write_text("This is no database.")
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"data": str(tmp_path / "data")}))
    nobody = "http://127.0.0.1:9"
    environment = {
        "FAIRIHUB_SERVICE": str(settings),
        "JUPYTERHUB_API_TOKEN": "secret",
        "JUPYTERHUB_API_URL": f"{nobody}/hub/api",
        "JUPYTERHUB_SERVICE_NAME": "headless",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/headless/",
        "JUPYTERHUB_SERVICE_URL": nobody,
    }
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT_WAITING], env={**os.environ, **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "waits 10\n"), ended.stderr
    assert "runs cannot be served" in ended.stderr
    assert "file is not a database" in ended.stderr
