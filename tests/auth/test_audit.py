"""The audit log: what becomes of an entry, whatever happens to the disk and the database."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from fairihub_auth.audit_log import Recorder, Refusals
from fairihub_core import clock
from fairihub_core.audit import Action, Entry
from tests.support.waiting import eventually

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


class Table:
    """Keeps what it is given; can be away, or take its time."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.away = False
        self.tries = 0
        self.open = threading.Event()
        self.open.set()

    def record(self, entries: Sequence[Entry]) -> None:
        self.tries += 1
        self.open.wait(20)
        if self.away:
            raise ConnectionError("the database is away")
        self.entries.extend(entries)


@pytest.fixture
def table() -> Table:
    return Table()


Make = Callable[..., Recorder]


@pytest.fixture
def recorder(tmp_path: Path, table: Table) -> Iterator[Make]:
    made: list[Recorder] = []

    def make(**options: Any) -> Recorder:
        made.append(Recorder(tmp_path / "hub", table.record, **options))
        return made[-1]

    yield make
    table.open.set()
    for one in made:
        one.close(2)


def entry(login: str = "ada", action: Action = "signed-in", **more: Any) -> Entry:
    return Entry(**{"at": clock.now(), "action": action, "login": login, **more})


def lines(folder: Path) -> list[dict[str, Any]]:
    files = [*sorted(folder.glob("hub/audit-*.jsonl")), folder / "hub" / "audit.jsonl"]
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_an_entry_is_a_line_and_a_row(tmp_path: Path, table: Table, recorder: Make) -> None:
    log = recorder()
    first = entry("ada", by="ada", team="uc4", detail="from a link")
    log.record(first)
    log.record(entry("bob", "signed-out"))
    assert log.close()
    assert [(line["login"], line["action"]) for line in lines(tmp_path)] == [
        ("ada", "signed-in"),
        ("bob", "signed-out"),
    ]
    assert Entry.model_validate(lines(tmp_path)[0]) == first
    assert [e.login for e in table.entries] == ["ada", "bob"]


def test_only_the_hub_reads_the_file(tmp_path: Path, recorder: Make) -> None:
    file = tmp_path / "hub" / "audit.jsonl"
    file.parent.mkdir()
    file.write_text("")
    file.chmod(0o644)
    log = recorder()
    log.record(entry())
    assert log.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_strangers_name_cannot_forge_a_line(tmp_path: Path, recorder: Make) -> None:
    log = recorder()
    hostile = 'x"}\n{"action":"signed-in","login":"root\x00\x1b[2J' + "y" * 5000
    log.record(entry(hostile, "refused", detail=hostile * 3, code="no-team"))
    assert log.close()
    (file,) = tmp_path.glob("hub/*.jsonl")
    text = file.read_text()
    assert text.count("\n") == 1
    assert len(text) < 1024
    assert json.loads(text)["action"] == "refused"
    assert text.rstrip("\n").isprintable()


def test_a_full_file_is_put_aside_and_old_ones_go(tmp_path: Path, recorder: Make) -> None:
    log = recorder(max_bytes=1000, kept_files=3)
    for n in range(60):
        log.record(entry(f"login{n:02}"))
    assert log.close()
    files = list(tmp_path.glob("hub/audit*.jsonl"))
    assert len(files) == 4
    assert all(file.stat().st_size <= 1000 for file in files)
    kept = [line["login"] for line in lines(tmp_path)]
    assert kept == [f"login{n:02}" for n in range(60 - len(kept), 60)]


def test_a_new_hub_adds_to_the_file_of_the_old(tmp_path: Path, recorder: Make) -> None:
    for login in ("ada", "bob"):
        log = recorder()
        log.record(entry(login))
        assert log.close()
    assert [line["login"] for line in lines(tmp_path)] == ["ada", "bob"]


def test_a_torn_line_spoils_itself_only(tmp_path: Path, recorder: Make) -> None:
    file = tmp_path / "hub" / "audit.jsonl"
    file.parent.mkdir()
    file.write_text('{"at":"2026')
    log = recorder()
    log.record(entry("ada"))
    assert log.close()
    torn, whole = file.read_text().splitlines()
    assert torn == '{"at":"2026'
    assert json.loads(whole)["login"] == "ada"


def test_a_file_moved_away_is_followed_by_a_new_one(tmp_path: Path, recorder: Make) -> None:
    log = recorder()
    file = tmp_path / "hub" / "audit.jsonl"
    log.record(entry("ada"))
    assert eventually(lambda: file.exists() and "ada" in file.read_text())
    file.rename(tmp_path / "taken")
    log.record(entry("bob"))
    assert log.close()
    assert "bob" in file.read_text()
    assert "bob" not in (tmp_path / "taken").read_text()


