"""What goes when: by age, by number, never what is pinned or runs; and what a crash leaves."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from fairihub_headless.folders import RunFolder
from fairihub_headless.models import Kept, Run, RunState, Source
from fairihub_headless.results.retention import due, expires
from fairihub_headless.results.tidying import Tidying, remove
from fairihub_headless.settings import Rules
from fairihub_headless.store.runs import Store

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
RULES = Rules(days=10, failed_days=3, per_team=2)


def kept(words: str) -> list[Kept]:
    """“a 11, b 4 failed, c 1 pinned uc2”: the id, its days, and what else there is to say."""
    found = []
    for text in words.split(","):
        name, days, *more = text.split()
        state = RunState.failed if "failed" in more else RunState.successful
        team = "uc2" if "uc2" in more else "uc1"
        found.append(Kept(name, team, state, NOW - timedelta(days=float(days)), "pinned" in more))
    return found


@pytest.mark.parametrize(
    ("runs", "gone"),
    [
        ("a 1, b 2", ""),
        ("a 10, b 9.9", "a"),
        ("a 3 failed, b 3", "a"),
        ("a 1, b 2, c 3", "c"),
        ("a 1, b 2, c 3 uc2", ""),
        ("a 99 pinned, b 1, c 2", ""),
        ("a 1 pinned, b 2, c 3", ""),
        ("a 1, b 2, c 3, d 99", "dc"),
    ],
)
def test_what_is_due(runs: str, gone: str) -> None:
    assert "".join(due(kept(runs), RULES, NOW)) == gone


def test_without_a_number_only_age_counts() -> None:
    rules = Rules(days=10, failed_days=10)
    assert due(kept("a 1, b 2, c 3, d 4"), rules, NOW) == []


async def test_a_run_that_is_tidied_keeps_its_record(house: Any) -> None:
    old, young = [await house.ended(await house.submit("1", path=f"{n}.ipynb")) for n in range(2)]
    assert expires(old, RULES) == old.finished + timedelta(days=10)
    await asyncio.to_thread(house.runs.store.keeping.pin, young.id, pinned=True)
    tidying = of(house, Rules(days=0, failed_days=0))
    assert await tidying.tidy() == 1
    gone = await house.runs.own(old.id, house.caller())
    assert (gone.state, gone.expired is not None, expires(gone, RULES)) == (old.state, True, None)
    assert not house.runs.folder(old).path.exists()
    assert house.runs.folder(young).files.is_dir()
    assert await tidying.tidy() == 0


async def test_a_run_that_goes_on_is_left_alone(house: Any) -> None:
    run = await house.submit("import time; time.sleep(60)")
    waiting = [await house.submit("1", path=f"{n}.ipynb") for n in range(3)]
    await house.until(run, lambda r: r.environment is not None)
    assert await of(house, Rules(days=0, failed_days=0)).tidy() <= 3
    assert house.runs.folder(run).notebook.exists()
    assert not house.runs.store.keeping.expire(run.id)
    await house.runs.dismiss(run.id, house.caller())
    for other in waiting:
        await house.ended(other)


async def test_a_crash_between_the_note_and_the_removal_is_made_good(house: Any) -> None:
    run = await house.ended(await house.submit("1"))
    assert house.runs.store.keeping.expire(run.id)
    assert house.runs.folder(run).path.exists()  # and here the service died
    assert await of(house, RULES).tidy() == 1
    assert not house.runs.folder(run).path.exists()


async def test_a_folder_without_a_record_goes_after_a_day(house: Any) -> None:
    fresh, old = (
        RunFolder.of(house.places.headless, str(uuid.uuid4())),
        RunFolder.of(house.places.headless, str(uuid.uuid4())),
    )
    for folder in (fresh, old):
        folder.keep_notebook(b"{}")
    os.utime(old.path, (0, 0))
    (house.places.headless / "runs" / "aa").mkdir(exist_ok=True)
    (house.places.headless / "runs" / "aa" / "not-a-run").mkdir()
    assert await of(house, RULES, untouched=3600).tidy() == 0
    assert await of(house, RULES).tidy() == 1
    assert (fresh.path.exists(), old.path.exists()) == (True, False)
    assert (house.places.headless / "runs" / "aa" / "not-a-run").exists()


async def test_a_folder_stays_until_what_lies_elsewhere_is_gone(house: Any) -> None:
    run = await house.ended(await house.submit("1"))
    assert house.runs.store.keeping.expire(run.id)
    tidying, away = of(house, RULES), [True]
    tidying.forget = lambda _: not away[0]
    await tidying.tidy()
    assert house.runs.folder(run).path.exists()
    away.clear()
    away.append(False)
    await tidying.tidy()
    assert not house.runs.folder(run).path.exists()


async def test_with_the_wrong_database_nothing_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store.in_folder(tmp_path / "database")
    folders = [RunFolder.of(tmp_path, str(uuid.uuid4())) for _ in range(21)]
    for folder in folders:
        folder.keep_notebook(b"{}")
        os.utime(folder.path, (0, 0))
    tidying = Tidying(store.keeping, tmp_path, RULES, untouched=0)
    assert await tidying.tidy() == 0
    assert "Is it the right one?" in caplog.text
    folders[0].remove()
    assert await tidying.tidy() == 20
    store.close()


def ended(
    store: Store,
    ago: float,
    source: Source = Source(),  # noqa: B008
    team: str = "uc1",
) -> Run:
    """A run that ended so many seconds ago."""
    moment = datetime.now(timezone.utc) - timedelta(seconds=ago)
    run = Run(id=str(uuid.uuid4()), owner="ada", team=team, profile="uc1.small", notebook="a",
              digest="x", state=RunState.successful, created=moment, updated=moment,
              finished=moment, source=source)  # fmt: skip
    store.add(run)
    return run


async def test_another_database_or_an_older_copy_removes_nothing_that_it_does_not_know(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    right, other = (Store.in_folder(tmp_path / name) for name in ("right", "other"))
    ended(right, 5)
    ended(other, 5)
    folder = RunFolder.of(tmp_path, str(uuid.uuid4()))
    folder.keep_notebook(b"{}")
    os.utime(folder.path, (0, 0))
    await Tidying(right.keeping, tmp_path, RULES).tidy()
    assert await Tidying(other.keeping, tmp_path, RULES, untouched=0).tidy() == 0
    assert "it is another one, or an older copy" in caplog.text
    assert folder.path.exists()
    assert await Tidying(right.keeping, tmp_path, RULES, untouched=0).tidy() == 1
    for store in (right, other):
        store.close()


def test_revisions_are_needed_until_their_runs_expire(tmp_path: Path) -> None:
    store = Store.in_folder(tmp_path)
    for number, commit in enumerate(["a" * 40, "b" * 40, "b" * 40, None]):
        run = ended(store, number, Source(kind="git", revision=commit))
    assert store.keeping.revisions() == {"a" * 40, "b" * 40}
    first = next(iter(store.keeping.ended()))
    assert store.keeping.expire(first.id)
    assert store.keeping.expire(run.id)
    assert store.keeping.revisions() == {"b" * 40}
    store.close()


def test_only_teams_whose_runs_have_just_ended_are_looked_at(tmp_path: Path) -> None:
    store = Store.in_folder(tmp_path)
    oldest, old, pinned, _ = (ended(store, age) for age in (7200, 3600, 60, 0))
    for age in (7200, 3600):
        ended(store, age, team="uc2")
    assert store.keeping.pin(pinned.id, pinned=True)
    moment = datetime.now(timezone.utc)
    since = moment - timedelta(seconds=30)
    assert store.keeping.too_many(since, 1) == [oldest.id, old.id]
    assert store.keeping.too_many(since, 2) == [oldest.id]
    assert store.keeping.too_many(moment + timedelta(minutes=1), 1) == []
    store.close()


async def test_what_is_too_many_goes_when_a_run_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.in_folder(tmp_path)
    old, new = ended(store, 7200), ended(store, 3600)
    tidying = Tidying(store.keeping, tmp_path, Rules(days=10, failed_days=10, per_team=1))
    monkeypatch.setattr(store.keeping, "ended", None)  # nobody reads all of them for that
    await tidying.make_room()  # none has ended since it was made
    assert store.keeping.standing([old.id, new.id]) == {old.id: False, new.id: False}
    newest = ended(store, 0)
    await tidying.make_room()
    assert store.keeping.standing([old.id, new.id, newest.id]) == {
        old.id: True, new.id: True, newest.id: False,
    }  # fmt: skip
    store.close()


def of(house: Any, rules: Rules, untouched: float = 0) -> Tidying:
    return Tidying(house.runs.store.keeping, house.places.headless, rules, untouched=untouched)


def test_what_cannot_be_entered_is_removed_and_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    folder = tmp_path / "run"
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "deep" / "deeper" / "a.txt").write_text("a")
    (folder / "link").symlink_to(outside)
    (folder / "deep").chmod(0)
    link = tmp_path / "linked-run"
    link.symlink_to(outside)
    remove(folder)
    remove(link)
    assert [p.name for p in tmp_path.iterdir()] == ["outside"]
    assert (outside / "kept.txt").read_text() == "kept"


async def test_many_runs_are_looked_through_in_small_steps(
    house: Any, new_runs: Callable[[int], None]
) -> None:
    new_runs(1_500)
    longest, last = 0.0, asyncio.get_running_loop().time()

    async def beat() -> None:
        nonlocal longest, last
        while True:
            moment = asyncio.get_running_loop().time()
            longest, last = max(longest, moment - last), moment
            await asyncio.sleep(0.005)

    beating = asyncio.create_task(beat())
    found = await asyncio.to_thread(
        lambda: due(house.runs.store.keeping.ended(), Rules(1, 1, 500), NOW)
    )
    beating.cancel()
    assert len(found) == 1_000
    assert longest < 0.5


@pytest.fixture
def new_runs(house: Any) -> Callable[[int], None]:
    """Puts so many runs into the store that have ended today."""

    def put(count: int) -> None:
        for number in range(count):
            run_id = str(uuid.UUID(int=number + 1))
            run = Run(id=run_id, owner="ada", team="uc1", profile="uc1.small", notebook="a.ipynb",
                      digest="x", state=RunState.successful, created=NOW, updated=NOW,
                      finished=NOW + timedelta(seconds=number))  # fmt: skip
            house.runs.store.add(run)

    return put
