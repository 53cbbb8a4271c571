"""A service that cannot serve: the hub begins it anew at once, so it takes its time to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fairihub_core.follow import SnapshotFollower
from fairihub_headless import service
from fairihub_headless.engine.local import LocalEngine
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.store.runs import Store

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


async def test_what_was_begun_before_a_failure_is_stopped_the_last_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[type] = []

    def note(kind: type, name: str) -> None:
        stop = getattr(kind, name)

        def noted(self: Any) -> Any:
            stopped.append(kind)
            return stop(self)

        monkeypatch.setattr(kind, name, noted)

    async def failing(self: LocalEngine) -> None:
        raise OSError("there is no beat")

    note(SnapshotFollower, "stop")
    note(Store, "close")
    monkeypatch.setattr(LocalEngine, "start", failing)
    nobody = "http://127.0.0.1:9"
    place = service.HubPlace(f"{nobody}/hub/api", "secret", "/services/headless/", "127.0.0.1", 0)
    with pytest.raises(OSError, match="no beat"):
        await service.serve(HeadlessSettings(data=tmp_path, warm=False), place)
    assert stopped == [Store, SnapshotFollower]
