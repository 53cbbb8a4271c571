"""What is kept of accounts and of the audit, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from fairihub_auth.store import AuthStore, metadata, upgrade
from fairihub_core.audit import Entry
from fairihub_core.errors import Unavailable
from fairihub_core.people import People, Person
from tests.support.databases import opening
from tests.support.postgres import Postgres

NOON = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
ADA = Person(name="ada", id="42", logins=("ada", "lovelace"), claims=frozenset({"x", "y"}))
BOB = Person(name="bob", id="7", logins=("bob",))


opened = opening(AuthStore)


@pytest.fixture
def store(opened: Callable[[], AuthStore]) -> AuthStore:
    return opened()


def entry(minutes: int, action: str = "refused", **more: Any) -> Entry:
    return Entry.model_validate({"at": NOON + timedelta(minutes=minutes), "action": action, **more})


def test_people_come_back_as_they_were_kept_also_from_another_store(
    store: AuthStore, opened: Callable[[], AuthStore]
) -> None:
    assert store.people("github") == People()
    store.put("github", BOB)
    store.put("github", ADA)
    assert opened().people("github") == People(persons=(ADA, BOB))


def test_a_person_is_kept_as_they_are_now(store: AuthStore) -> None:
    store.put("github", ADA)
    renamed = ADA.model_copy(update={"logins": ("ada", "lovelace", "aal"), "claims": frozenset()})
    store.put("github", renamed)
    assert store.people("github").persons == (renamed,)


@pytest.mark.parametrize(
    "second",
    [BOB.model_copy(update={"id": "42", "name": "eve"}), BOB.model_copy(update={"name": "ada"})],
    ids=["same number", "same name"],
)
def test_neither_a_number_nor_a_name_is_given_twice(second: Person, store: AuthStore) -> None:
    store.put("github", ADA)
    with pytest.raises(Unavailable):
        store.put("github", second)
    assert store.people("github").persons == (ADA,)


def test_a_number_means_somebody_with_its_own_provider_only(store: AuthStore) -> None:
    other = ADA.model_copy(update={"name": "ada2"})
    store.put("github", ADA)
    store.put("oidc", other)
    assert store.people("oidc").persons == (other,)
    assert not store.remove("oidc", "ada")
    assert store.people("github").persons == (ADA,)


def test_a_number_means_somebody_at_its_own_address_only(store: AuthStore) -> None:
    here, there = (f"oidc https://{name}.example/{'x' * 480}" for name in "ab")
    mallory = Person(name="ada", id="42", logins=("ada", "mallory"))
    store.put(here, ADA)
    store.put(there, mallory)
    assert (store.people(here).persons, store.people(there).persons) == ((ADA,), (mallory,))
    assert store.remove(there, "ada")
    assert store.people(here).persons == (ADA,)


def test_accounts_of_before_stay_and_are_given_their_address(url: str) -> None:
    _of_before(url, github="ada", oidc="bob")
    store = AuthStore(url)
    store.belong("oidc", "oidc https://a.example")
    store.belong("oidc", "oidc https://b.example")
    assert [p.name for p in store.people("github").persons] == ["ada"]
    assert store.people("oidc") == store.people("oidc https://b.example") == People()
    (bob,) = store.people("oidc https://a.example").persons
    assert (bob.name, bob.id, bob.logins, bob.claims) == ("bob", "id of bob", ("bob",), {"x"})
    with pytest.raises(Unavailable):
        store.put("github", Person(name="eve", id="id of ada", logins=("eve",)))
    store.close()


def _of_before(url: str, **names: str) -> None:
    """A database as the first version made it, with an account for each provider."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, "a0001")
        for provider, name in names.items():
            connection.execute(
                sa.text(
                    "INSERT INTO person VALUES (:provider, :name, :id, :logins, '[\"x\"]', "
                    "'2026-06-01 12:00', '2026-06-01 12:00')"
                ),
                {"provider": provider, "name": name, "id": f"id of {name}",
                 "logins": f'["{name}"]'},
            )  # fmt: skip
    engine.dispose()


