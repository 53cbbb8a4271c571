"""Secrets in a text: hidden in each form, also over several lines, and nothing else with them."""

from __future__ import annotations

import base64
import json
import pprint
import random
import re
import textwrap
import time
from urllib.parse import quote

import pytest

from fairihub_core.hiding import HIDDEN, without
from fairihub_core.hiding_parts import places
from fairihub_spawner.kube.last_words import last_words

CANARY = "canary{brace}$(HOME)%s"
LONG = "".join(random.Random(4).choices("abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_+/", k=150))  # noqa: S311


def _forms(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
    ]


@pytest.mark.parametrize("secret", [CANARY, LONG, 'p@ss "wörd"/ca+na=ry', "hunter2"])
@pytest.mark.parametrize(
    "gap", ["\n", "\r\n", "\n    ", "  \n\n", "\n\t", "\x1b[0m\n", "\n\u200b", " \n \n"]
)
def test_a_secret_over_two_lines_is_hidden_wherever_it_is_broken(secret: str, gap: str) -> None:
    for form in _forms(secret):
        for at in range(1, len(form)):
            told = last_words(f"split {form[:at]}{gap}{form[at:]}!\nend", [secret])
            assert told[0] == f"split {HIDDEN}", form[:at]
            assert told[-2:] == (f"{HIDDEN}!", "end"), form[at:]


@pytest.mark.parametrize("width", [1, 2, 7, 60, 76])
def test_over_many_lines(width: int) -> None:
    for form in _forms(LONG):
        pieces = [form[at : at + width] for at in range(0, len(form), width)]
        told = without("\n".join(["before", *pieces, "after"]), [LONG])
        assert told.split("\n") == ["before", *[HIDDEN] * len(pieces), "after"]


@pytest.mark.parametrize(
    "text",
    [
        pprint.pformat({"token": LONG, "other": LONG}, width=40),
        '"' + '" \\\n"'.join(textwrap.wrap(LONG, 30)) + '"',
        "\n".join(f"│ {piece:<30} │" for piece in textwrap.wrap(LONG, 30)),
        "\n".join(f"> {piece}" for piece in textwrap.wrap(LONG, 30)),
        "export KEY='" + "\\\n".join(textwrap.wrap(LONG, 50)),
    ],
    ids=["pprint", "python", "frame", "quoted mail", "shell"],
)
def test_whatever_breaks_the_line_puts_around_it(text: str) -> None:
    told = without(text, [LONG])
    assert HIDDEN in told
    assert not any(LONG[at : at + 5] in told for at in range(len(LONG) - 5))


@pytest.mark.parametrize("printed", [repr, json.dumps, lambda told: json.dumps(json.dumps(told))])
@pytest.mark.parametrize("wrapped", ["\n", "\r\n", "\n\t"])
@pytest.mark.parametrize("width", [20, 60, 76])
def test_a_break_in_words_is_one(printed, wrapped, width) -> None:
    for form in _forms(LONG):
        pieces = [form[at : at + width] for at in range(0, len(form), width)]
        told = without(f"before {printed(wrapped.join(pieces))} after", [LONG])
        assert re.fullmatch(r'before [\\"\']+\[hidden][\\"\']+ after', told), told


def test_a_break_in_words_is_one_as_of_what_base64_has_wrapped() -> None:
    wrapped = base64.encodebytes(LONG.encode())
    assert without(repr(wrapped), [LONG]) == f"b'{HIDDEN}\\n'"
    assert without(json.dumps({"key": wrapped.decode()}), [LONG]) == f'{{"key": "{HIDDEN}\\n"}}'
    key = "\n".join((LONG[:64], LONG[64:128], LONG[128:]))
    anew = "\n".join((LONG[:50], LONG[50:100], LONG[100:]))
    assert without(json.dumps([anew, "no\nmore"]), [key]) == f'["{HIDDEN}", "no\\nmore"]'


def test_a_secret_with_a_backslash_is_hidden_over_breaks_in_words() -> None:
    secret = r"C:\new\reports\tables-4"
    for at in range(1, len(secret)):
        if secret[at - 1] == "\\":
            continue  # whose the backslashes are, nobody can say
        told = without(json.dumps(f"{secret[:at]}\n{secret[at:]}"), [secret])
        assert told == f'"{HIDDEN}"', secret[:at]


def test_what_stands_around_stays() -> None:
    text = f"first {CANARY[:9]}\n{CANARY[9:]} second\nthird"
    assert without(text, [CANARY]) == f"first {HIDDEN}\n{HIDDEN} second\nthird"


def test_of_secrets_that_hold_each_other_nothing_stays() -> None:
    secrets = ["canary", "canary-and-more", "more-of-it"]
    assert without("canary-an\nd-more-of-it", secrets) == f"{HIDDEN}\n{HIDDEN}"
    assert without("canary-and-more", secrets) == HIDDEN


