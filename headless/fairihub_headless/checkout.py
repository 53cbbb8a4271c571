"""The operator's repository at a revision: which commit is meant, and its files for one run.

Everything is fetched when the run is asked for, into a bare repository of the service. From then on
the commit is there: the run needs no network, and a run that repeats it gets the same files.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fairihub_core.errors import BadInput, Missing, Refused, TooLarge, Unavailable
from fairihub_core.git_address import Address, credentials_for, usable_branch
from fairihub_core.git_command import Git, GitSaid, size_of
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES, too_large
from fairihub_core.places import Places
from fairihub_headless.settings import HeadlessSettings

ALGORITHM = "git/algorithm"
"""Where requests find the files of the repository: `git/algorithm/notebook.ipynb`."""
VARIABLE = "ALGORITHM_DIRECTORY"
"""The environment variable that tells the notebook where they are."""
_SECONDS = 60.0
_TIDYING_SECONDS = 600.0
_TURN_SECONDS = 10.0
_MAX_ON_DISK = 8 * 2**30
_MAX_FETCH = 2**30
_MAX_CHECKOUT = 2**30
_MAX_LISTED = 16 * 2**20
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HELD = "refs/fairihub/runs/"
"""What a run uses is held under its own name: a branch that moves on takes nothing away."""
_UNUSED_SECONDS = 24 * 3600.0
"""So long a revision is held that nobody has asked for, and no run needs."""


def below_algorithm(notebook: str) -> str | None:
    """The path in the repository that a request names, if it names one."""
    inside = notebook.removeprefix("~/").removeprefix(f"{ALGORITHM}/")
    return inside if inside != notebook.removeprefix("~/") else None


def repository_of(settings: HeadlessSettings, places: Places) -> Repository | None:
    """The repository that the operator has set, if there is one."""
    asked = settings.checkout_git_repo
    if asked is None:
        return None
    return _one(asked.url, places.headless / "algorithm.git", asked.credentials)


@functools.lru_cache(maxsize=64)
def _one(url: str, folder: Path, credentials: Path | None) -> Repository:
    """The same for all who ask: they take turns, and are stopped together."""
    return Repository(url, folder, credentials)


def no_repository() -> Refused:
    return Refused(
        "no-repository",
        "This hub has no repository for `git_revision`; its operator can set one "
        "(`checkout_git_repo`).",
    )


@dataclass
class Repository:
    """The repository of the setting `checkout_git_repo`, and the service's copy of it.

    Args:
        folder: where the copy lies, which is nobody else's.
        credentials: a file as git's credential store writes it, read before each fetch.
    """

    url: str
    folder: Path
    credentials: Path | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def commit_of(self, revision: str) -> str:
        """The commit that a branch, a tag or a commit means now; it is here afterwards. Blocks.

        Raises:
            BadInput: `bad-revision`, git would take it for something else.
            Missing: `no-such-revision`.
            TooLarge: `too-large`.
            Unavailable: `repository-away`.
        """
        if _COMMIT.fullmatch(revision) and self._has(revision):
            with contextlib.suppress(GitSaid):  # or it has gone at this moment
                return self._hold(revision)
        try:
            usable_branch(revision)
        except ValueError:
            raise BadInput(
                "bad-revision", "`git_revision` cannot be a branch, tag or commit."
            ) from None
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise _away()  # to others who ask it, or to tidying
        try:
            return self._fetched(revision)
        finally:
            self._turn.release()

    def tidy(self, used: Collection[str]) -> int:
        """Lets go of the commits that are not `used` and were not asked for lately. Blocks.

        Returns:
            How many there were.
        """
        with self._turn:
            gone = [name for name, age in self._held() if age > _UNUSED_SECONDS]
            gone = [name for name in gone if name not in used]
            for name in gone:
                self._git.run("update-ref", "-d", f"{_HELD}{name}")
            if gone:
                # References stay files of their own, whose age says when they were asked for.
                words = ("-c", "gc.packRefs=false", "gc", "--quiet", "--prune=now")
                self._git.run(*words, seconds=_TIDYING_SECONDS)
        return len(gone)

    def stop(self) -> None:
        """Ends whatever git does for this service, now and later."""
        self._stopping.set()

    def file(self, commit: str, path: str) -> bytes:
        """A file of a commit that is here, read out of the objects: no link is followed. Blocks.

        Raises:
            Missing: `no-such-notebook`.
            TooLarge: `too-large`.
        """
        missing = Missing("no-such-notebook", f"The revision has no notebook “{path[:200]}”.")
        try:
            row = self._git.run("ls-tree", "-l", "--full-tree", commit, "--", path).split()
        except GitSaid:
            raise missing from None
        if len(row) < 5 or row[0] not in (b"100644", b"100755"):
            raise missing
        if int(row[3]) > MAX_NOTEBOOK_BYTES:
            raise too_large(int(row[3]))
        return self._git.run("cat-file", "blob", row[2].decode(), at_most=MAX_NOTEBOOK_BYTES)

    def check_out(self, commit: str, into: Path, stopping: threading.Event | None = None) -> None:
        """Writes the files of a commit below `into`, a new folder. Blocks.

        Args:
            stopping: ends it at once.

        Raises:
            Missing: `no-such-revision`, it is not here any more.
            TooLarge: `too-large`.
        """
        stopping = stopping or self._stopping
        here = Git(self.folder, protocols="", stopping=stopping)
        if not _is_commit(here, commit):
            raise Missing("no-such-revision", f"Commit {commit[:12]} is not here any more.")
        listed = here.run("ls-tree", "-r", "-l", "-z", commit, at_most=_MAX_LISTED)
        sizes = (row.split(None, 4)[3] for row in listed.split(b"\0") if row)
        if sum(int(size) for size in sizes if size.isdigit()) > _MAX_CHECKOUT:
            raise TooLarge(
                "too-large", f"The revision has more than {_MAX_CHECKOUT // 2**30} GiB of files."
            )
        into.mkdir(mode=0o700)
        index = into.with_name(f".{into.name}.index")
        try:
            # Its own index: several runs check out at once. git itself refuses `.git` and `..`.
            git = Git(self.folder, protocols="", stopping=stopping, index=index, worktree=into)
            git.run("read-tree", commit, seconds=_SECONDS)
            git.run("checkout-index", "--all", "--quiet", seconds=_SECONDS)
        finally:
            index.unlink(missing_ok=True)

    @property
    def _git(self) -> Git:
        return Git(self.folder, protocols=self._address.protocols, stopping=self._stopping)

    @property
    def _address(self) -> Address:
        return Address(self.url)

    def _has(self, commit: str) -> bool:
        return _is_commit(self._git, commit)

    def _fetched(self, revision: str) -> str:
        if not (self.folder / "HEAD").exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._git.run("init", "--quiet", "--bare", "--template=", "--", os.fspath(self.folder))
        for named in _meanings(revision):
            try:
                self._fetch(named)
            except GitSaid as problem:
                if not _is_unknown(problem.said):
                    raise _away() from None
                continue
            commit = self._git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").decode().strip()
            return self._hold(commit)
        raise Missing("no-such-revision", f"The repository has no revision “{revision[:120]}”.")

    def _hold(self, commit: str) -> str:
        """Keeps a commit for whoever asks for it now."""
        self._git.run("update-ref", f"{_HELD}{commit}", commit)
        with contextlib.suppress(OSError):
            os.utime(self.folder / _HELD / commit)
        return commit

    def _held(self) -> Iterator[tuple[str, float]]:
        """Every commit that is held, and how long ago it was asked for."""
        with contextlib.suppress(OSError):
            for file in (self.folder / _HELD).iterdir():
                yield file.name, time.time() - file.stat().st_mtime

    def _fetch(self, named: str) -> None:
        before = size_of(self.folder)
        server, sign_in = self._address.server, None
        if server is not None and self.credentials is not None:
            sign_in = (server, credentials_for(server, self.credentials))
        try:
            self._git.run(
                "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-gc",
                "--update-shallow", "--depth=1", "--", self.url, named,
                seconds=_SECONDS, on_disk=min(before + _MAX_FETCH, _MAX_ON_DISK), sign_in=sign_in,
            )  # fmt: skip
        except TooLarge:
            self._remove_halves()
            raise TooLarge(
                "too-large",
                f"The revision has more than {_MAX_FETCH // 2**30} GiB, or all that runs use have "
                f"more than {_MAX_ON_DISK // 2**30}: then there is room when older runs expire.",
            ) from None
        except Unavailable as problem:
            self._remove_halves()
            raise _away() if problem.code == "source-away" else problem from None

    def _remove_halves(self) -> None:
        """What a fetch that was ended has left: nobody else fetches at this moment."""
        for part in (self.folder / "objects" / "pack").glob("tmp_*"):
            part.unlink(missing_ok=True)


def _is_commit(git: Git, name: str) -> bool:
    try:
        return git.run("cat-file", "-t", name).strip() == b"commit"
    except GitSaid:
        return False


def _meanings(revision: str) -> tuple[str, ...]:
    """What a revision may be on the server, the likeliest first; always whole names of git's."""
    commit = (revision,) if _COMMIT.fullmatch(revision) else ()
    return (*commit, f"refs/heads/{revision}", f"refs/tags/{revision}")


def _is_unknown(said: str) -> bool:
    return re.search(r"couldn't find remote ref|not our ref|unadvertised object", said) is not None


def _away() -> Unavailable:
    return Unavailable(
        "repository-away",
        "The repository of `git_revision` does not answer as it should. Try again in a minute; "
        "the operator can see why.",
    )