def test_a_person_is_forgotten_once(store: AuthStore) -> None:
    store.put("github", ADA)
    assert store.remove("github", "ada")
    assert not store.remove("github", "ada")
    assert store.people("github") == People()


def test_many_who_sign_in_at_once_are_all_kept(store: AuthStore) -> None:
    many = [Person(name=f"p{n}", id=str(n), logins=(f"p{n}",)) for n in range(60)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda person: store.put("github", person), many))
    assert {p.name for p in store.people("github").persons} == {p.name for p in many}


@pytest.mark.parametrize(
    ("asked", "minutes"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"limit": 2}, [4, 3]),
        ({"limit": 0}, []),
        ({"since": NOON + timedelta(minutes=3)}, [4, 3]),
        ({"login": "bob"}, [3, 1]),
        ({"action": "removed"}, [2]),
        ({"teams": {"uc4"}}, [3, 2]),
        ({"teams": ["uc4", "urban"]}, [4, 3, 2]),
        ({"teams": ()}, []),
        ({"teams": {"uc4"}, "login": "bob"}, [3]),
        ({"login": "' OR 1=1 --"}, []),
    ],
)
def test_the_audit_answers_what_is_asked(
    asked: dict[str, Any], minutes: list[int], store: AuthStore
) -> None:
    store.record(())
    store.record([entry(0, login="ada", code="no-team"), entry(1, login="bob")])
    store.record([entry(2, "removed", login="ada", team="uc4", by="hub", detail="…")])
    store.record([entry(3, "run-dismissed", login="ada", team="uc4", by="bob")])
    store.record([entry(4, "teams-changed", team="urban")])
    found = store.audit(**asked)
    assert [round((e.at - NOON).total_seconds() / 60) for e in found] == minutes


def test_entries_come_back_as_they_were_recorded_in_their_order(store: AuthStore) -> None:
    hostile = entry(0, login="a\x00\r\n\ud800" * 90, detail="‮ü" * 900, by="🦉" * 99, team="x" * 99)
    same_time = [entry(0, login=f"u{n}") for n in range(3)]
    store.record([hostile, *same_time])
    assert store.audit() == [*reversed(same_time), hostile]


def test_entries_are_recorded_all_or_none(store: AuthStore) -> None:
    good = entry(0)
    bad = good.model_copy(update={"action": None})
    with pytest.raises(Unavailable):
        store.record([good, bad])
    assert store.audit() == []


def test_the_tables_are_those_that_the_migrations_make(
    store: AuthStore, opened: Callable[[], AuthStore], url: str
) -> None:
    store.put("github", ADA)
    opened()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "fairihub_auth_version"}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_database_shared_with_others_is_shared_in_peace(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('of another')"))
    store = AuthStore(url)
    store.put("github", ADA)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT * FROM alembic_version")).scalar() == "of another"
    engine.dispose()
    assert store.people("github").persons == (ADA,)
    store.close()


def test_a_database_that_is_away_is_no_riddle_and_comes_back(postgres: Postgres) -> None:
    store = AuthStore(postgres.database())
    store.put("github", ADA)
    postgres.stop()
    try:
        with pytest.raises(Unavailable) as told:
            store.people("github")
        assert told.value.code == "records-away"
    finally:
        postgres.start()
    assert store.people("github").persons == (ADA,)
    store.close()


def test_what_is_wrong_never_names_the_address(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Unavailable) as told:
        AuthStore("postgresql+psycopg://hub:canary@127.0.0.1:1/hub")
    assert "canary" not in f"{told.value}{told.value.__cause__}{caplog.text}"


def test_the_file_is_nobody_elses(tmp_path: Path) -> None:
    store = AuthStore.in_folder(tmp_path / "state")
    store.put("github", ADA)
    path = tmp_path / "state" / "people.sqlite"
    assert path.stat().st_mode & 0o077 == 0
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    store.close()