def test_a_link_in_place_of_the_file_is_not_followed(
    tmp_path: Path, table: Table, recorder: Make
) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "passwd").write_text("root\n")
    (tmp_path / "hub" / "audit.jsonl").symlink_to(tmp_path / "passwd")
    log = recorder()
    log.record(entry())
    assert not log.close(1)
    assert (tmp_path / "passwd").read_text() == "root\n"
    assert [e.login for e in table.entries] == ["ada"]


def test_a_database_that_is_away_gets_all_later(
    tmp_path: Path, table: Table, recorder: Make, caplog: pytest.LogCaptureFixture
) -> None:
    log = recorder()
    table.away = True
    for n in range(5):
        log.record(entry(f"login{n}"))
    assert eventually(lambda: len(lines(tmp_path)) == 5 if any(tmp_path.glob("*/*")) else False)
    assert eventually(lambda: table.tries > 2)
    assert caplog.text.count("the database is away") == 1
    assert table.entries == []
    table.away = False
    assert eventually(lambda: [e.login for e in table.entries] == [f"login{n}" for n in range(5)])


def test_nobody_waits_and_what_is_lost_is_counted(
    tmp_path: Path, table: Table, recorder: Make
) -> None:
    log = recorder(bound=100)
    table.open.clear()
    began = time.monotonic()
    for n in range(2000):
        log.record(entry(f"login{n}"))
    assert time.monotonic() - began < 10, "nobody waits for a database that hangs"
    table.open.set()
    assert log.close(20)
    lost = [e.detail.split()[0] for e in table.entries if e.action == "entries-lost"]
    arrived = [e for e in table.entries if e.action != "entries-lost"]
    assert sum(int(number.replace(",", "")) for number in lost) == 2000 - len(arrived)
    assert arrived[-1].login == "login1999"
    assert 100 <= len(arrived) <= 300


def test_an_end_while_the_database_hangs_is_an_end(table: Table, recorder: Make) -> None:
    log = recorder()
    table.open.clear()
    log.record(entry())
    began = time.monotonic()
    assert not log.close(0.5)
    assert time.monotonic() - began < 10


def refused(login: str, second: float, code: str = "no-team") -> Entry:
    return Entry(
        at=NOON + timedelta(seconds=second), action="refused", login=login, code=code, detail="No."
    )


def test_a_refusal_that_comes_again_is_counted() -> None:
    refusals = Refusals()
    first = refused("eve", 0)
    assert refusals.to_write(first) == [first]
    assert [refusals.to_write(refused("eve", s)) for s in (1, 20, 59)] == [[], [], []]
    other = refused("eve", 30, "closed")
    assert refusals.to_write(other) == [other]
    assert refusals.repeated(NOON + timedelta(seconds=59)) == []
    (told,) = refusals.repeated(NOON + timedelta(seconds=61))
    assert (told.login, told.code) == ("eve", "no-team")
    assert told.detail == "Refused within a minute, 3 times more."
    again = refused("eve", 70)
    assert refusals.to_write(again) == [again]


def test_a_minute_that_is_over_is_told_with_the_next_refusal() -> None:
    refusals = Refusals()
    refusals.to_write(refused("eve", 0))
    refusals.to_write(refused("eve", 5))
    told, now = refusals.to_write(refused("eve", 90))
    assert told.detail == "Refused within a minute, once more."
    assert now == refused("eve", 90)


def test_other_entries_are_never_counted() -> None:
    refusals = Refusals()
    same = entry("ada", "signed-in")
    assert [refusals.to_write(same) for _ in range(3)] == [[same]] * 3


def test_a_thousand_names_do_not_fill_the_log() -> None:
    refusals = Refusals()
    written = [e for n in range(5000) for e in refusals.to_write(refused(f"stranger{n}", 1))]
    assert len(written) == 1001
    (told,) = refusals.repeated()
    assert (told.login, told.code) == ("", "")
    assert told.detail == "Refused within a minute, other logins: 3,999 times more."


def test_what_is_counted_is_told_at_the_end(tmp_path: Path, recorder: Make) -> None:
    log = recorder()
    for _ in range(4):
        log.record(entry("eve", "refused", code="no-team"))
    assert log.close()
    assert [line["detail"] for line in lines(tmp_path)] == [
        "",
        "Refused within a minute, 3 times more.",
    ]
