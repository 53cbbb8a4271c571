"""Sign-in links: once, for one login, for a while."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest

from fairihub_auth.link_store import LinkStore, link_url

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)


@pytest.fixture
def links(tmp_path: Path) -> LinkStore:
    return LinkStore(tmp_path / "links")


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "links").iterdir())


def test_a_link_opens_once(links: LinkStore, tmp_path: Path) -> None:
    token = links.issue("ada", DAY, NOW)
    assert links.use(token, NOW) == "ada"
    assert links.use(token, NOW) is None
    assert files(tmp_path) == []


def test_the_folder_gives_no_link_away(links: LinkStore, tmp_path: Path) -> None:
    token = links.issue("ada", DAY, NOW)
    assert files(tmp_path) == [f"{sha256(token.encode()).hexdigest()}.json"]
    (file,) = (tmp_path / "links").iterdir()
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_of_many_who_try_at_once_one_gets_in(links: LinkStore) -> None:
    for _ in range(20):
        assert sorted(map(str, at_once(links, 8))) == ["None"] * 7 + ["ada"]


def at_once(links: LinkStore, many: int) -> list[str | None]:
    token, ready = links.issue("ada", DAY, NOW), threading.Barrier(many)

    def attempt(_: int) -> str | None:
        ready.wait()
        return links.use(token, NOW)

    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(attempt, range(many)))


@pytest.mark.parametrize(
    ("later", "login"),
    [(DAY - timedelta(seconds=1), "ada"), (DAY, None), (2 * DAY, None)],
)
def test_a_link_expires(later: timedelta, login: str | None, links: LinkStore) -> None:
    assert links.use(links.issue("ada", DAY, NOW), NOW + later) == login


@pytest.mark.parametrize("token", ["", "unknown", "../hub", "x" * 201, "\udcff", "\0"])
def test_what_is_no_link_opens_nothing(token: str, links: LinkStore) -> None:
    assert links.use(token, NOW) is None
    links.issue("ada", DAY, NOW)
    assert links.use(token, NOW) is None


def test_old_links_are_swept_and_good_ones_stay(links: LinkStore, tmp_path: Path) -> None:
    links.issue("ada", DAY, NOW)
    (tmp_path / "links" / "torn.json").write_text('{"login"')
    good = links.issue("bob", 3 * DAY, NOW)
    links.prune(NOW + 2 * DAY)
    assert len(files(tmp_path)) == 1
    assert links.use(good, NOW + 2 * DAY) == "bob"


@pytest.mark.parametrize("base", ["http://localhost:8000", "http://localhost:8000/"])
def test_the_token_is_in_the_fragment(base: str) -> None:
    assert link_url(base, "T") == "http://localhost:8000/hub/login#link=T"


def test_links_can_be_taken_back_by_login(links: LinkStore) -> None:
    links.drop(lambda login, issued: True)
    ada, bob = (links.issue(login, DAY, NOW) for login in ("ada", "bob"))
    later = links.issue("bob", DAY, NOW + timedelta(seconds=1))
    links.drop(lambda login, issued: login == "bob" and issued == NOW)
    assert (links.use(ada, NOW), links.use(bob, NOW)) == ("ada", None)
    assert links.use(later, NOW) == "bob"
