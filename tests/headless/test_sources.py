"""Which notebooks a run may take from a home, and what is said of the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from fairihub_core.errors import FairihubError
from fairihub_core.homes import behind_own_link
from fairihub_core.offers import offers_for
from fairihub_core.places import Places
from fairihub_core.teams import TeamDirectory
from fairihub_headless import sources
from fairihub_headless.sources import CatalogSource, notebook_in_home

Read = Callable[[str], bytes]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of ada in uc1, with a notebook and what lies around it."""
    places = Places(tmp_path)
    home = places.home("uc1", "ada")
    for folder in (home / "deep", places.home("uc1", "bob"), places.library("uc1")):
        folder.mkdir(parents=True)
    (home / "deep" / "a.ipynb").write_text("mine")
    (places.home("uc1", "bob") / "b.ipynb").write_text("not mine")
    (places.library("uc1") / "c.ipynb").write_text("shared")
    (home / "shared").symlink_to(places.library("uc1"))
    (home / "link.ipynb").symlink_to(places.home("uc1", "bob") / "b.ipynb")
    (home / "folder").symlink_to(places.home("uc1", "bob"))
    (home / "s3").symlink_to(places.home("uc1", "bob"))
    (home / "dir.ipynb").mkdir()
    os.mkfifo(home / "pipe.ipynb")
    with (home / "large.ipynb").open("wb") as large:
        large.truncate(50 * 2**20)
    return home


@pytest.fixture
def read(home: Path, tmp_path: Path, directory: TeamDirectory) -> Read:
    offer = offers_for("ada", directory, date(2026, 6, 1))[0]
    return lambda path: notebook_in_home(Places(tmp_path), offer, "ada", path)


@pytest.mark.parametrize(("path", "content"), [("deep/a.ipynb", b"mine"),
                                               ("shared/c.ipynb", b"shared")])  # fmt: skip
def test_what_is_read(read: Read, path: str, content: bytes) -> None:
    assert read(path) == content


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../bob/b.ipynb", "bad-path"),
        ("deep/../../bob/b.ipynb", "bad-path"),
        ("/etc/passwd.ipynb", "bad-path"),
        ("~bob/b.ipynb", "bad-path"),
        ("a\0.ipynb", "bad-path"),
        ("..\\bob\\b.ipynb", "bad-path"),
        ("http://h/b.ipynb", "bad-path"),
        ("s3://h/b.ipynb", "bad-path"),
        (".hidden/b.ipynb", "bad-path"),
        ("link.ipynb", "bad-path"),
        ("folder/b.ipynb", "bad-path"),
        ("s3/b.ipynb", "bad-path"),
        ("dir.ipynb", "no-such-notebook"),
        ("pipe.ipynb", "no-such-notebook"),
        ("nothing.ipynb", "no-such-notebook"),
        ("large.ipynb", "too-large"),
    ],
)
def test_what_is_refused(read: Read, path: str, code: str) -> None:
    with pytest.raises(FairihubError) as refused:
        read(path)
    assert refused.value.code == code


def test_a_folder_that_becomes_a_link_after_the_check_is_not_followed(
    home: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(*given: Any) -> Any:
        (home / "deep").rename(home / "away")
        (home / "deep").symlink_to(home / "away")
        return behind_own_link(*given)

    monkeypatch.setattr(sources, "behind_own_link", swapped)
    with pytest.raises(FairihubError) as refused:
        read("deep/a.ipynb")
    assert refused.value.code == "no-such-notebook"


@pytest.mark.parametrize(
    ("content", "parameters", "code"),
    [
        (b"\x89PNG", {}, "no-notebook"),
        (b"[]", {}, "no-notebook"),
        (b'{"a": 1}', {}, "no-notebook"),
        (None, {"b": 1}, "undeclared-parameter"),
        (None, {"a=1;import os;a": 1}, "bad-parameter-name"),
        (None, {"class": 1}, "bad-parameter-name"),
    ],
)
async def test_what_no_run_is_made_of(
    house: Any, notebook: Callable[..., str], content: bytes | None, parameters: Any, code: str
) -> None:
    house.put(content or notebook(parameters="a = 1"))
    with pytest.raises(FairihubError) as refused:
        await house.submit(parameters_json=parameters)
    assert refused.value.code == code
    assert house.runs.store.waiting() == []


@pytest.fixture
def catalog() -> Iterator[str]:
    """An address that answers as the catalogue's API does to ada's token."""

    class Catalog(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers["Authorization"] == "token ada's"
            status, body = ANSWERS.get(self.path, (404, b"{}")) if allowed else (403, b"{}")
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """The tests say enough."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Catalog) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/"
        server.shutdown()


ANSWERS = {
    "/api/notebooks/uc1.ndvi/content": (200, b"notebook"),
    "/api/notebooks/uc1.moved/content": (302, b""),
    "/api/notebooks/uc1.broken/content": (500, b""),
}


@pytest.mark.parametrize(
    ("notebook_id", "token", "answer"),
    [
        ("uc1.ndvi", "ada's", b"notebook"),
        ("uc1.ndvi", "eve's", "catalogue-refused"),
        ("uc1.nothing", "ada's", "no-such-notebook"),
        ("../../hub/api/user", "ada's", "no-such-notebook"),
        ("uc1.moved", "ada's", "catalogue-refused"),
        ("uc1.broken", "ada's", "catalogue-away"),
    ],
)
async def test_notebooks_of_the_catalogue(
    catalog: str, notebook_id: str, token: str, answer: bytes | str
) -> None:
    try:
        got: bytes | str = (await CatalogSource(catalog).notebook(notebook_id, token)).content
    except FairihubError as refused:
        got = refused.code
    assert got == answer


@pytest.mark.parametrize(
    ("url", "code"), [(None, "no-catalogue"), ("http://127.0.0.1:9/api/", "catalogue-away")]
)
async def test_a_catalogue_that_is_away(url: str | None, code: str) -> None:
    with pytest.raises(FairihubError) as refused:
        await CatalogSource(url).notebook("uc1.ndvi", "ada's")
    assert (refused.value.code, refused.value.status) == (code, 503)
