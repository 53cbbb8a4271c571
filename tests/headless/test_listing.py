"""Lists of runs: what is meant, in which order, and page by page without loss or repetition."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from fairihub_headless.callers import Selection
from fairihub_headless.models import Failure, Run, RunState
from fairihub_headless.store import listing
from fairihub_headless.store.listing import Filter, Listing, Order, Page, Position, Standing
from fairihub_headless.store.runs import Store
from tests.support.engines import claimed
from tests.support.runs import NOON

ADA = Selection(owner="ada")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    postgresql = request.param == "postgresql"
    store = (
        Store(str(request.getfixturevalue("postgres").database()))
        if postgresql
        else Store.in_folder(tmp_path)
    )
    yield store
    store.close()


def add(store: Store, name: str, minutes: int = 0, **more: Any) -> None:
    created = NOON + timedelta(minutes=minutes)
    given = {"owner": "ada", "team": "uc1", "profile": "uc1.small", "notebook": f"{name}.ipynb"}
    store.add(Run(id=name, digest="0" * 64, created=created, updated=created, **{**given, **more}))


def ids(page: Page) -> str:
    return " ".join(run.id for run in page.runs)


def test_runs_of_one_moment_are_listed_in_the_order_of_their_acceptance(store: Store) -> None:
    for name in "abc":
        add(store, name)
    assert ids(store.listing.page(ADA, Filter(), limit=9)) == "c b a"


@pytest.fixture
def four(store: Store) -> Listing:
    """soil (failed after 60 s), water (took 300 s), Grün (an echo, pinned), soil2 (waits)."""
    add(store, "soil", 0, notebook="maps/Soil.ipynb")
    add(store, "water", 1)
    add(store, "green", 2, notebook="GRU\u0308N 100%.ipynb", process="echo", pinned=True)
    add(store, "soil2", 3, team="uc2")
    add(store, "others", 4, owner="bob", notebook="soil.ipynb")
    for name, minutes in (("soil", 1), ("water", 5)):
        hold = claimed(store, name)
        started = store.get(name).started  # type: ignore[union-attr]
        assert started is not None
        failure = Failure(code="cell-failed", message="Cell 2 failed: KeyError: 'rain_mm'")
        store.end(
            hold, RunState.failed if name == "soil" else RunState.successful, "Ended.",
            failure=failure if name == "soil" else None,
            finished=started + timedelta(minutes=minutes),
        )  # fmt: skip
    return store.listing


@pytest.mark.parametrize(
    ("meant", "found"),
    [
        (Filter(), "soil2 green water soil"),
        (Filter(states=(RunState.failed,)), "soil"),
        (Filter(states=(RunState.failed, RunState.accepted)), "soil2 green soil"),
        (Filter(processes=("echo",)), "green"),
        (Filter(since=NOON + timedelta(minutes=2)), "soil2 green"),
        (Filter(before=NOON + timedelta(minutes=2)), "water soil"),
        (Filter(since=NOON, before=NOON), ""),
        (Filter(least=60), "water soil"),
        (Filter(least=100), "water"),
        (Filter(most=100), "soil"),
        (Filter(pinned=True), "green"),
        (Filter(pinned=False), "soil2 water soil"),
        (Filter(words=("soil",)), "soil2 soil"),
        (Filter(words=("SOIL", "maps")), "soil"),
        (Filter(words=("keyerror",)), "soil"),
        (Filter(words=("Rain_MM",)), "soil"),
        (Filter(words=("rain-mm",)), ""),
        (Filter(words=("grün",)), "green"),
        (Filter(words=("%",)), "green"),
        (Filter(words=("_",)), "soil"),
        (Filter(words=("' OR 1=1 --",)), ""),
        (Filter(words=("soil",), states=(RunState.failed,), least=1), "soil"),
    ],
)
def test_which_runs_are_meant(four: Listing, meant: Filter, found: str) -> None:
    page = four.page(ADA, meant, limit=9)
    assert ids(page) == found
    assert page.total == len(page.runs)


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (Order("created", descends=False), "soil water green soil2"),
        (Order("duration"), "water soil soil2 green"),
        (Order("duration", descends=False), "green soil2 soil water"),
        (Order("notebook", descends=False), "green soil soil2 water"),
        (Order("status", descends=False), "green soil2 soil water"),
        (Order("status"), "water soil soil2 green"),
    ],
)
def test_in_which_order(four: Listing, order: Order, found: str) -> None:
    assert ids(four.page(ADA, Filter(), order, limit=9)) == found


@pytest.mark.parametrize("by", ["created", "duration", "notebook", "status"])
@pytest.mark.parametrize("descends", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 7])
def test_pages_lose_and_repeat_nothing_there_and_back(
    store: Store, by: Any, descends: bool, limit: int
) -> None:
    for number in range(7):
        add(store, f"r{number}", number // 3, notebook=f"{number % 2}.ipynb")
    order = Order(by, descends)
    whole = [run.id for run in store.listing.page(ADA, Filter(), order, limit=9).runs]
    pages: list[Page] = []
    place: Position | None = None
    while not pages or place:
        pages.append(store.listing.page(ADA, Filter(), order, limit=limit, place=place))
        place = pages[-1].older
    assert [run.id for page in pages for run in page.runs] == whole
    assert {page.total for page in pages} == {7}
    assert pages[0].newer is None
    for page, before in zip(pages[:0:-1], pages[-2::-1], strict=True):
        assert page.newer is not None
        back = store.listing.page(ADA, Filter(), order, limit=limit, place=page.newer)
        assert ids(back) == ids(before)
    if len(pages) > 1:
        assert back.newer is None
        assert back.older is not None


def test_runs_that_are_added_meanwhile_move_nothing(store: Store) -> None:
    for number in range(4):
        add(store, f"r{number}", number)
    first = store.listing.page(ADA, Filter(), limit=2)
    add(store, "new", 9)
    second = store.listing.page(ADA, Filter(), limit=2, place=first.older)
    assert (ids(first), ids(second)) == ("r3 r2", "r1 r0")
    assert second.total == 5


def test_rows_may_still_be_skipped(store: Store) -> None:
    for number in range(5):
        add(store, f"r{number}", number)
    page = store.listing.page(ADA, Filter(), limit=2, offset=2)
    assert (ids(page), page.total) == ("r2 r1", 5)
    assert page.older is not None
    assert page.newer is not None
    assert ids(store.listing.page(ADA, Filter(), limit=9, place=page.newer)) == "r4 r3"
    assert ids(store.listing.page(ADA, Filter(), limit=9, offset=9)) == ""


def test_how_runs_stand_that_are_followed(four: Listing) -> None:
    found = four.standing(["soil", "gone", *(f"no{n}" for n in range(1200))])
    assert found == [Standing("soil", RunState.failed, "Ended.", 1, 0, 0)]


def test_a_run_that_never_began_took_no_time(store: Store) -> None:
    add(store, "a")
    store.dismiss("a", "Cancelled.")
    assert ids(store.listing.page(ADA, Filter(least=0), limit=9)) == ""


def test_a_title_is_found_too(store: Store) -> None:
    add(store, "a", notebook="x.ipynb", title="A Summary of Rain\0 " + "and more " * 50)
    add(store, "b", notebook="x" * 900, title="A Summary, too")
    for words in (("summary", "rain"), ("x.ipynb", "A SUMMARY")):
        assert ids(store.listing.page(ADA, Filter(words=words), limit=9)) == "a"


def test_a_name_of_any_length_is_found_by_its_end(store: Store) -> None:
    add(store, "a", notebook="x" * 900 + "/rain.ipynb")
    assert ids(store.listing.page(ADA, Filter(words=("rain",)), limit=9)) == "a"


@pytest.mark.parametrize(
    ("whose", "by"), [(ADA, "duration"), (ADA, "notebook"), (Selection(), "duration")]
)
def test_no_list_is_sorted_for_a_page(tmp_path: Path, whose: Selection, by: Any) -> None:
    store, asked = Store.in_folder(tmp_path), []
    engine = store.listing._database.engine

    def note(connection: Any, cursor: Any, statement: str, given: Any, *more: Any) -> None:
        asked.append((statement, given))

    event.listen(engine, "before_cursor_execute", note)
    store.listing.page(whose, Filter(), Order(by), limit=9)
    event.remove(engine, "before_cursor_execute", note)
    narrow = next(each for each in asked if each[0].startswith("SELECT"))
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {narrow[0]}", narrow[1]).all()
    assert plan
    assert "TEMP B-TREE" not in str(plan)
    store.close()


@pytest.mark.parametrize(
    ("meant", "found"),
    [(Filter(least=3000), "a"), (Filter(least=4000), ""), (Filter(most=4000), "a"),
     (Filter(most=3000), ""), (Filter(least=3000, most=4000), "a")],
)  # fmt: skip
def test_what_runs_has_taken_as_long_as_it_runs(
    store: Store, monkeypatch: pytest.MonkeyPatch, meant: Filter, found: str
) -> None:
    add(store, "a")
    add(store, "waits")
    claimed(store, "a")
    started = store.get("a").started  # type: ignore[union-attr]
    assert started is not None
    monkeypatch.setattr(listing, "now", lambda: started + timedelta(seconds=3600))
    assert ids(store.listing.page(ADA, meant, limit=9)) == found
