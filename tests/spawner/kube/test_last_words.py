"""The last lines of a container, as people may read them."""

from __future__ import annotations

import base64
import json
import random
import time
from urllib.parse import quote

import pytest

from fairihub_core.hiding import HIDDEN
from fairihub_spawner.kube.last_words import LINES, WIDTH, cleaned, last_words

SECRET = 'p@ss "wörd"/ca+na=ry'


@pytest.mark.parametrize(
    ("log", "lines"),
    [
        ("", ()),
        ("\n\n", ()),
        ("one\ntwo\n", ("one", "two")),
        ("one\r\ntwo", ("one", "two")),
        ("\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[m", ("red and green",)),
        ("\x1b]0;title\x07text", ("text",)),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", ("link",)),
        ("10 %\r50 %\r100 %\ndone", ("100 %", "done")),
        ("a\tb", ("a   b",)),
        ("nul\x00bell\x07back\x08", ("nulbellback",)),
        ("abc\u202edcba\u200b", ("abcdcba",)),
        ("half a \ud83d pair", ("half a  pair",)),
        ("\x9b31mred", ("31mred",)),
    ],
)
def test_control_characters_are_gone(log, lines):
    assert last_words(log) == lines


def test_it_is_bounded_in_lines_and_width():
    told = last_words("\n".join(f"{n} " + "x" * 1000 for n in range(100)))
    assert len(told) == LINES
    assert {len(line) for line in told} == {WIDTH}
    assert told[-1].startswith("99 ")
    assert told[-1].endswith("…")
    assert last_words("a\nb\nc", lines=2) == ("b", "c")
    assert last_words("a", lines=0) == ()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        f"DB={SECRET!r}",
    ],
)
def test_a_known_secret_is_hidden_in_every_form(form):
    told = "\n".join(last_words(f"before {form} after", [SECRET]))
    assert HIDDEN in told
    for piece in ("wörd", "w\\u00f6rd", "w%C3%B6rd", base64.b64encode(SECRET.encode()).decode()):
        assert piece not in told


def test_a_secret_of_several_lines_is_hidden_line_by_line():
    told = last_words("got first-half-of-it\nand second-half", ["first-half-of-it\nsecond-half"])
    assert told == (f"got {HIDDEN}", f"and {HIDDEN}")


def test_a_secret_that_holds_another_is_hidden_whole():
    assert last_words("canary-and-more", ["canary", "canary-and-more"]) == (HIDDEN,)


def test_a_secret_at_the_edge_of_what_is_kept_is_not_cut_in_two():
    secret = "s" * 200
    told = last_words("x" * (WIDTH - 50) + " " + secret, [secret])
    assert "sss" not in told[0]
    long = "canary-" * 5 + "\n" + "line\n" * 200_000
    assert "anary" not in "\n".join(last_words(long[1:], lines=10**6))


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("http://127.0.0.1:8888/lab?token=0123456789abcdef", "0123456789abcdef"),
        ("GET /x?a=1&X-Amz-Signature=deadbeef&b=2", "deadbeef"),
        ("X-Amz-Security-Token=FwoGZXIvYXdz", "FwoGZXIvYXdz"),
        ("Authorization: token abc", "abc"),
        ("{'Authorization': 'Bearer abc.def'}", "abc.def"),
        ('"authorization": "Basic dXNlcjpwdw=="', "dXNlcjpwdw=="),
        ("curl -H 'authorization: AWS4-HMAC-SHA256 Credential=x, Signature=y'", "Signature=y"),
        ("sent Bearer 0123456789abcdef0123", "0123456789abcdef0123"),
        ("Cookie: session=abc; other=def", "def"),
        ("git clone https://ada:pa55@example.org/x.git", "pa55"),
        ("git clone https://ghp_abcdefghijklmnopqrstuvwx@github.com/x", "ghp_"),
        ("postgresql+psycopg://hub:hunter2@db/x", "hunter2"),
        ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
        ("AWS_SECRET_ACCESS_KEY=abc", "abc"),
        ("JUPYTERHUB_API_TOKEN=0123456789", "0123456789"),
        ("password = 'hunter2'", "hunter2"),
        ('{"client_secret": "hunter two"}', "hunter"),
        ("token: 0123456789abcdef", "0123456789abcdef"),
        ("github_pat_0123456789abcdefghij", "0123456789"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "eyJzdWIiOiIx"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\nxyz\n-----END RSA PRIVATE KEY-----", "MIIB"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB", "MIIB"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(line, hidden):
    told = "\n".join(last_words(f"before\n{line}\n"))
    assert hidden not in told
    assert HIDDEN in told
    assert told.startswith("before")


@pytest.mark.parametrize(
    "line",
    [
        "ModuleNotFoundError: No module named 'tokenizers'",
        "invalid token: not valid any more",
        '  File "/opt/conda/lib/python3.11/site-packages/jupyterhub/app.py", line 12, in start',
        "OSError: [Errno 28] No space left on device: '/home/jovyan/.local'",
        "jupyterhub-singleuser: error: unrecognized arguments --tokens",
        "commit 893e3bb893e3bb893e3bb893e3bb893e3bb893e3b",
        "https://example.org/a?b=c is reached",
        "Traceback (most recent call last):",
        "KeyError: 'password'",
    ],
)
def test_what_helps_stays(line):
    assert last_words(line) == (line,)


def test_a_message_of_the_cluster_is_one_line():
    assert cleaned("a\nb\x1b[0m\n") == "a b"
    assert len(cleaned("x " * 10_000, width=100)) == 100


def test_a_log_that_was_made_to_be_slow_is_not():
    chance = random.Random(5)  # noqa: S311 - reproducible
    letters = "ae=:?&/@\"'\\ \t\r\n\x1b[;m0token-password.://AKIAeyJ"
    for text in (
        "".join(chance.choices(letters, k=130_000)),
        "token" * 26_000,
        "a://" * 32_000,
        "\x1b]" * 65_000,
        "-----BEGIN PRIVATE KEY-----" * 4_800,
        "A1b/" * 32_000,
        "password=" * 14_000,
        "a-" * 65_000,
    ):
        began = time.perf_counter()
        last_words(text, [SECRET])
        assert time.perf_counter() - began < 5, text[:20]
