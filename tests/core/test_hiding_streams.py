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


def _long_secret(chance: random.Random) -> str:
    return f'p@ss/"{chance.randbytes(20).hex()}"+ü'


def _of_core(shown: str, secret: str) -> str | None:
    """Twelve characters of the random part, if `shown` has them."""
    core = secret[6:46]
    return next((core[at : at + 12] for at in range(29) if core[at : at + 12] in shown), None)


@pytest.mark.parametrize("late", ["step 3 of 7\n", "SECRET\n", "BASE64"])
@pytest.mark.parametrize("together", [False, True])
def test_what_a_child_prints_late_between_the_halves_saves_neither(
    late: str, together: bool
) -> None:
    secret = _long_secret(random.Random(3))  # noqa: S311 - reproducible
    threefold = base64.encodebytes(secret.encode() * 3).decode()
    late = late.replace("SECRET", secret).replace("BASE64", threefold)
    pieces = [f"told {secret[:20]}", late, f"{secret[20:]}\n", "after\n"]
    hider = Hider([secret])
    stream = HidingStream(hider)
    fed = [pieces[0] + late, *pieces[2:]] if together else pieces
    shown = "".join((*(stream.feed(piece) for piece in fed), stream.end()))
    for text in (shown, hider.text("".join(pieces))):
        assert text.startswith(f"told {HIDDEN}")
        assert text.endswith(f"{HIDDEN}\nafter\n")
        assert _of_core(text, secret) is None
    assert ("step 3 of 7\n" in shown) == ("step" in late)


@pytest.mark.parametrize("seed", range(40))
def test_of_a_secret_in_two_goes_nothing_is_read_whatever_comes_between(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - reproducible
    secrets = [_long_secret(chance), _long_secret(chance)]
    said: list[str] = []
    by_a_third = []
    for secret in secrets:
        cut, other = chance.randint(1, len(secret) - 1), chance.choice(secrets)
        by_a_third += [secret] if 3 * cut >= len(secret) else []
        between = chance.choice([
            "a line\n", f"{other}\n", f"{json.dumps(other)}\n", f"{quote(other)}\n",
            base64.encodebytes(other.encode() * 3).decode(),
        ])  # fmt: skip
        said += ["told ", secret[:cut], between, secret[cut:], "\n", f"{secret}\n"]
    text, at, size = "".join(said), 0, chance.choice([1, 7, 50, 1000])
    hider = Hider(secrets)
    by_goes, by_size = HidingStream(hider), HidingStream(hider)
    shown = ["".join((*map(by_goes.feed, said), by_goes.end())), hider.text(text), ""]
    while at < len(text):
        step = chance.randint(1, size)
        shown[2] += by_size.feed(text[at : at + step])
        at += step
    shown[2] += by_size.end()
    assert [way.count("told ") for way in shown] == [2, 2, 2]
    for way in shown[:2]:
        assert [_of_core(way, secret) for secret in secrets] == [None, None], (seed, way)
    # The rest of a shorter beginning is known for one only if it comes in one piece.
    assert [one for one in by_a_third if _of_core(shown[2], one)] == [], (seed, shown[2])


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
