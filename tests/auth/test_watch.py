"""Real files in a real folder, followed: what an edit does, and how soon."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest

from fairihub_auth.publication import Publication
from fairihub_auth.sources import FolderSource, Source
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
        *sources: Path | Source,
        heard: Callable[[Snapshot], object] | None = None,
        kept: Path | None = None,
    ) -> Publication:
        publication = Publication()
        if heard is not None:
            publication.subscribe(lambda _, after: heard(after))

        def changed(teams: tuple[Team, ...], files: tuple[FileReport, ...]) -> None:
            publication.put(TeamDirectory(teams=teams), files)

        found = [FolderSource(s) if isinstance(s, Path) else s for s in sources]
        started.append(TeamWatch(found, changed, kept))
        started[-1].start()
        return publication

    yield start
    for watch in started:
        watch.stop()


class Objects(Source):
    """A third kind of source: texts by name, as a cluster might hold them."""

    def __init__(self, name: str, **texts: str) -> None:
        self._name = name
        self.texts = texts
        self.answering = threading.Event()
        self.answering.set()
        self.news: Callable[[], None] = lambda: None
        self.pokes = 0

    @property
    def name(self) -> str:
        return self._name

    def stamps(self) -> Mapping[str, Hashable]:
        self.answering.wait()
        return {name: hash(text) for name, text in self.texts.items()}

    def read(self, name: str) -> str:
        return self.texts[name]

    def revision(self, name: str) -> str:
        return f"v{len(self.texts)}"

    def start(self, news: Callable[[], None]) -> None:
        self.news = news

    def stop(self) -> None:
        self.answering.set()

    def poke(self) -> None:
        self.pokes += 1


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
        end = time.monotonic() + 20
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
    (teams / "README.md").touch()
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


async def test_a_change_is_in_force_within_a_second_and_a_half(
    teams: Path, watching: Watching, customer: Customer
) -> None:
    watch = watching(teams)
    logins = (f"eve{n}" for n in count())

    async def seconds(pause: float) -> float:
        await asyncio.sleep(pause)
        began, text = time.monotonic(), customer("uc4", next(logins))
        await changed(watch, lambda: (teams / "uc4.yaml").write_text(text))
        return time.monotonic() - began

    for pause in (0, 0.4, 0.8):  # wherever the watch is between two looks
        # A busy machine may be late once; a watch that looks too seldom is late again.
        assert await seconds(pause) < 1.5 or await seconds(pause) < 1.5


async def test_a_folder_that_is_away_takes_nobody_offline(teams: Path, watching: Watching) -> None:
    watch = watching(teams)
    aside = teams.with_name("aside")
    away = await changed(watch, lambda: teams.rename(aside))
    assert who(away) == {"uc4": ["ada", "bob"]}
    assert [f.code for r in away.files for f in r.findings] == ["teams-unreadable"]
    back = await changed(watch, lambda: aside.rename(teams))
    assert [r.findings for r in back.files] == [()]


async def test_an_emptied_folder_removes_no_team_also_over_a_restart(
    teams: Path, watching: Watching, tmp_path: Path
) -> None:
    """What is there where a volume should be mounted, or after a copy that went wrong."""
    kept = tmp_path / "teams.json"
    watch = watching(teams, kept=kept)
    emptied = await changed(watch, lambda: (teams / "uc4.yaml").rename(tmp_path / "uc4.yaml"))
    restarted = watching(teams, kept=kept).snapshot()
    for state in (emptied, restarted):
        assert who(state) == {"uc4": ["ada", "bob"]}
        assert [f.code for r in state.files for f in r.findings] == ["teams-unreadable"]
    assert who(await changed(watch, (teams / "README.md").touch)) == {}, "meant like that"


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


def test_since_when_a_file_is_broken_outlives_a_restart(
    teams: Path, watching: Watching, tmp_path: Path
) -> None:
    kept = tmp_path / "teams.json"
    good = watching(teams, kept=kept).snapshot().files[0]
    (teams / "uc4.yaml").write_text("kind: [")
    (first,) = watching(teams, kept=kept).snapshot().files
    (teams / "uc4.yaml").write_text("kind: {")
    (second,) = watching(teams, kept=kept).snapshot().files
    assert good.since is None
    assert first.since is not None
    assert second.since == first.since
    assert second.lines == good.lines != {}


async def test_sources_of_every_kind_count_together(
    teams: Path, watching: Watching, customer: Customer
) -> None:
    cluster = Objects("cluster", b=customer("b", "bea"), taker=customer("uc4", "mallory"))
    watch = watching(teams, cluster)
    assert who(watch.snapshot()) == {"uc4": ["ada", "bob"], "b": ["bea"]}
    told = {(r.source, r.path): (r.team, r.revision) for r in watch.snapshot().files}
    assert told == {
        (str(teams), f"{teams}/uc4.yaml"): ("uc4", None),
        ("cluster", "b"): ("b", "v2"),
        ("cluster", "taker"): (None, "v2"),
    }
    (teams / "README.md").touch()
    moved = await changed(watch, (teams / "uc4.yaml").unlink)
    assert who(moved) == {"b": ["bea"], "uc4": ["mallory"]}, "what is let go may be taken"


async def test_a_source_that_hangs_or_is_away_holds_up_no_other(
    teams: Path, watching: Watching, customer: Customer
) -> None:
    cluster = Objects("cluster", b=customer("b", "bea"))
    other = teams.with_name("other")
    other.mkdir()
    (other / "c.yaml").write_text(customer("c", "cleo"))
    watch = watching(cluster, teams, other)
    cluster.answering.clear()
    aside = other.rename(other.with_name("aside"))
    await changed(watch, lambda: None)  # it is away
    edited = await changed(watch, lambda: (teams / "uc4.yaml").write_text(customer("uc4", "eve")))
    assert who(edited) == {"b": ["bea"], "uc4": ["eve"], "c": ["cleo"]}
    assert [(r.path, r.ok) for r in edited.files if not r.ok] == [(str(other), False)]
    aside.rename(other)
    cluster.texts["b"] = customer("b", "dora")
    cluster.answering.set()
    await until(lambda: who(watch.snapshot())["b"] == ["dora"])


def test_a_source_that_is_away_at_start_has_its_last_good_state(
    teams: Path, watching: Watching, tmp_path: Path, customer: Customer
) -> None:
    kept, cluster = tmp_path / "teams.json", Objects("cluster", b=customer("b", "bea"))
    watching(teams, cluster, kept=kept)
    teams.rename(teams.with_name("aside"))
    second = watching(teams, cluster, kept=kept).snapshot()
    third = watching(teams, cluster, kept=kept).snapshot()
    assert who(second) == who(third) == {"uc4": ["ada", "bob"], "b": ["bea"]}
    (away,) = (r for r in third.files if not r.ok)
    assert (away.path, away.source) == (str(teams), str(teams))
    assert away in second.files, "with the hour since when"
    without = watching(cluster, kept=kept).snapshot()
    assert who(without) == {"b": ["bea"]}, "taken out of the settings, its teams go"


async def test_a_poke_is_a_look_at_once(teams: Path, customer: Customer) -> None:
    cluster, seen = Objects("cluster"), []
    watch = TeamWatch([FolderSource(teams), cluster], lambda given, files: seen.append(len(given)))
    watch.start()
    try:
        cluster.texts["b"] = customer("b", "bea")
        began = time.monotonic()
        assert watch.poke("cluster")
        await until(lambda: seen == [1, 2])
        assert time.monotonic() - began < 0.8
        assert cluster.pokes == 1
        assert not watch.poke("nowhere")
        assert watch.poke()
        assert cluster.pokes == 2
        cluster.texts["c"] = customer("c", "cleo")
        cluster.news()
        await until(lambda: seen == [1, 2, 3])
    finally:
        watch.stop()


def test_two_sources_are_not_one(teams: Path) -> None:
    with pytest.raises(FairihubError) as refused:
        TeamWatch([FolderSource(teams), FolderSource(teams)], lambda given, files: None)
    assert refused.value.code == "same-source"


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
