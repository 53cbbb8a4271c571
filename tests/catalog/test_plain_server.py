"""JupyterLab on its own, with a folder as its library: find, preview, open; nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.catalog.helpers import notebook, put
from tests.support.ports import free_port
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("plain")
    put(found / "library/intro/start.ipynb", notebook("Start"))
    put(found / "home/work/mine.ipynb", notebook("Mine"))
    return found


@pytest.fixture(scope="module")
def server(folder) -> Iterator[httpx.Client]:
    port = free_port()
    options = {
        "ServerApp.port": port,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": folder / "home",
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.allow_unauthenticated_access": False,
        "ServerApp.jpserver_extensions": {"fairihub_catalog": True},
        "IdentityProvider.token": "secret-of-test",
        "CatalogExtension.library": folder / "library",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    environment |= {"JUPYTER_DATA_DIR": str(folder / "data"), "JUPYTER_RUNTIME_DIR": str(folder)}
    # A handler without an access rule is a mistake.
    environment["PYTHONWARNINGS"] = "error::jupyter_server.utils.JupyterServerAuthWarning"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *(f"--{k}={v}" for k, v in options.items())],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}/fairihub/"
        headers = {"Authorization": "token secret-of-test"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            try:
                ready = eventually(lambda: _total(client) == 1, 60)
                assert ready, (folder / "server.log").read_text()[-4000:]
                yield client
            finally:
                process.terminate()
                process.wait(30)


def _total(client: httpx.Client) -> int:
    try:
        return int(client.get("api/notebooks").json()["total"])
    except (httpx.HTTPError, ValueError, KeyError):
        return 0


def test_find_preview_and_open(server, folder):
    assert server.get("settings").json()["hub"] is False
    assert server.get("api/me").json()["teams"] == []
    (found,) = server.get("api/notebooks", params={"q": "sta"}).json()["notebooks"]
    assert (found["id"], found["tags"], found["team"]) == (
        "public.intro-start",
        ["intro"],
        "public",
    )
    preview = server.get("api/notebooks/public.intro-start/preview")
    assert "Start" in preview.text
    assert preview.headers["Content-Type"].startswith("text/html")
    assert "sandbox" in preview.headers["Content-Security-Policy"]
    made = server.post("copy", json={"id": found["id"], "path": "work/start.ipynb"})
    assert made.status_code == 201, made.text
    assert (folder / "home/work/start.ipynb").is_file()
    taken = server.post("copy", json={"id": found["id"], "path": "work/start.ipynb"})
    assert taken.json()["suggestion"] == "work/start-1.ipynb"
    opened = server.post("copy", json={"id": "work/mine.ipynb"})
    assert (opened.status_code, opened.json()["path"]) == (200, "work/mine.ipynb")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "share", {"path": "work/mine.ipynb", "team": "x"}, 403, "no-hub"),
        ("GET", "api/contributions?mine=1", None, 403, "no-hub"),
        ("GET", "api/notebooks/public.nothing", None, 404, "no-such-notebook"),
        ("GET", "api/nothing", None, 404, "no-such-address"),
        ("GET", "nothing", None, 404, "no-such-address"),
        ("POST", "api/me", {}, 405, "no-such-method"),
        ("POST", "copy", {"id": "public.intro-start", "path": "../x.ipynb"}, 400, "bad-path"),
        ("POST", "copy", {"id": "../x.ipynb"}, 400, "bad-path"),
        ("POST", "copy", {"id": "nothing.ipynb"}, 404, "no-such-file"),
        ("POST", "copy", {}, 400, "bad-request"),
        ("POST", "copy", [], 400, "bad-request"),
        ("POST", "copy", {"id": "x" * 100_000}, 413, "too-large"),
    ],
)
def test_what_cannot_be_is_said(server, method, path, body, status, code):
    answer = server.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.mark.parametrize("path", ["settings", "api/me", "api/notebooks", "nothing", "api/x"])
def test_nobody_gets_in(server, path):
    assert httpx.get(f"{server.base_url}{path}").status_code in (302, 403)
    assert httpx.post(f"{server.base_url}{path}").status_code in (403, 405)


def test_a_new_file_appears(server, folder):
    put(folder / "library/second.ipynb", notebook("Second"))
    assert eventually(lambda: _total(server) == 2, 20)
