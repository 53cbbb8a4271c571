"""The store, alike on SQLite and PostgreSQL: what is kept stays, one of two that race wins."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from fairihub_core.errors import TooMany, Unavailable
from fairihub_headless.callers import Selection
from fairihub_headless.models import (
    EngineRow,
    Environment,
    Failure,
    OutputChoice,
    Priority,
    Run,
    RunState,
    Waiting,
)
from fairihub_headless.store import database, engines
from fairihub_headless.store.cutting import Cutter
from fairihub_headless.store.listing import Filter
from fairihub_headless.store.runs import AttemptProgress, Hold, Store
from tests.support.engines import claimed, engine, hold
from tests.support.postgres import Postgres
from tests.support.runs import NOON

FAILURE = Failure(code="worker-died", message="why")


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    return opened()


def run(name: str, owner: str = "ada", **more: Any) -> Run:
    return Run(
        id=name, owner=owner, team="uc1", profile="uc1.small", notebook="a.ipynb",
        parameters={"a": [1]}, outputs={"files": OutputChoice()}, digest="0" * 64,
        created=NOON, updated=NOON, **more,
    )  # fmt: skip


def test_no_more_wait_than_may_however_many_are_asked_for_at_once(
    store: Store, opened: Callable[[], Store]
) -> None:
    stores = [store, opened(), opened()]

    def asked(number: int) -> bool:
        try:
            return bool(stores[number % 3].add(run(f"r{number}"), most=5))
        except TooMany:
            return False

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(asked, range(24))) == 5
    assert len(store.waiting()) == 5
    first = store.waiting()[0].id
    assert store.add(run(first), most=5).id == first
    assert store.add(run("bobs", owner="bob"), most=5).id == "bobs"


def test_a_run_comes_back_as_it_was_kept_also_by_another_store(
    store: Store, opened: Callable[[], Store]
) -> None:
    made = run("r1", key="k", fingerprint="f" * 64, priority=Priority.high, not_before=NOON)
    assert store.add(made) == made
    again = opened()
    assert again.get("r1") == made == again.of_key("ada", "k")
    assert again.get("r2") is None
    assert again.of_key("bob", "k") is None


def test_no_run_has_a_name_that_a_database_cannot_hold(store: Store) -> None:
    assert store.get("a\0b") is None
    assert store.of_key("ada", "a\0b") is None


def test_the_file_is_nobody_elses_and_written_through(tmp_path: Path) -> None:
    store = Store.in_folder(tmp_path / "state")
    store.add(run("r1"))
    path = tmp_path / "state" / "runs.sqlite"
    assert path.stat().st_mode & 0o077 == 0
    assert store._database.rows(text("PRAGMA synchronous"))[0][0] == 2  # type: ignore[arg-type]
    assert store._database.rows(text("PRAGMA journal_mode"))[0][0] == "wal"  # type: ignore[arg-type]
    store.close()


def test_a_run_is_claimed_once(store: Store) -> None:
    store.add(run("r1"))
    names = [engine(store, f"e{number}") for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        won = [r for r in threads.map(lambda name: store.claim("r1", name), names) if r]
    assert [(r.state, r.attempt) for r in won] == [(RunState.running, 1)]
    assert store.get("r1") == won[0]


def test_an_engine_that_is_not_known_claims_nothing(store: Store) -> None:
    store.add(run("r1"))
    assert store.claim("r1", "nobody") is None
    store.engines.bury(engine(store))
    assert store.claim("r1", "engine") is None


def test_what_waits_is_in_the_order_of_acceptance(store: Store) -> None:
    for number in range(5):
        store.add(run(f"a{number}"))
        store.add(run(f"b{number}", owner="bob", priority=Priority.low))
    claimed(store, "a0")
    first, second, *_, last = store.waiting()
    assert first == Waiting(first.seq, "b0", "bob", "uc1", 2)
    assert (second.id, last.id) == ("a1", "b4")
    assert [row.id for row in store.waiting(after=last.seq - 1)] == ["b4"]
    assert store.count("ada", RunState.accepted) == 4
    found = store.listing.page(Selection(owner="ada"), Filter(states=(RunState.running,)), limit=9)
    assert [r.id for r in found.runs] == ["a0"]


@pytest.mark.parametrize("first", ["end", "dismiss"])
def test_an_end_stays_unless_it_is_dismissed(store: Store, first: str) -> None:
    store.add(run("r1"))
    mine = claimed(store, "r1")
    failure = Failure(code="x", message="why")
    if first == "dismiss":
        assert store.dismiss("r1", "Cancelled.")
        assert [r.id for r in store.held("engine")] == ["r1"]
        assert not store.end(mine, RunState.failed, "late", failure=failure)
        assert store.held("engine") == []
        assert not store.dismiss("r1", "Cancelled.")
    else:
        assert store.end(mine, RunState.failed, "why", failure=failure, cell=1, cells=2)
        assert not store.end(mine, RunState.successful, "again")
        store.progress(mine, AttemptProgress(1, 7))
        found = store.get("r1")
        assert found is not None
        assert (found.state, found.failure, found.cells) == (RunState.failed, failure, 2)
        assert (found.engine, found.worker_pid) == (None, None)
        assert store.dismiss("r1", "Cancelled.")
    found = store.get("r1")
    assert found is not None
    assert found.state is RunState.dismissed


def test_progress_and_the_environment_are_kept(store: Store) -> None:
    store.add(run("r1"))
    mine = claimed(store, "r1")
    environment = Environment(kernel="python3", language="python")
    store.progress(mine, AttemptProgress(environment=environment, worker_pid=7, worker_born=1.5))
    store.progress(mine, AttemptProgress(2, 3, "2 of 3 cells done."))
    found = store.get("r1")
    assert found is not None
    assert (found.cell, found.cells, found.worker_pid) == (2, 3, 7)
    assert found.environment == environment
    assert store.end(mine, RunState.successful, "Done.", cells=3, environment=environment)
    found = store.get("r1")
    assert found is not None
    assert (found.progress, found.cell, found.failure) == (100, 3, None)


def test_a_server_that_stands_still_holds_no_beat_up(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_BEAT", 0.3)
    store = Store(postgres.database())
    store.engines.register(EngineRow("engine", "h", 1, 1.0, 0))
    backend = store._database.reading(lambda c: c.scalar(text("SELECT pg_backend_pid()")))
    os.kill(backend, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        assert store.engines.beat("engine")
        assert 0.3 < time.monotonic() - begun < 5
    finally:
        os.kill(backend, signal.SIGCONT)
        store.close()


def test_only_a_connection_without_an_answer_is_cut() -> None:
    cutter, (here, there) = Cutter(), socket.socketpair()
    with here, there:
        with cutter.within(0.1, here.fileno()):
            there.send(b"answer")
            assert here.recv(10) == b"answer"
        assert not cutter._until
        there.send(b"later")
        with cutter.within(0.1, here.fileno()):
            assert (here.recv(10), here.recv(10)) == (b"later", b"")
    cutter.close()


def test_a_run_waits_again_and_is_begun_again(store: Store) -> None:
    store.add(run("r1"))
    later = NOON + timedelta(seconds=5)
    assert store.again(
        claimed(store, "r1"), "Begins again.", FAILURE, later, lost=True, waited=True
    )
    found = store.get("r1")
    assert found is not None
    assert (found.state, found.engine, found.not_before) == (RunState.accepted, None, later)
    assert (found.attempt, found.lost, found.waited, found.started) == (1, 1, 1, None)
    assert store.waiting()[0].not_before == later
    second = claimed(store, "r1")
    assert second.attempt == 2
    # The attempt before is not this engine's any more.
    assert not store.end(Hold("r1", "engine", 1), RunState.failed, "late")
    assert store.end(second, RunState.successful, "Done.", cells=1)


def test_a_waiting_run_is_refused_and_a_claimed_one_is_not(store: Store) -> None:
    store.add(run("r1"))
    store.add(run("r2"))
    claimed(store, "r2")
    assert store.refuse("r1", FAILURE)
    assert not store.refuse("r1", FAILURE)
    assert not store.refuse("r2", FAILURE)


def test_what_a_dead_engine_held_is_taken_over_by_one(store: Store) -> None:
    for name in ("running", "dismissed", "done", "waiting"):
        store.add(run(name))
    holds = {name: claimed(store, name, "dead") for name in ("running", "dismissed", "done")}
    store.dismiss("dismissed", "Cancelled.")
    store.end(holds["done"], RunState.successful, "Done.")
    assert store.orphans() == []
    store.engines.bury("dead")
    assert {r.id for r in store.orphans()} == {"running", "dismissed"}
    names = [engine(store, f"e{number}") for number in range(8)]
    orphan = next(r for r in store.orphans() if r.id == "running")
    with ThreadPoolExecutor(8) as threads:
        won = [r for r in threads.map(lambda name: store.take_over(orphan, name), names) if r]
    assert len(won) == 1
    assert not store.end(holds["running"], RunState.successful, "The dead speak.")
    store.progress(holds["running"], AttemptProgress(1, 1))
    assert store.end(hold(won[0]), RunState.failed, "Taken over.")


def test_beats_are_counted_until_an_engine_is_buried(store: Store) -> None:
    row = EngineRow("e", "host", 7, 1.5, 0)
    store.engines.register(row)
    store.engines.register(row)
    assert store.engines.beat("e")
    assert [(r.id, r.beat > 0, r.born) for r in store.engines.all()] == [("e", True, 1.5)]
    store.engines.bury("e")
    assert not store.engines.beat("e")


def test_one_key_of_one_owner_is_one_run(store: Store, opened: Callable[[], Store]) -> None:
    stores = [store, opened()]
    made = [run(f"r{n}", key="night", fingerprint=str(n % 2)) for n in range(16)]
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda r: stores[int(r.id[1:]) % 2].add(r), made))
    assert len({r.id for r in kept}) == 1
    assert store.add(run("other", owner="bob", key="night")).id == "other"
    assert store.add(run("n1")).id == "n1"
    assert store.add(run("n2")).id == "n2"
    assert store.add(run("n2", owner="eve")).owner == "ada"


# Connections that break.


class Fault:
    """Breaks one execution or one commit of a store's connections, before or after it is done."""

    def __init__(self, store: Store, where: str) -> None:
        self.left = 1
        self._where = where
        bind = store._database.engine
        if where == "after commit":
            event.listen(bind, "commit", self._commit)
        elif where == "before commit":
            event.listen(bind, "commit", lambda connection: self._break())
        else:
            event.listen(bind, "before_cursor_execute", lambda *_: self._break())

    def _commit(self, connection: Any) -> None:
        if self.left:
            connection.connection.driver_connection.commit()
        self._break()

    def _break(self) -> None:
        if self.left:
            self.left -= 1
            raise OperationalError("", {}, Exception("server closed the connection unexpectedly"))


