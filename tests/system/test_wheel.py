"""The wheel alone is a whole fairihub: installed into a new environment, it runs its examples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.ports import free_port
from tests.support.running_hub import ROOT, until, xsrf_of


def uv(*arguments: str | Path) -> None:
    command = ["uv", "--quiet", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as for a release, by the backends of this environment."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "-o", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that has the wheel and what it needs, as locked."""
    folder = tmp_path_factory.mktemp("new") / "venv"
    uv("venv", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    lock = ROOT / "requirements/hub.lock"
    uv("pip", "install", "--python", python, "--require-hashes", "-r", lock)
    uv("pip", "install", "--python", python, "--no-deps", wheel)
    return python


@pytest.fixture
def address(python: Path, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A hub of the examples, started from elsewhere, and its sign-in links."""
    port, links = free_port(), tmp_path / "links.json"
    command = [
        python.parent / "fairihub", "up", "--data", tmp_path / "data", "--port", str(port),
        "--links", links, "--no-open",
    ]  # fmt: skip
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "PATH": path}, start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: links.is_file() or process.poll() is not None, "the hub ready", 120)
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield f"http://127.0.0.1:{port}", json.loads(links.read_text())
    finally:
        process.terminate()
        process.wait(40)


def test_what_the_wheel_holds(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names if not name.startswith("fairihub-")}
    assert tops == {
        "fairihub", "fairihub_core", "fairihub_auth", "fairihub_spawner", "fairihub_portal",
        "fairihub_catalog", "fairihub_headless",
    }  # fmt: skip
    assert "fairihub/_examples/teams/fairicubeuc4.yaml" in names
    assert any("share/jupyter/labextensions/@fairihub/lab/package.json" in n for n in names)
    assert any("jupyter_server_config.d" in n for n in names)
    assert not [n for n in names if "node_modules" in n or n.endswith(".ts")]


def test_the_installed_wheel_runs_a_hub(address: tuple[str, dict[str, str]]) -> None:
    base, links = address
    with httpx.Client(base_url=base, follow_redirects=True, timeout=30) as client:
        client.get("/hub/login")
        token = urlsplit(links["ada"]).fragment.removeprefix("link=")
        client.post("/hub/login", data={"link": token, "_xsrf": xsrf_of(client, "/hub/")})
        page = client.get("/hub/spawn").text
        assert "FAIRiCUBE-UC4" in page
        form = {"profile": "fairicubeuc4.small", "_xsrf": xsrf_of(client, "/hub/")}
        client.post("/hub/spawn", data=form)
        lab = until(lambda: lab_page(client), "JupyterLab", 60)
        assert "@fairihub/lab" in lab, "the extension is in JupyterLab's list"
        assert client.get("/user/ada/fairihub/api/me").json()["login"] == "ada"


def lab_page(client: httpx.Client) -> str | None:
    answer = client.get("/user/ada/lab")
    return answer.text if "jupyter-config-data" in answer.text else None
