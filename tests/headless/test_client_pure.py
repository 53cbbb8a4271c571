"""The client where no service is needed: which hub is meant, its events, its weight."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fairihub_headless.client import RunsError
from fairihub_headless.client.place import place_of
from fairihub_headless.client.sse import Message, messages

SERVER = {
    "FAIRIHUB_CATALOG_URL": "https://hub.example/base/services/catalog/api/",
    "JUPYTERHUB_API_TOKEN": "server",
}
SERVICE = "https://hub.example/services/headless/"


@pytest.mark.parametrize(
    ("url", "token", "environment", "service", "shown"),
    [
        ("https://hub.example", "t", {}, SERVICE, "t"),
        ("https://hub.example/", "t", {}, SERVICE, "t"),
        ("https://hub.example/hub/", "t", {}, SERVICE, "t"),
        (SERVICE, "t", {}, SERVICE, "t"),
        (None, None, {"FAIRIHUB_URL": "https://hub.example", "FAIRIHUB_TOKEN": "e"}, SERVICE, "e"),
        ("https://hub.example", None, {"FAIRIHUB_TOKEN": "e"}, SERVICE, "e"),
        (None, None, SERVER, "https://hub.example/base/services/headless/", "server"),
        (None, "t", SERVER, "https://hub.example/base/services/headless/", "t"),
        ("http://127.0.0.1:8000", "t", SERVER, "http://127.0.0.1:8000/services/headless/", "t"),
    ],
)
def test_which_hub_is_meant(url, token, environment, service, shown):
    place = place_of(url, token, environment)
    assert (place.service, place.token) == (service, shown)
    assert "token" not in repr(place)


@pytest.mark.parametrize(
    ("url", "token", "environment", "code"),
    [
        (None, None, {}, "no-hub-named"),
        ("https://hub.example", None, {}, "no-token"),
        ("https://hub.example", "two words", {}, "no-token"),
        ("https://hub.example", "line\nfeed", {}, "no-token"),
        ("hub.example", "t", {}, "bad-hub-url"),
        ("ftp://hub.example", "t", {}, "bad-hub-url"),
        ("https://ada:pw@hub.example", "t", {}, "bad-hub-url"),
        ("https://[", "t", {}, "bad-hub-url"),
        # The token of a server is for the hub that gave it, and for no other.
        ("https://elsewhere.example", None, SERVER, "no-token"),
        (None, None, {**SERVER, "FAIRIHUB_URL": "https://hub.example.evil"}, "no-token"),
        (None, None, {"JUPYTERHUB_API_TOKEN": "x"}, "no-hub-named"),
    ],
)
def test_no_hub_or_no_token(url, token, environment, code):
    with pytest.raises(RunsError) as refused:
        place_of(url, token, environment)
    assert refused.value.code == code
    assert "pw" not in refused.value.message


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_come_out_of_bytes_however_they_are_cut(size):
    sent = (
        ": a comment\n\nid: 1\nevent: cell\ndata: {}\n\n"
        "event: output\r\ndata: one\u2028line\r\ndata: two\r\n\r\n"
        "id: 2\ndata:bare\n\nevent: cut off\ndata: never"
    ).encode()
    chunks = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert list(messages(chunks)) == [
        Message("cell", "{}", "1"),
        Message("output", "one\u2028line\ntwo", "1"),
        Message("message", "bare", "2"),
    ]


def test_a_line_without_end_is_no_stream_of_events():
    with pytest.raises(ValueError, match="without end"):
        list(messages(b"x" * 2**20 for _ in range(20)))


def test_it_imports_nothing_of_a_hub():
    """So that it comes up at once, on a computer where none of that is installed."""
    heavy = {"tornado", "jupyterhub", "papermill", "sqlalchemy", "nbformat", "nbconvert", "IPython"}
    program = (
        "import sys, fairihub_headless.client, fairihub.cli\n"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "[]"
