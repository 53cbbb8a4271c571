"""The operator's repository: which revisions are known, what git is never told, what a run gets."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairihub_core.errors import FairihubError, Unavailable
from fairihub_headless import checkout
from fairihub_headless.checkout import Repository, below_algorithm
from tests.support.git_origin import GitServer, Origin, git

SECRET = "canary-token-51c7"


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "served" / "algorithm")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    server = GitServer(tmp_path / "served")
    yield server
    server.close()


@pytest.fixture
def repository(origin: Origin, server: GitServer, tmp_path: Path) -> Repository:
    return Repository(f"{server.url}/algorithm", tmp_path / "kept")


def refusal(repository: Repository, revision: str) -> str:
    with pytest.raises(FairihubError) as refused:
        repository.commit_of(revision)
    return refused.value.code


def test_branch_tag_and_commit(repository: Repository, origin: Origin, tmp_path: Path) -> None:
    first = origin.commit({"notebook.ipynb": "{1}", "lib/tool.py": "x = 1"})
    git("tag", "v1.0", cwd=origin.copy)
    git("push", "--quiet", "origin", "v1.0", cwd=origin.copy)
    second = origin.commit({"notebook.ipynb": "{2}"})
    assert [repository.commit_of(r) for r in ("main", "v1.0", second, first)] == [
        second, first, second, first,
    ]  # fmt: skip
    assert repository.file(first, "notebook.ipynb") == b"{1}"
    repository.check_out(first, tmp_path / "run")
    assert (tmp_path / "run" / "lib" / "tool.py").read_text() == "x = 1"
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["lib", "notebook.ipynb"]
    assert [p.name for p in tmp_path.glob(".run*")] == []


def test_a_commit_that_is_here_needs_no_server(
    repository: Repository, origin: Origin, server: GitServer, tmp_path: Path
) -> None:
    first = origin.commit({"notebook.ipynb": "{1}"})
    repository.commit_of("main")
    origin.commit({"notebook.ipynb": "{2}"})
    repository.commit_of("main")
    server.close()
    assert repository.commit_of(first) == first
    repository.check_out(first, tmp_path / "run")
    assert (tmp_path / "run" / "notebook.ipynb").read_text() == "{1}"
    assert refusal(repository, "other") == "repository-away"


def test_what_no_run_uses_goes_after_a_day(repository: Repository, origin: Origin) -> None:
    names = [origin.commit({"notebook.ipynb": str(n)}) for n in range(4)]
    used, unused, recent, again = [repository.commit_of(name) for name in names]
    for name in (used, unused, again):
        os.utime(repository.folder / "refs" / "fairihub" / "runs" / name, (0, 0))
    repository.commit_of(again)
    assert repository.tidy({used}) == 1
    assert [repository._has(n) for n in (used, unused, recent, again)] == [True, False, True, True]
    assert repository.tidy({used}) == 0
    assert repository.commit_of(unused) == unused  # fetched again


def test_a_fetch_is_bounded_and_leaves_no_half(
    repository: Repository, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.commit({"a.txt": "a"})
    repository.commit_of("main")
    monkeypatch.setattr(checkout, "_MAX_FETCH", 200_000)
    origin.commit({"large.bin": os.urandom(500_000)})
    assert refusal(repository, "main") == "too-large"
    assert not list((repository.folder / "objects" / "pack").glob("tmp_*"))
    monkeypatch.setattr(checkout, "_MAX_FETCH", 2_000_000)
    assert repository.commit_of("main")


def test_who_waits_for_a_fetch_is_answered_in_time(
    repository: Repository, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = origin.commit({"a.txt": "a"})
    repository.commit_of("main")
    monkeypatch.setattr(checkout, "_TURN_SECONDS", 0.01)
    with repository._turn:
        assert refusal(repository, "main") == "repository-away"
        assert repository.commit_of(commit) == commit  # it is here: nobody is waited for


def test_a_fetch_ends_with_the_service(
    repository: Repository, origin: Origin, server: GitServer
) -> None:
    origin.commit({"a.txt": "a"})
    over = threading.Event()

    def asked() -> None:
        repository.stop()
        over.wait(20)

    server.asked = asked
    began = time.monotonic()
    assert refusal(repository, "main") == "repository-away"
    assert time.monotonic() - began < 15
    over.set()


def test_a_check_out_ends_with_its_attempt(
    repository: Repository, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit_of(origin.commit({"a.txt": "a"}))
    slow = tmp_path / "slow" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o700)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    ending = threading.Event()
    ending.set()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        repository.check_out(commit, tmp_path / "run", ending)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    "revision",
    ["-x", "--upload-pack=touch ran", "ext::sh -c touch% ran", "a b", "main:refs/heads/x", "a..b",
     "HEAD~1", "@{-1}", "refs/heads/../x", "a\nb", "+main", "", "x" * 300, "^main", "*"],
)  # fmt: skip
def test_what_git_would_take_for_something_else_never_reaches_it(
    repository: Repository, origin: Origin, tmp_path: Path, revision: str
) -> None:
    origin.commit({"notebook.ipynb": "{}"})
    assert refusal(repository, revision) in ("bad-revision", "no-such-revision", "repository-away")
    assert not list(tmp_path.rglob("ran"))


@pytest.mark.parametrize("revision", ["nothing", "0" * 40, "v2"])
def test_an_unknown_revision_is_said_to_be_so(
    repository: Repository, origin: Origin, revision: str
) -> None:
    origin.commit({"notebook.ipynb": "{}"})
    assert refusal(repository, revision) == "no-such-revision"


def test_the_token_opens_the_door_and_is_seen_nowhere(
    origin: Origin, server: GitServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.password = SECRET
    commit = origin.commit({"notebook.ipynb": "{}"})
    kept = tmp_path / "kept"
    assert refusal(Repository(f"{server.url}/algorithm", kept), "main") == "repository-away"
    file = tmp_path / "credentials"
    file.write_text(f"http://hub:{SECRET}@127.0.0.1:{server.server_port}\n")
    seen: list[str] = []
    server.asked = lambda: seen.extend(_arguments())
    assert Repository(f"{server.url}/algorithm", kept, file).commit_of("main") == commit
    assert any("fetch" in words for words in seen)
    texts = [*seen, caplog.text, *(p.read_bytes().decode("latin-1") for p in kept.rglob("*")
                                   if p.is_file())]  # fmt: skip
    assert not [text for text in texts if SECRET in text]


def _arguments() -> list[str]:
    """What every process of this machine was started with, as anybody can read."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(process.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return found


