"""Secrets in a text that comes in pieces: hidden wherever a piece ends, and nothing waits long."""

from __future__ import annotations

import base64
import json
import random
import time
from urllib.parse import quote

import pytest

from fairihub_core.hiding import HIDDEN, Hider
from fairihub_core.hiding_streams import HidingStream

CANARY = 'canary{7f3a}"91/c2+äß and more'


def told(text: str, size: int, secrets: list[str]) -> str:
    stream = HidingStream(Hider(secrets))
    pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
    return "".join((*pieces, stream.end()))


FORMS = {
    "plain": CANARY,
    "base64": base64.b64encode(CANARY.encode()).decode(),
    "within base64": base64.b64encode(f"ada:{CANARY}@".encode()).decode()[
        6 : 8 * (4 + len(CANARY.encode())) // 6
    ],
    "url": quote(CANARY, safe=""),
    "json": json.dumps(CANARY)[1:-1],
    "lines": CANARY[:11] + "\n" + CANARY[11:],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 30, 1000])
def test_a_secret_is_hidden_wherever_a_piece_ends(form: str, size: int) -> None:
    text = f"before {form}; after\n" * 3
    shown = told(text, size, [CANARY, "another-secret"])
    for line in shown.splitlines():
        assert not any(form[at : at + 6] in line for at in range(len(form) - 5)), shown
    assert shown.count("before ") == shown.count("; after\n") == 3


def test_what_holds_no_secret_is_told_at_once_and_as_it_is() -> None:
    stream = HidingStream(Hider([CANARY]))
    for line in ("one\n", "two", " and three\n", "can\n", "c\n"):
        assert stream.feed(line) == line
    assert stream.feed("canary{7") == ""
    assert stream.feed(" is a bird\n") == "canary{7 is a bird\n"
    assert stream.end() == ""


def test_a_secret_that_the_end_has_cut_off_is_hidden_and_a_word_is_not() -> None:
    assert told(f"x {CANARY[:20]}", 3, [CANARY]) == f"x c{HIDDEN}"
    assert told(f"x {CANARY[:20]}", 30, [CANARY]) == f"x {HIDDEN}"
    assert told("x cana", 30, [CANARY]) == "x cana"


def test_ten_mebibytes_take_ten_times_as_long_as_one() -> None:
    chance = random.Random(1)  # noqa: S311 - reproducible
    words = ["".join(chance.choices("abcdefgh ", k=9)) for _ in range(2000)]
    line = " ".join(chance.choices(words, k=100)) + "\n"
    text = line * (10 * 2**20 // len(line))
    took = []
    for share in (10, 1):
        began = time.process_time()
        told(text[: len(text) // share], 64 * 1024, [CANARY, "x" * 200, "key\n" * 20])
        took.append(time.process_time() - began)
    assert took[1] < 25 * max(took[0], 0.02), took
    assert took[1] < 10