def test_a_key_of_several_lines_is_hidden_however_it_is_wrapped() -> None:
    key = "\n".join((LONG[:64], LONG[64:128], LONG[128:]))
    told = without("\n".join((LONG[:50], LONG[50:100], LONG[100:])), [key])
    assert told.split("\n") == [HIDDEN] * 3


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("a\nb\nc\na b c", "a"),
        ("one\ntwo", "e\nt"),
        ("port 1\n2345 was free", "1234"),
        ("latest\nimage", "stim"),
        ("at best\nin ten minutes", "sting"),
        ("no ca-\nnary", "canary-and-more"),
        ("postgresql://db.example.org\nis away", "postgresql://hub:hunter2@db.example.org/hub"),
        ("b/rivers is away", "postgresql://hub:hunter2@db/rivers"),
        ("rivers\nis away", "postgresql://hub:hunter2@db/rivers"),
        ("one two\nthree", "onetwothree-not"),
        ("a-b c\nd", "----\n----"),
        ("Traceback (most recent call last):\n  File", ""),
        ("x\n\ny", "\n\n\n\n"),
        (r"C:\new\ten\reports", "C:ewenreports"),
        (r"no ca-\nnary", "canary-and-more"),
        (r"port 1\n2345 was free", "1234"),
        ("   \n   ", "      "),
    ],
)
def test_innocents_stay(text: str, secret: str) -> None:
    assert without(text, [secret]) == text


def test_the_end_of_a_secret_whose_beginning_was_cut_off_with_its_line() -> None:
    for at in range(4, len(LONG) - 7):
        assert without(f"{LONG[at:]}\nand {LONG[at:]}", [LONG]) == f"{HIDDEN}\nand {LONG[at:]}"
    assert without(LONG[100:], [LONG]) == HIDDEN
    assert without(f"{LONG[100:120]}\n{LONG[120:]}\nmore", [LONG]) == f"{HIDDEN}\n{HIDDEN}\nmore"


def test_on_one_line_only_what_is_meant_is_hidden() -> None:
    assert without("can ary-and more", ["canary-and-more"]) == "can ary-and more"


def test_a_secret_in_random_text_is_gone_and_the_text_is_not() -> None:
    chance = random.Random(7)  # noqa: S311 - reproducible
    for _ in range(300):
        secret = "".join(chance.choices("ab{}-1 é", k=chance.randint(12, 40))).strip()
        words = "".join(chance.choices("xyz \n,.", k=200))
        cuts = sorted(chance.sample(range(1, len(secret)), 2))
        broken = "\n".join((secret[: cuts[0]], secret[cuts[0] : cuts[1]], secret[cuts[1] :]))
        told = without(f"{words}|{broken}|{words}", [secret])
        assert told.startswith(f"{words}|")
        assert told.endswith(f"|{words}")
        assert set(told[len(words) + 1 : -len(words) - 1]) <= set(HIDDEN + "\n")


def test_of_places_that_overlap_each_is_found() -> None:
    chance = random.Random(1)  # noqa: S311 - reproducible
    for _ in range(5_000):
        text = "".join(chance.choices(chance.choice(("ab", "aab", "a")), k=chance.randint(0, 40)))
        form = "".join(chance.choices(chance.choice(("ab", "aab", "a")), k=chance.randint(1, 9)))
        every = [at for at in range(len(text)) if text.startswith(form, at)]
        assert list(places(text, form)) == every, (text, form)


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("a" * 131_000, ["a" * 2000, "a" * 3000, "a" * 30_000]),
        (("a" * 76 + "\\n") * 1_680, ["a" * 2000, "a" * 3000]),
        ("a" * 131_000, ["a" * 8, "a" * 1000]),
        ("\\" * 131_000, ["sesame-open"]),
        (("\\" * 1000 + "x") * 131, ["sesame-open"]),
        ("a\n" * 65_000, ["a" * 8, "a" * 1000]),
        ("aaaaaaaaab\n" + "a" * 131_000, ["a" * 500_000]),
        ("aaaaaaab\n" * 14_000, ["aaaaaaaa" * 9 + "b"]),
        ("ab" * 65_000, ["ab" * 500 + "c" + "ab" * 500]),
        ("the words of a log, line by line\n" * 4_000, [f"secret-{n}-{LONG}" for n in range(100)]),
        ("the words of a log, line by line\n" * 4_000, ["\n".join(f"{n:064}" for n in range(500))]),
    ],
    ids=range(11),
)
def test_a_log_of_128_kib_does_not_take_long(text: str, secrets: list[str]) -> None:
    began = time.process_time()
    without(text, secrets)
    assert time.process_time() - began < 5