def test_only_files_are_read_and_no_link_leads_out(repository: Repository, origin: Origin) -> None:
    (origin.copy / "link.ipynb").symlink_to("/etc/passwd")
    commit = origin.commit({"deep/notebook.ipynb": "{}"})
    repository.commit_of("main")
    assert repository.file(commit, "deep/notebook.ipynb") == b"{}"
    for path in ("link.ipynb", "deep", "nothing.ipynb", "../x.ipynb", ":(top)deep", "--all", ""):
        with pytest.raises(FairihubError) as refused:
            repository.file(commit, path)
        assert refused.value.code == "no-such-notebook"


def test_hooks_and_filters_of_the_repository_do_nothing(
    repository: Repository, origin: Origin, tmp_path: Path
) -> None:
    commit = origin.commit({".gitattributes": "* filter=evil\n", "a.txt": "a", ".gitmodules": "x"})
    repository.commit_of("main")
    hook = repository.folder / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    repository.check_out(commit, tmp_path / "run")
    assert not os.path.exists(tmp_path / "ran")
    assert (tmp_path / "run" / "a.txt").read_text() == "a"


@pytest.mark.parametrize(
    ("notebook", "path"),
    [
        ("git/algorithm/notebook.ipynb", "notebook.ipynb"),
        ("~/git/algorithm/deep/a.ipynb", "deep/a.ipynb"),
        ("git/algorithms/a.ipynb", None),
        ("notebook.ipynb", None),
    ],
)
def test_which_notebooks_are_of_the_repository(notebook: str, path: str | None) -> None:
    assert below_algorithm(notebook) == path
