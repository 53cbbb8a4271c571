"""Names that a cluster takes, and such as it does not."""

from __future__ import annotations

import time

import pytest

from fairihub_core.cluster_names import is_image, is_team_secret

SHA = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "name",
    [
        "base",
        "base:1",
        "localhost/singleuser:1",
        "localhost:5000/singleuser",
        "LOCALHOST/base",
        "registry.example.org/team/lab:2026.4",
        "registry.example.org:443/team/lab__x-y.z:A_b.C-d",
        f"registry.example.org/lab@{SHA}",
        f"quay.io/lab:2026.4@{SHA}",
        "[2001:db8::1]:5000/lab:1",
        "a--b/c",
    ],
)
def test_images(name: str) -> None:
    assert is_image(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "LOCALHOST//bad image:1",
        "Base:1",
        "quay.io/Lab",
        "quay.io//lab",
        "/lab",
        "lab/",
        "lab:",
        "lab:-1",
        "lab:1:2",
        "lab:" + "x" * 129,
        "la b",
        "lab\n",
        "https://quay.io/lab",
        "lab@sha256:0123",
        f"lab@{SHA.upper()}",
        "lab@md5:" + "0" * 32,
        "läb",
        "a..b",
        "-lab",
    ],
)
def test_no_images(name: str) -> None:
    assert not is_image(name)


def test_a_name_that_was_made_to_be_slow_is_not() -> None:
    for name in ("a-" * 500, "a." * 500 + "/", "a/" * 500, "a" * 1000 + "!", "a-" * 199 + "!"):
        began = time.perf_counter()
        assert not is_image(name)
        assert time.perf_counter() - began < 1, name[:20]


@pytest.mark.parametrize(
    ("name", "possible"),
    [
        ("rivers-archive", True),
        ("rivers.archive", True),
        ("a" * 64, False),
        (".".join(["a" * 63] * 4), False),
        ("fairihub", True),
        ("fairihub-server-x", False),
        ("Rivers", False),
        ("rivers_archive", False),
        ("-rivers", False),
        ("rivers\n", False),
        ("", False),
    ],
)
def test_secrets_of_a_team(name: str, possible: bool) -> None:
    assert is_team_secret(name) is possible