def breaks(store: Store, where: str) -> Fault:
    return Fault(store, where)


@pytest.mark.parametrize("where", ["execute", "before commit", "after commit"])
def test_what_is_done_comes_to_the_same_when_a_connection_breaks(store: Store, where: str) -> None:
    for name in ("r1", "r2", "r3", "r4"):
        fault = breaks(store, where)
        assert store.add(made := run(name)) == made
        assert fault.left == 0
    engine(store)

    def again(work: Callable[[], Any]) -> Any:
        fault = breaks(store, where)
        found = work()
        assert fault.left == 0
        return found

    claims = [again(lambda n=n: store.claim(n, "engine")) for n in ("r1", "r2", "r3")]  # type: ignore[misc]
    assert [(c.attempt, c.engine) for c in claims] == [(1, "engine")] * 3
    r1, r2, r3 = (hold(claim) for claim in claims)
    again(lambda: store.progress(r1, AttemptProgress(1, 2)))
    assert again(lambda: store.end(r1, RunState.successful, "Done.", cells=2))
    assert again(lambda: store.again(r2, "Again.", FAILURE, None, lost=True))
    assert again(lambda: store.dismiss("r3", "Cancelled."))
    assert not again(lambda: store.end(r3, RunState.successful, "late"))
    assert again(lambda: store.refuse("r4", FAILURE))
    found = store.get("r2")
    assert found is not None
    assert (found.attempt, found.lost, found.waited) == (1, 1, 0)
    assert again(lambda: store.engines.beat("engine"))
    again(lambda: store.engines.register(EngineRow("new", "h", 1, 1.0, 0)))
    taken = store.claim("r2", "engine")
    store.engines.bury("engine")
    assert again(lambda: store.take_over(taken, "new")).engine == "new"  # type: ignore[arg-type]


