"""Numbered snapshots: who hears of them, in what order, and who waits for the next."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fairihub_auth.publication import Publication
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Team, TeamDirectory


def put(publication: Publication, *names: str) -> Snapshot:
    """The snapshot once these teams stand."""
    teams = tuple(Team(name=name, namespace=name) for name in names)
    publication.put(TeamDirectory(teams=teams), ())
    return publication.snapshot()


def names(snapshot: Snapshot) -> str:
    return " ".join(team.name for team in snapshot.directory.teams)


def test_only_a_change_has_a_new_number() -> None:
    publication = Publication()
    assert publication.snapshot().number == 0
    first = put(publication)
    assert first.number > 0, "no teams is a state too"
    assert put(publication) is first
    second = put(publication, "uc4")
    assert second.number > first.number
    publication.put(second.directory, (FileReport(path="a"),))
    third = publication.snapshot()
    publication.put(TeamDirectory(teams=second.directory.teams, operators={"ada"}), third.files)
    assert publication.snapshot().number > third.number > second.number


def test_numbers_grow_over_restarts() -> None:
    assert put(Publication(), "x").number < put_later().number


def put_later() -> Snapshot:
    threading.Event().wait(0.002)  # numbers are milliseconds
    return put(Publication(), "x")


def test_listeners_hear_of_before_and_after_in_order() -> None:
    """Also of what one of them puts while the others still hear of the last."""
    publication, heard = Publication(), []

    def dismiss(_: Snapshot, after: Snapshot) -> None:
        if names(after) == "x y":
            put(publication, "x")

    publication.subscribe(dismiss)
    publication.subscribe(lambda before, after: heard.append((names(before), names(after))))
    put(publication, "x", "y")
    assert heard == [("", "x y"), ("x y", "x")]


def test_puts_from_many_threads_are_told_one_after_the_other() -> None:
    publication, heard = Publication(), []
    publication.subscribe(lambda before, after: heard.append((before.number, after.number)))
    threads = [threading.Thread(target=put, args=(publication, f"t{n}")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 20
    assert [before for before, _ in heard[1:]] == [after for _, after in heard[:-1]]


def test_a_listener_that_fails_keeps_the_others_from_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    publication, heard = Publication(), []

    def failing(_: Snapshot, __: Snapshot) -> None:
        raise RuntimeError("listener")

    publication.subscribe(failing)
    publication.subscribe(lambda _, after: heard.append(names(after)))
    put(publication, "x")
    put(publication, "y")
    assert heard == ["x", "y"]
    assert "could not be followed up" in caplog.text


async def test_waiting_ends_with_a_change_or_its_time() -> None:
    publication = Publication()
    number = put(publication, "x").number
    assert await publication.wait_newer(-1, timeout=5) == publication.snapshot()
    assert await publication.wait_newer(number + 7, timeout=5) == publication.snapshot()
    assert await publication.wait_newer(number, timeout=0.05) is None
    many = [asyncio.create_task(publication.wait_newer(number, timeout=5)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.to_thread(put, publication, "y")
    told = await asyncio.gather(*many)
    assert {snapshot and names(snapshot) for snapshot in told} == {"y"}
