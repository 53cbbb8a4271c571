"""Whose runs a caller sees: decided by who they are now, and by what they ask for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from fairihub_core.teams import Member, Team, TeamDirectory
from fairihub_headless.callers import Caller, Selection, selection_of
from fairihub_headless.models import Run
from fairihub_headless.store.database import migrate
from fairihub_headless.store.listing import Filter
from fairihub_headless.store.runs import Store
from tests.headless.test_store import NOON

TODAY = date(2026, 6, 1)
DIRECTORY = TeamDirectory(
    teams=(
        Team(
            name="uc1",
            namespace="uc1",
            members=(
                Member(login="ada", role="admin"),
                Member(login="bob"),
                Member(login="left", role="admin", expires=date(2026, 5, 31)),
            ),
        ),
        Team(
            name="uc2",
            namespace="uc2",
            members=(Member(login="bob"), Member(login="ada"), Member(login="pia", role="admin")),
        ),
        Team(
            name="old",
            namespace="old",
            expires=date(2025, 1, 1),
            members=(Member(login="ada", role="admin"), Member(login="bob")),
        ),
    ),
    operators=frozenset({"olga"}),
)
RUNS = ["ada/uc1", "bob/uc1", "ada/uc2", "bob/uc2", "pia/uc2", "bob/old", "olga/gone"]


def caller(login: str) -> Caller:
    return Caller(login, "", DIRECTORY)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A run of every owner in every team that they are or were in."""
    store = Store.in_folder(tmp_path_factory.mktemp("runs"))
    for name in RUNS:
        owner, team = name.split("/")
        run = Run(
            id=name, owner=owner, team=team, profile=f"{team}.small", notebook="a.ipynb",
            digest="0" * 64, created=NOON, updated=NOON,
        )  # fmt: skip
        store.add(run)
    return store


@pytest.mark.parametrize(
    ("login", "team", "owner", "listed"),
    [
        ("ada", None, None, "ada/uc1 ada/uc2"),
        ("ada", "uc1", None, "ada/uc1 bob/uc1"),
        ("ada", "uc1", "bob", "bob/uc1"),
        ("ada", "uc1", "ada", "ada/uc1"),
        ("ada", None, "ada", "ada/uc1 ada/uc2"),
        ("ada", None, "bob", "bob/uc1"),
        ("ada", "*", None, "ada/uc1 bob/uc1 ada/uc2"),
        ("ada", "*", "bob", "bob/uc1"),
        # A member of uc2, and an admin of a team that has closed.
        ("ada", "uc2", None, "ada/uc2"),
        ("ada", "uc2", "bob", ""),
        ("ada", "old", None, ""),
        ("ada", "old", "bob", ""),
        ("ada", "gone", None, ""),
        ("bob", None, None, "bob/uc1 bob/uc2 bob/old"),
        ("bob", "uc1", None, "bob/uc1"),
        ("bob", "uc1", "ada", ""),
        ("bob", "*", None, "bob/uc1 bob/uc2 bob/old"),
        ("bob", "*", "ada", ""),
        ("bob", None, "ada", ""),
        ("left", "uc1", None, ""),
        ("nobody", "*", None, ""),
        ("olga", None, None, "olga/gone"),
        ("olga", "*", None, " ".join(RUNS)),
        ("olga", "uc2", None, "ada/uc2 bob/uc2 pia/uc2"),
        ("olga", "gone", None, "olga/gone"),
        ("olga", None, "bob", "bob/uc1 bob/uc2 bob/old"),
        ("olga", "uc1", "pia", ""),
    ],
)
def test_what_is_listed(
    store: Store, login: str, team: str | None, owner: str | None, listed: str
) -> None:
    meant = selection_of(caller(login), team, owner, TODAY)
    found = store.listing.page(meant, Filter(), limit=100)
    assert sorted(run.id for run in found.runs) == sorted(listed.split())
    assert found.total == len(found.runs)


@pytest.mark.parametrize("login", ["ada", "bob", "pia", "left", "olga", "nobody"])
@pytest.mark.parametrize("team", [None, "*", "uc1", "uc2", "old", "gone", "", "%", "uc1' OR 1=1"])
@pytest.mark.parametrize("owner", [None, "ada", "bob", "", "*", "%"])
def test_nothing_is_listed_that_may_not_be_looked_at(
    store: Store, login: str, team: str | None, owner: str | None
) -> None:
    who = caller(login)
    found = store.listing.page(selection_of(who, team, owner, TODAY), Filter(), limit=100)
    assert all(who.sees(run, TODAY) for run in found.runs)


@pytest.mark.parametrize(
    ("login", "looks_after", "lists"),
    [
        ("ada", "uc1", "uc1"),
        ("pia", "uc2", "uc2"),
        ("bob", "", ""),
        ("left", "", ""),
        ("olga", "uc1 uc2 old gone", "*"),
        ("nobody", "", ""),
    ],
)
def test_which_teams_are_looked_after(login: str, looks_after: str, lists: str) -> None:
    who = caller(login)
    teams = ("uc1", "uc2", "old", "gone")
    assert [t for t in teams if who.looks_after(t, TODAY)] == looks_after.split()
    assert who.lists(TODAY) == tuple(lists.split())


def test_in_what_capacity() -> None:
    assert caller("ada").office("uc1") == "an admin of uc1"
    assert caller("olga").office("uc1") == "an operator of this hub"


def test_a_store_of_an_earlier_version_learns_to_list_runs(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'runs.sqlite'}")
    migrate(engine, "r0001")
    store = Store.in_folder(tmp_path)
    assert "runs_listed" in {index["name"] for index in inspect(engine).get_indexes("runs")}
    found = store.listing.page(Selection(teams=frozenset({"uc1"})), Filter(), limit=10)
    assert (found.runs, found.total) == ([], 0)
    store.close()
    engine.dispose()