def test_a_database_that_is_away_is_no_riddle_and_comes_back(postgres: Postgres) -> None:
    store = Store(postgres.database(), patience=1.0)
    store.add(run("r1"))
    postgres.stop()
    try:
        with pytest.raises(Unavailable) as told:
            store.get("r1")
        assert told.value.code == "database-away"
        with pytest.raises(Unavailable):
            store.add(run("r2"))
        assert "fairihub-pg" not in str(told.value)
    finally:
        postgres.start()
    assert store.get("r1") == run("r1")
    store.close()


def test_a_restart_of_the_database_is_not_noticed(postgres: Postgres) -> None:
    store = Store(postgres.database(), patience=60.0)
    store.add(run("r1"))
    postgres.stop()
    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(store.get, "r1")
        adding = threads.submit(store.add, run("r2"))
        postgres.start()
        assert (reading.result(), adding.result()) == (run("r1"), run("r2"))
    store.close()


def test_a_lock_that_somebody_forgot_holds_nobody_up_for_ever(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database._WAITS, "lock_timeout", "200ms")
    address = postgres.database()
    store = Store(address, patience=0.5)
    forgets = create_engine(address)
    with forgets.connect() as connection:
        connection.execute(text("LOCK TABLE runs"))
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            store.get("r1")
        assert time.monotonic() - begun < 5
    assert store.get("r1") is None
    forgets.dispose()
    store.close()


