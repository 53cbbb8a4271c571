"""The queue: fair between members, by urgency among one's own, quick however much waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fairihub_headless.engine.queueing import Queue, Slots
from fairihub_headless.models import Waiting

MANY = Slots(in_all=100, per_member=100)


def queue(words: str, slots: Slots = MANY, first: int = 0) -> Queue:
    """Runs in the order of their words: `ada`, `ada/uc2` for another team, `ada!` if urgent."""
    made = Queue(slots)
    for seq, word in enumerate(words.split(), first):
        made.put(waiting(seq, word))
    return made


def waiting(seq: int, word: str) -> Waiting:
    rank = 0 if word.endswith("!") else 2 if word.endswith("?") else 1
    owner, _, team = word.rstrip("!?").partition("/")
    return Waiting(seq, f"{owner}{seq}", owner, team or "uc1", rank)


def ids(runs: Sequence[Waiting]) -> str:
    return " ".join(run.id for run in runs)


@pytest.mark.parametrize(
    ("words", "slots", "taken"),
    [
        ("", MANY, ""),
        ("ada bob ada", MANY, "ada0 bob1 ada2"),
        ("ada ada ada bob", MANY, "ada0 bob3 ada1 ada2"),
        ("ada ada ada bob", Slots(2, 100), "ada0 bob3"),
        ("ada ada ada bob", Slots(9, 2), "ada0 bob3 ada1"),
        # Urgency is a matter of one's own runs: it takes no turn away from bob.
        ("ada bob ada! ada? ada", Slots(2, 100), "ada2 bob1"),
        ("ada? ada ada!", MANY, "ada2 ada1 ada0"),
        # A team that is full holds up neither its members' other teams nor other members.
        ("ada ada ada/uc2 bob/uc2 bob", Slots(9, 9, 1), "ada0 bob3"),
        ("ada ada/uc2 bob", Slots(9, 9, 2), "ada0 bob2 ada1"),
    ],
)
def test_who_is_next(words: str, slots: Slots, taken: str) -> None:
    assert ids(queue(words, slots).take()) == taken


def test_what_is_over_makes_room_for_the_next() -> None:
    found = queue("ada ada bob bob", Slots(in_all=9, per_member=1))
    assert ids(found.take()) == "ada0 bob2"
    assert ids(found.take()) == ""
    found.over("bob2")
    assert ids(found.take()) == "bob3"
    found.over("ada0")
    found.over("ada0")
    assert ids(found.take()) == "ada1"
    found.over("ada1")
    assert ids(found.take()) == ""


def test_a_run_that_is_dropped_or_told_twice_is_not_started_twice() -> None:
    found = queue("ada bob")
    found.put(waiting(0, "ada"))
    found.drop("bob1")
    found.drop("bob1")
    assert ids(found.take()) == "ada0"
    found.put(waiting(0, "ada"))
    assert ids(found.take()) == ""
    found.over("ada0")
    found.put(waiting(0, "ada"))
    assert ids(found.take()) == "ada0"


def test_what_others_took_is_forgotten_and_what_they_put_is_known() -> None:
    found = queue("ada bob")
    found.keep({"bob1": waiting(1, "bob"), "eve2": waiting(2, "eve")})
    assert ids(found.take()) == "bob1 eve2"


class Counted(int):
    """A number that counts how often it was compared."""

    compared = 0

    def __lt__(self, other: Any) -> bool:
        Counted.compared += 1
        return int(self) < int(other)

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


@pytest.mark.parametrize("members", [1, 40, 10_000])
@pytest.mark.parametrize("per_team", [2, 6])
def test_ten_thousand_runs_take_few_steps_each(members: int, per_team: int) -> None:
    Counted.compared = 0
    found = Queue(Slots(in_all=8, per_member=2, per_team=per_team))
    number = 10_000
    for seq in range(number):
        owner = f"m{seq % members}"
        found.put(Waiting(Counted(seq), str(seq), owner, f"t{seq % members % 3}", seq % 3))
    started: list[str] = []
    while taken := found.take():
        started += [run.id for run in taken]
        found.over(taken[0].id)
        for run in taken[1:]:
            found.over(run.id)
    assert sorted(started) == sorted(str(seq) for seq in range(number))
    assert Counted.compared < 200 * number
