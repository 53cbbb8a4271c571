"""Real files in a real folder, followed: what an edit does, and how soon."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairihub_auth.publication import Publication
from fairihub_auth.sources import MAX_FILE_BYTES, FolderSource
from fairihub_auth.watch import TeamWatch
from fairihub_core.errors import FairihubError
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import Team, TeamDirectory

Customer = Callable[..., str]
Watching = Callable[..., Publication]


@pytest.fixture
def teams(tmp_path: Path, customer: Customer) -> Path:
    folder = tmp_path / "teams"
    folder.mkdir()
    (folder / "uc4.yaml").write_text(customer("uc4", "ada", "bob"))
    return folder


@pytest.fixture
def watching() -> Iterator[Watching]:
    started: list[TeamWatch] = []

    def start(
        path: Path, heard: Callable[[Snapshot], object] | None = None, kept: Path | None = None
    ) -> Publication:
        publication = Publication()
        if heard is not None:
            publication.subscribe(lambda _, after: heard(after))

        def changed(teams: tuple[Team, ...], files: tuple[FileReport, ...]) -> None:
            publication.put(TeamDirectory(teams=teams), files)

        started.append(TeamWatch([FolderSource(path)], changed, kept))
        started[-1].start()
        return publication

    yield start
    for watch in started:
        watch.stop()


def who(snapshot: Snapshot) -> dict[str, list[str]]:
    return {t.name: [m.login for m in t.members] for t in snapshot.directory.teams}


async def changed(watch: Publication, change: Callable[[], object]) -> Snapshot:
    """The snapshot that follows on `change`, at most 5 s later."""
    number = watch.snapshot().number
    change()
    snapshot = await watch.wait_newer(number, timeout=5)
    assert snapshot is not None, "no new snapshot within 5 s"
    assert snapshot.number > number
    return snapshot


async def until(holds: Callable[[], bool]) -> None:
    """Listeners are called just after the snapshot stands."""

    def wait() -> bool:
        end = time.monotonic() + 5
        while not holds() and time.monotonic() < end:
            time.sleep(0.01)
        return holds()

    assert await asyncio.to_thread(wait)


async def test_edits_breaks_and_removals_count_within_5_s(
    teams: Path, watching: Watching, customer: Customer
) -> None:
    heard: list[int] = []
    watch = watching(teams, heard=lambda snapshot: heard.append(snapshot.number))
    assert who(watch.snapshot()) == {"uc4": ["ada", "bob"]}
    file = teams / "uc4.yaml"

    edited = await changed(watch, lambda: file.write_text(customer("uc4", "ada", "eve")))
    assert who(edited) == {"uc4": ["ada", "eve"]}
    broken = await changed(watch, lambda: file.write_text("kind: ["))
    assert who(broken) == {"uc4": ["ada", "eve"]}
    assert [r.ok for r in broken.files] == [False]
    removed = await changed(watch, file.unlink)
    assert who(removed) == {}
    await until(lambda: len(heard) == 4)
    assert heard == sorted(set(heard))


async def test_a_file_that_an_editor_replaces_is_never_gone(
    teams: Path, watching: Watching, customer: Customer
) -> None:
    states: list[dict[str, list[str]]] = []
    watch = watching(teams, heard=lambda snapshot: states.append(who(snapshot)))

    def replaced_slowly() -> None:
        (teams / "uc4.yaml").rename(teams / "uc4.yaml~")
        time.sleep(0.1)
        (teams / "uc4.yaml").write_text(customer("uc4", "ada"))

    await changed(watch, replaced_slowly)
    await until(lambda: len(states) > 1)
    assert states == [{"uc4": ["ada", "bob"]}, {"uc4": ["ada"]}]


async def test_a_folder_that_is_away_takes_nobody_offline(teams: Path, watching: Watching) -> None:
    watch = watching(teams)
    aside = teams.with_name("aside")
    away = await changed(watch, lambda: teams.rename(aside))
    assert who(away) == {"uc4": ["ada", "bob"]}
    assert [f.code for r in away.files for f in r.findings] == ["teams-unreadable"]
    back = await changed(watch, lambda: aside.rename(teams))
    assert [r.findings for r in back.files] == [()]


async def test_a_single_file_may_be_the_source(
    teams: Path, watching: Watching, customer: Customer
) -> None:
    (teams / "other.yaml").write_text(customer("other", "eve"))
    watch = watching(teams / "uc4.yaml")
    assert who(watch.snapshot()) == {"uc4": ["ada", "bob"]}
    assert who(await changed(watch, (teams / "uc4.yaml").unlink)) == {}


def test_the_last_good_outlives_a_restart(teams: Path, watching: Watching, tmp_path: Path) -> None:
    kept = tmp_path / "teams.json"
    first = watching(teams, kept=kept).snapshot()
    assert kept.stat().st_mode & 0o777 == 0o600
    (teams / "uc4.yaml").write_text("kind: [")
    second = watching(teams, kept=kept).snapshot()
    assert who(second) == {"uc4": ["ada", "bob"]}
    assert second.number > first.number
    kept.write_text("not JSON")
    assert who(watching(teams, kept=kept).snapshot()) == {}


async def test_whom_it_could_not_tell_it_tells_again(teams: Path, customer: Customer) -> None:
    """A database that is away for a moment must not cost the change."""
    calls: list[list[str]] = []

    def changed(given: tuple[Team, ...], files: tuple[FileReport, ...]) -> None:
        calls.append([m.login for team in given for m in team.members])
        if len(calls) == 2:
            raise RuntimeError("away")

    watch = TeamWatch([FolderSource(teams)], changed)
    watch.start()
    try:
        (teams / "uc4.yaml").write_text(customer("uc4", "eve"))
        await until(lambda: len(calls) == 3)
        assert calls == [["ada", "bob"], ["eve"], ["eve"]]
    finally:
        watch.stop()


def test_what_changed_is_logged_on_single_lines(
    teams: Path, watching: Watching, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="fairihub.teams")
    (teams / "bad\nname.yaml").write_text("kind: [" + "x" * 5000)
    watching(teams)
    lines = [record.getMessage() for record in caplog.records]
    assert any("team “uc4” is new" in line for line in lines)
    assert any(record.levelname == "WARNING" for record in caplog.records)
    assert all(line.isprintable() and len(line) < 1000 for line in lines)


def as_folder(path: Path) -> None:
    path.mkdir()


def as_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(b"x" * (MAX_FILE_BYTES + 1)), "file-too-large"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not-utf-8"),
        (lambda path: path.symlink_to("nowhere"), "file-unreadable"),
        (as_folder, "not-a-file"),
        (as_pipe, "not-a-file"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported_and_stops_no_other(
    make: Callable[[Path], object], code: str, teams: Path, watching: Watching
) -> None:
    make(teams / "bad.yaml")
    snapshot = watching(teams).snapshot()
    assert who(snapshot) == {"uc4": ["ada", "bob"]}
    (bad,) = (r for r in snapshot.files if not r.ok)
    assert [f.code for f in bad.findings] == [code]


def test_what_counts_as_a_team_file(teams: Path) -> None:
    for name in (".hidden.yaml", "README.md", "b.yml", "C.YAML", "uc4.yaml~"):
        (teams / name).write_text("")
    (teams / "sub").mkdir()
    assert [Path(name).name for name in FolderSource(teams).stamps()] == [
        "C.YAML",
        "b.yml",
        "uc4.yaml",
    ]


def test_a_thousand_files_at_most(teams: Path) -> None:
    for n in range(1000):
        (teams / f"{n}.yaml").touch()
    with pytest.raises(FairihubError) as refused:
        FolderSource(teams).stamps()
    assert refused.value.code == "too-many-teams"
