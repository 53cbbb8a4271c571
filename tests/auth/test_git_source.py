"""Team files in real git repositories: what each accident there does to the teams."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fairihub_auth import git_mirror
from fairihub_auth.git_source import GitSource
from fairihub_auth.publication import Publication
from fairihub_auth.watch import TeamWatch
from fairihub_core.errors import FairihubError
from fairihub_core.snapshot import FileReport, Snapshot
from fairihub_core.teams import TeamDirectory
from tests.support.git_origin import GitServer, Origin, git
from tests.support.waiting import eventually

Customer = Callable[..., str]


class Followed:
    """A repository that is followed by a watch, as in a hub."""

    def __init__(self, source: GitSource, kept: Path | None = None) -> None:
        self.publication = Publication()
        self.watch = TeamWatch(
            [source],
            lambda teams, files: self.publication.put(TeamDirectory(teams=teams), files),
            kept,
        )
        self.watch.start()

    @property
    def snapshot(self) -> Snapshot:
        return self.publication.snapshot()

    @property
    def who(self) -> dict[str, str]:
        teams = self.snapshot.directory.teams
        return {t.name: " ".join(m.login for m in t.members) for t in teams}

    def told(self, path: str = "central") -> FileReport | None:
        return next((r for r in self.snapshot.files if r.path == path), None)

    @property
    def codes(self) -> list[str]:
        return [f.code for r in self.snapshot.files if not r.ok for f in r.findings]

    def becomes(self, holds: Callable[[], object]) -> bool:
        """Whether it holds soon after somebody says that there is news."""
        self.watch.poke("central")
        return bool(eventually(holds))


@pytest.fixture
def origin(tmp_path: Path, customer: Customer) -> Origin:
    origin = Origin(tmp_path / "origin" / "teams.git")
    origin.commit({"teams/uc4.yaml": customer("uc4", "ada", "bob"), "README.md": "Teams"})
    return origin


@pytest.fixture
def follow(tmp_path: Path, origin: Origin) -> Iterator[Callable[..., Followed]]:
    started: list[Followed] = []

    def start(url: str = str(origin.path), kept: Path | None = None, **more: object) -> Followed:
        options: dict[str, object] = {"path": "teams", "interval_seconds": 3600, **more}
        source = GitSource(url, name="central", cache=tmp_path / "cache", **options)  # type: ignore[arg-type]
        started.append(Followed(source, kept))
        return started[-1]

    yield start
    for followed in started:
        followed.watch.stop()
    assert [p.name() for p in psutil.Process().children() if p.name() == "git"] == []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    server = GitServer(tmp_path / "origin")
    yield server
    server.close()


Follow = Callable[..., Followed]


def test_a_commit_counts_and_its_revision_is_known(
    origin: Origin, follow: Follow, customer: Customer
) -> None:
    hub = follow()
    assert hub.who == {"uc4": "ada bob"}
    (first,) = hub.snapshot.files
    assert (first.path, first.source) == ("teams/uc4.yaml", "central")
    assert first.revision == git("rev-parse", "HEAD", cwd=origin.copy)
    assert first.place("bob").line > 0
    revision = origin.commit({"teams/uc4.yaml": customer("uc4", "ada", "eve")})
    assert hub.becomes(lambda: hub.who == {"uc4": "ada eve"})
    assert [r.revision for r in hub.snapshot.files] == [revision]


def test_a_commit_beside_the_team_files_changes_nothing(origin: Origin, follow: Follow) -> None:
    hub = follow()
    number = hub.snapshot.number
    origin.commit({"README.md": "more words"})
    origin.commit({"teams/new.yaml": "kind: ["})
    assert hub.becomes(lambda: len(hub.snapshot.files) == 2)
    assert hub.snapshot.number == number + 1


def test_the_interval_alone_brings_a_commit(
    origin: Origin, follow: Follow, customer: Customer
) -> None:
    hub = follow(interval_seconds=1)
    origin.commit({"teams/uc4.yaml": customer("uc4", "eve")})
    assert eventually(lambda: hub.who == {"uc4": "eve"}, seconds=5)


def rewritten(origin: Origin, text: str) -> None:
    git("checkout", "--quiet", "--orphan", "other", cwd=origin.copy)
    origin.commit({"teams/uc4.yaml": text})


def replaced(origin: Origin, text: str) -> None:
    shutil.rmtree(origin.path)
    shutil.rmtree(origin.copy)
    Origin(origin.path).commit({"teams/uc4.yaml": text})


def removed(origin: Origin, text: str) -> None:
    origin.commit({"teams/uc4.yaml": None, "teams/other.yaml": text.replace("uc4", "other")})


@pytest.mark.parametrize(
    ("change", "who"),
    [
        (rewritten, {"uc4": "eve"}),
        (replaced, {"uc4": "eve"}),
        (removed, {"other": "eve"}),
    ],
)
def test_the_branch_is_followed_wherever_it_goes(
    change: Callable[[Origin, str], None],
    who: dict[str, str],
    origin: Origin,
    follow: Follow,
    customer: Customer,
) -> None:
    hub = follow(branch="main")
    change(origin, customer("uc4", "eve"))
    assert hub.becomes(lambda: hub.who == who)
    assert hub.codes == []


def away(origin: Origin) -> None:
    origin.path.rename(origin.path.with_name("aside"))


def without_its_branch(origin: Origin) -> None:
    git("push", "--quiet", "origin", "HEAD:refs/heads/other", cwd=origin.copy)
    git("update-ref", "-d", "refs/heads/main", cwd=origin.path)


def empty(origin: Origin) -> None:
    shutil.rmtree(origin.path)
    git("init", "--quiet", "--bare", "--", str(origin.path), cwd=origin.copy)


def without_the_folder(origin: Origin) -> None:
    origin.commit({"teams/uc4.yaml": None})


def with_a_link_as_folder(origin: Origin) -> None:
    (origin.copy / "teams").rename(origin.copy / "hidden")
    (origin.copy / "teams").symlink_to("hidden")
    origin.push()


def with_too_many_files(origin: Origin) -> None:
    origin.commit({f"teams/{n}.yaml": "" for n in range(1001)})


def with_too_much_in_all(origin: Origin) -> None:
    origin.commit({f"teams/{n}.yaml": f"{n}{'x' * 1_000_000}" for n in range(34)})


@pytest.mark.parametrize(
    ("accident", "code", "words"),
    [
        (away, "source-away", "It is not there"),
        (without_its_branch, "source-away", "It has no such branch"),
        (empty, "source-away", "It has no such branch"),
        (without_the_folder, "no-such-path", "It has no “teams”."),
        (with_a_link_as_folder, "no-such-path", "It has no “teams”."),
        (with_too_many_files, "too-many-teams", "It holds 1,002 team files"),
        (with_too_much_in_all, "source-too-large", "Its team files have 32 MiB in all"),
    ],
)
def test_an_accident_keeps_the_last_good_commit_in_force(
    accident: Callable[[Origin], None],
    code: str,
    words: str,
    origin: Origin,
    follow: Follow,
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept.json"
    hub = follow(kept=kept, branch="main")
    accident(origin)
    assert hub.becomes(lambda: hub.codes == [code])
    assert hub.who == {"uc4": "ada bob"}
    told = hub.told()
    assert told is not None
    assert told.findings[0].message.startswith(words)
    assert told.since is not None
    hub.watch.stop()

    again = follow(kept=kept, branch="main")
    assert again.who == {"uc4": "ada bob"}, "also after a restart"
    assert again.codes == [code]
    assert again.told() == told, "and since when it is so, is not forgotten"
    again.watch.stop()
    assert follow(branch="main").who == {"uc4": "ada bob"}, "the mirror alone remembers as well"


def test_it_counts_again_once_the_repository_is_back(
    origin: Origin, follow: Follow, customer: Customer
) -> None:
    hub = follow()
    aside = origin.path.rename(origin.path.with_name("aside"))
    assert hub.becomes(lambda: hub.codes == ["source-away"])
    aside.rename(origin.path)
    origin.commit({"teams/uc4.yaml": customer("uc4", "eve")})
    assert hub.becomes(lambda: hub.who == {"uc4": "eve"})
    assert hub.told() is None


def test_what_is_no_file_is_reported_and_followed_nowhere(
    origin: Origin, follow: Follow, tmp_path: Path, customer: Customer
) -> None:
    hub = follow()
    (tmp_path / "outside.yaml").write_text(customer("stolen", "mallory"))
    teams = origin.copy / "teams"
    (teams / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (teams / "folder.yaml").mkdir()
    origin.commit(
        {
            "teams/folder.yaml/inner.yaml": customer("inner", "mallory"),
            "teams/.hidden.yaml": customer("hidden", "mallory"),
            "teams/notes.txt": customer("notes", "mallory"),
            "teams/latin.yml": b"kind: Customer # \xe9",
            "teams/large.yaml": "#" * (1024 * 1024 + 1),
            "teams/new\nline.yaml": customer("line", "cleo"),
        }
    )
    sha = git("rev-parse", "HEAD", cwd=origin.copy)
    git("update-index", "--add", "--cacheinfo", f"160000,{sha},teams/sub.yaml", cwd=origin.copy)
    git("commit", "--quiet", "--message=sub", cwd=origin.copy)
    git("push", "--quiet", "origin", "HEAD:main", cwd=origin.copy)
    assert hub.becomes(lambda: "line" in hub.who)
    assert hub.who == {"uc4": "ada bob", "line": "cleo"}
    broken = {r.path: r.findings[0].code for r in hub.snapshot.files if not r.ok}
    assert broken == {
        "teams/link.yaml": "not-a-file",
        "teams/folder.yaml": "not-a-file",
        "teams/latin.yml": "not-utf-8",
        "teams/large.yaml": "file-too-large",
    }


def test_a_team_whose_file_becomes_a_link_keeps_its_last_good(
    origin: Origin, follow: Follow
) -> None:
    hub = follow()
    (origin.copy / "teams/uc4.yaml").unlink()
    (origin.copy / "teams/uc4.yaml").symlink_to("../README.md")
    origin.push()
    assert hub.becomes(lambda: hub.codes == ["not-a-file", "last-good-kept"])
    assert hub.who == {"uc4": "ada bob"}


def test_one_file_may_be_the_source_and_may_be_removed(
    origin: Origin, follow: Follow, customer: Customer
) -> None:
    origin.commit({"teams/other.yaml": customer("other", "eve")})
    hub = follow(path="teams/uc4.yaml")
    assert hub.who == {"uc4": "ada bob"}
    origin.commit({"teams/uc4.yaml": None})
    assert hub.becomes(lambda: hub.who == {})
    origin.commit({"teams/other.yaml": None})
    assert hub.becomes(lambda: hub.codes == ["no-such-path"])


def test_the_top_of_a_repository_and_its_default_branch(
    origin: Origin, follow: Follow, customer: Customer
) -> None:
    origin.commit({"top.yaml": customer("top", "eve")}, branch="trunk")
    git("symbolic-ref", "HEAD", "refs/heads/trunk", cwd=origin.path)
    assert follow(path="").who == {"top": "eve"}


def test_a_repository_that_was_never_there_gives_nothing(follow: Follow, tmp_path: Path) -> None:
    hub = follow(url=str(tmp_path / "nowhere"))
    assert (hub.who, hub.codes) == ({}, ["source-away"])


def test_a_mirror_that_is_damaged_is_made_anew(
    origin: Origin, follow: Follow, tmp_path: Path, customer: Customer
) -> None:
    follow().watch.stop()
    (mirror,) = (tmp_path / "cache").glob("*/*.git")
    for file in mirror.rglob("*"):
        if file.is_file() and "objects" in file.parts:
            file.chmod(0o600)
            file.write_bytes(b"")
    (mirror / "shallow.lock").touch()
    origin.commit({"teams/uc4.yaml": customer("uc4", "eve")})
    hub = follow()
    assert (hub.who, hub.codes) == ({"uc4": "eve"}, [])


def test_a_mirror_of_earlier_settings_is_not_gone_by(
    origin: Origin, follow: Follow, tmp_path: Path, customer: Customer
) -> None:
    follow().watch.stop()
    (before,) = (tmp_path / "cache" / "central").iterdir()
    hub = follow(url=str(tmp_path / "nowhere"))
    assert (hub.who, hub.codes) == ({}, ["source-away"])
    (mirror,) = (tmp_path / "cache" / "central").iterdir()
    assert mirror.name != before.name, "and the one of before is gone"


def test_a_repository_that_is_too_large_is_given_up_and_leaves_nothing(
    origin: Origin, follow: Follow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_mirror, "MAX_ON_DISK", 2 * 1024 * 1024)
    hub = follow()
    origin.commit({"data.bin": os.urandom(4 * 1024 * 1024)})
    assert hub.becomes(lambda: hub.codes == ["source-too-large"])
    assert hub.who == {"uc4": "ada bob"}
    assert list((tmp_path / "cache" / "central").iterdir()) == []


def test_a_large_file_that_was_packed_small_takes_git_no_memory(
    origin: Origin,
    follow: Follow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    customer: Customer,
) -> None:
    bounded = tmp_path / "bin" / "git"
    bounded.parent.mkdir()
    bounded.write_text(f'#!/bin/sh\nulimit -v 120000\nexec {shutil.which("git")} "$@"\n')
    bounded.chmod(0o755)
    git("config", "core.bigFileThreshold", "1m", cwd=origin.path)  # the other side is bounded, too
    git("config", "pack.threads", "1", cwd=origin.path)
    hub = follow()
    origin.commit({"zeros.bin": bytes(150 * 2**20), "teams/uc5.yaml": customer("uc5", "eve")})
    monkeypatch.setenv("PATH", f"{bounded.parent}:{os.environ['PATH']}")
    hub.watch.poke("central")
    assert eventually(lambda: "uc5" in hub.who, seconds=60), hub.codes


def test_no_configuration_and_no_hook_but_ours_counts(
    origin: Origin,
    follow: Follow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    customer: Customer,
) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    (tmp_path / ".gitconfig").write_text(
        f'[url "/nowhere/"]\n insteadOf = /\n[core]\n hooksPath = {tmp_path}\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    monkeypatch.setenv("GIT_TRACE", str(ran))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    shutil.copy(program, tmp_path / "reference-transaction")
    hub = follow()
    (mirror,) = (tmp_path / "cache").glob("*/*.git")
    (mirror / "hooks").mkdir(exist_ok=True)
    shutil.copy(program, mirror / "hooks" / "reference-transaction")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_TRACE")
    origin.commit({"teams/uc4.yaml": customer("uc4", "eve")})
    ran.unlink(missing_ok=True)
    assert hub.becomes(lambda: hub.who == {"uc4": "eve"})
    assert not ran.exists()


def test_by_http_with_a_token_that_nobody_sees(
    origin: Origin,
    follow: Follow,
    server: GitServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    customer: Customer,
) -> None:
    server.password = "canary-7f3a%'\"$(id)"
    file = tmp_path / "credentials"
    url = f"{server.url}/teams.git"
    host = url.removeprefix("http://").removesuffix("/teams.git")
    quoted = "canary-7f3a%25%27%22%24%28id%29"
    file.write_text(f"https://other:wrong@example.org\nhttp://hub:{quoted}@{host}\n")
    seen: list[str] = []
    server.asked = lambda: seen.append(command_lines())
    hub = follow(url=url, credentials=file)
    assert (hub.who, hub.codes) == ({"uc4": "ada bob"}, [])

    server.password = "canary-7f3a-new"
    assert hub.becomes(lambda: hub.codes == ["source-away"])
    (told,) = (r for r in hub.snapshot.files if r.path == "central")
    assert told.findings[0].message.startswith("It does not accept the credentials")
    file.write_text(f"http://hub:canary-7f3a-new@{host}\n")
    assert hub.becomes(lambda: hub.codes == []), "a token may be exchanged while the hub runs"

    assert "fetch" in "".join(seen)
    everything = (
        "".join(seen) + caplog.text + hub.snapshot.model_dump_json() + repr(vars(hub.watch))
    )
    assert "canary" not in everything
    assert "canary" not in mirrored(tmp_path / "cache")


def command_lines() -> str:
    lines: list[str] = []
    for process in psutil.process_iter():
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return "\n".join(lines)


def mirrored(folder: Path) -> str:
    return "".join(f.read_bytes().decode("latin-1") for f in folder.rglob("*") if f.is_file())


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, "source-away", "It asks for a user name and a token"),
        ("", "no-credentials", "has no line for http://127.0.0.1"),
        ("http://hub:secret@127.0.0.1:1\n", "no-credentials", "has no line for"),
        ("http://hub:line%0Abreak@HOST\n", "no-credentials", "has no line for"),
        ("http://hub:wrong@HOST\n", "source-away", "It does not accept the credentials"),
    ],
)
def test_without_the_right_credentials_it_says_what_is_missing(
    content: str | None, code: str, words: str, follow: Follow, server: GitServer, tmp_path: Path
) -> None:
    server.password = "right"
    file = tmp_path / "credentials"
    if content is not None:
        file.write_text(content.replace("HOST", server.url.removeprefix("http://")))
    url = f"{server.url}/teams.git"
    hub = follow(url=url, credentials=None if content is None else file)
    assert hub.codes == [code]
    (told,) = hub.snapshot.files
    assert words in told.findings[0].message
    assert "secret" not in told.findings[0].message


def test_credentials_that_cannot_be_read_are_said(follow: Follow, server: GitServer) -> None:
    hub = follow(url=f"{server.url}/teams.git", credentials=Path("/nowhere"))
    assert hub.codes == ["no-credentials"]


def test_a_server_that_hangs_is_given_up_with_all_that_git_started(
    follow: Follow, server: GitServer
) -> None:
    server.hangs = True
    hub = follow(url=f"{server.url}/teams.git", fetch_seconds=1)
    assert hub.codes == ["source-away"]
    (told,) = hub.snapshot.files
    assert told.findings[0].message == "It did not answer within 1 s."
    assert f"git-remote-http {server.url}" not in command_lines()


def test_a_hub_that_stops_waits_for_no_server(follow: Follow, server: GitServer) -> None:
    hub = follow(url=f"{server.url}/teams.git")
    server.hangs = True
    before = len(server.seen)
    hub.watch.poke("central")
    assert eventually(lambda: len(server.seen) > before)
    began = time.monotonic()
    hub.watch.stop()
    assert time.monotonic() - began < 10
    assert f"git-remote-http {server.url}" not in command_lines()


def test_many_pokes_are_one_fetch_and_at_most_one_a_second(
    origin: Origin, follow: Follow, server: GitServer, customer: Customer
) -> None:
    hub = follow(url=f"{server.url}/teams.git")
    asks = lambda: sum("info/refs" in path for path in server.seen)  # noqa: E731
    before, began = asks(), time.monotonic()
    while (took := time.monotonic() - began) < 2.5 or asks() < before + 2:
        assert took < 30
        hub.watch.poke("central")
        time.sleep(0.001)
    assert asks() - before <= 1 + took
    origin.commit({"teams/uc4.yaml": customer("uc4", "eve")})
    assert hub.becomes(lambda: hub.who == {"uc4": "eve"}), "and the last one counts"


@pytest.mark.parametrize(
    "given",
    [
        {"url": ""},
        {"url": "-oProxyCommand=touch"},
        {"url": "--upload-pack=touch"},
        {"url": "ext::sh -c touch% /tmp/x"},
        {"url": "ext::sh"},
        {"url": "fd::17"},
        {"url": "http://example.org/x.git"},
        {"url": "ftp://example.org/x.git"},
        {"url": "git://example.org/x.git"},
        {"url": "relative/path"},
        {"url": "../up"},
        {"url": "file://host/x"},
        {"url": "ssh://-oProxyCommand=touch/x"},
        {"url": "ssh://-l@host/x"},
        {"url": "git@-oProxyCommand=touch:x"},
        {"url": "-git@host:x"},
        {"url": "git@host:-x"},
        {"url": "https:///x"},
        {"url": "https://host"},
        {"url": "https://host:port/x"},
        {"url": "https://host/x\n--upload-pack=y"},
        {"url": "https://ada:s3cret@example.org/x.git"},
        {"url": "https://s3cret@example.org/x.git"},
        {"url": "ssh://git:s3cret@example.org/x.git"},
        {"url": "https://example.org/x.git?private_token=s3cret"},
        {"url": "https://example.org/" + "x" * 600},
        *({"branch": b} for b in ("", "-x", "--all", "a..b", "a:b", "a b", "*", "x.lock", "/x")),
        *({"branch": b} for b in ("x/", "a//b", "a@{1}", "a\nb", "a~1", "a^", "refs/heads/*")),
        *({"path": p} for p in ("../x", "a/../b", "a//b", "-x", "a\nb", "./a")),
        {"name": "../x"},
        {"name": "Central"},
    ],
)
def test_what_git_could_misunderstand_is_refused_before(
    given: dict[str, str], tmp_path: Path
) -> None:
    options = {"url": "https://example.org/x.git", "name": "central", **given}
    with pytest.raises(FairihubError) as refused:
        GitSource(cache=tmp_path, **options)  # type: ignore[arg-type]
    assert refused.value.code == "bad-repository"
    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/teams.git",
        "https://git.example.org:8443/group/teams",
        "ssh://git@example.org:2222/teams.git",
        "git@github.com:org/teams.git",
        "file:///srv/teams.git",
        "/srv/teams.git",
        "http://localhost:3000/org/teams.git",
    ],
)
def test_what_a_repository_may_be_called(url: str, tmp_path: Path) -> None:
    source = GitSource(url, name="central", cache=tmp_path, branch="release/2.x", path="/teams/")
    assert source.name == "central"