def test_writers_of_several_processes_wait_for_each_other(tmp_path: Path) -> None:
    store = Store.in_folder(tmp_path)
    other = sqlite3.connect(tmp_path / "runs.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(1.0, other.execute, ["ROLLBACK"])
    timer.start()
    store.add(run("r1"))
    assert store.get("r1") == run("r1")
    timer.join()
    other.close()
    store.close()


def test_a_lock_that_lasts_is_said_in_words(tmp_path: Path) -> None:
    Store.in_folder(tmp_path).close()
    store = Store(f"sqlite:///{tmp_path / 'runs.sqlite'}", patience=0.1)
    store._database.engine.dispose()
    connected = sqlite3.connect(tmp_path / "runs.sqlite", isolation_level=None)
    with contextlib.closing(connected) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            store.add(run("r1"))
        assert store.get("r1") is None  # readers are not held up
    store.close()


def test_texts_that_no_database_keeps_are_kept_as_near_as_can_be(store: Store) -> None:
    store.add(run("r1"))
    mine = claimed(store, "r1")
    odd = FAILURE.model_copy(
        update={"message": "a\0b \udcff", "error": "\0", "traceback": "\ud800"}
    )
    assert Failure(**dict(odd)).message == "a\ufffdb \ufffd"
    store.progress(mine, AttemptProgress(message="at \0"))
    found = store.get("r1")
    assert found is not None
    assert found.message == "at \ufffd"
    assert store.end(mine, RunState.failed, odd.message, failure=odd)
    found = store.get("r1")
    assert found is not None
    assert found.message == "a\ufffdb \ufffd"
    assert found.failure == Failure(
        code="worker-died", message="a\ufffdb \ufffd", error="\ufffd", traceback="\ufffd"
    )
