"""Who is dead: judged by beats and by one's own clock, never by another's."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from fairihub_headless.engine.here import host, this_engine
from fairihub_headless.engine.leases import BeatsSeen, dead, is_fenced
from fairihub_headless.models import EngineRow

BEAT, LEASE = 10.0, 30.0
ME = EngineRow("me", "here boot ns", 1, 1.0, 0)


def row(beat: int, id: str = "other", host: str = "there boot ns", pid: int = 7) -> EngineRow:
    return EngineRow(id, host, pid, 1.5, beat)


def looked(looks: Iterable[tuple[float, int]]) -> BeatsSeen:
    """After these looks: at a time, the beat that was read."""
    seen = BeatsSeen()
    for at, beat in looks:
        seen = seen.after_look([row(beat)], at, every=2 * BEAT)
    return seen


@pytest.mark.parametrize(
    ("looks", "still"),
    [
        ([], False),
        ([(0, 5)], False),
        ([(0, 5), (10, 5), (20, 5), (29, 5)], False),
        ([(0, 5), (10, 5), (20, 5), (30, 5)], True),
        # It lives, however slowly.
        ([(0, 5), (15, 6), (30, 6), (44, 6)], False),
        ([(0, 5), (15, 6), (30, 6), (45, 6)], True),
        # One that could not look has seen nothing: it was stopped, or the database was away.
        ([(0, 5), (10, 5), (100, 5)], False),
        ([(0, 5), (10, 5), (100, 5), (115, 5), (130, 5)], True),
        ([(0, 5), (40, 5), (80, 5), (120, 5)], False),
        # An engine whose number is set back (a database was restored) lives as well.
        ([(0, 5), (15, 5), (30, 4)], False),
    ],
)
def test_a_beat_that_stands_still(looks: list[tuple[float, int]], still: bool) -> None:
    assert looked(looks).still(LEASE) == ({"other"} if still else set())


def test_an_engine_that_comes_later_is_watched_from_then_on() -> None:
    seen = looked([(0, 5), (15, 5)]).after_look([row(5), row(0, "new")], 30, every=20)
    assert seen.still(LEASE) == {"other"}
    assert seen.after_look([row(0, "new")], 45, every=20).still(LEASE) == set()


@pytest.mark.parametrize(
    ("other", "lives", "is_dead"),
    [
        (row(5), False, False),  # of another host: its number says nothing here
        (row(5, host=ME.host), True, False),
        (row(5, host=ME.host), False, True),
        (row(5, host="here later ns"), False, False),
        (row(5, "me", ME.host), False, False),
    ],
)
def test_a_process_of_this_host_that_is_gone_is_dead_at_once(
    other: EngineRow, lives: bool, is_dead: bool
) -> None:
    seen = BeatsSeen().after_look([other], 0, every=20)
    found = dead(seen, [other], ME, LEASE, lambda pid, since: lives)
    assert found == ({other.id} if is_dead else set())


def test_one_never_takes_itself_for_dead() -> None:
    seen = BeatsSeen()
    for at in range(0, 100, 10):
        seen = seen.after_look([row(0, "me")], at, every=20)
    assert dead(seen, [row(0, "me")], ME, LEASE, lambda pid, since: True) == set()


def test_an_engine_is_fenced_before_others_take_its_runs_over() -> None:
    assert not is_fenced(100.0, 119.9, BEAT)
    assert is_fenced(100.0, 120.0, BEAT)


def test_this_host_has_one_name() -> None:
    assert host() == host() == this_engine().host
    assert len(host()) <= 255
    assert this_engine().born == this_engine().born
