"""A mirror of one branch of a repository, and the team files in its last good commit.

Nothing is ever checked out: files are read out of the objects, so that links, submodules and
hooks of the repository mean nothing here.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairihub_auth.sources import MAX_FILE_BYTES, MAX_FILES, SUFFIXES, text_of
from fairihub_core.errors import FairihubError, TooLarge, Unavailable, Unreadable
from fairihub_core.git_address import Address, credentials_for
from fairihub_core.git_command import Git, GitSaid

FETCH_SECONDS = 60.0
MAX_ON_DISK = 256 * 1024 * 1024
MAX_IN_MEMORY = 32 * 1024 * 1024
_MAX_LISTED = 4 * 1024 * 1024

_FETCHED = "refs/fairihub/fetched"
_GOOD = "refs/fairihub/good"
_FILE = (b"100644", b"100755")
_FOLDER = b"040000"
_SUBMODULE = b"160000"

_REASONS = (
    (r"couldn't find remote ref HEAD", "It is empty, or has no default branch"),
    (r"couldn't find remote ref", "It has no such branch"),
    (r"terminal prompts disabled", "It asks for a user name and a token"),
    (r"Authentication failed|returned error: 40[13]", "It does not accept the credentials"),
    (
        r"Permission denied|Host key verification",
        "Its server does not accept our ssh key, or its host key is not known here",
    ),
    (r"Could ?n[o']t resolve host|Could not resolve hostname", "Its host is not known"),
    (r"not found|does not exist|not appear to be a git|no such file", "It is not there"),
)


@dataclass(frozen=True)
class Blob:
    """A file as a commit has it."""

    stamp: str
    content: bytes | None = None
    problem: FairihubError | None = None

    def text(self) -> str:
        """What it says.

        Raises:
            FairihubError: it is no file, too large, or not UTF-8.
        """
        if self.problem is not None or self.content is None:
            raise self.problem or Unreadable("file-unreadable", "The file cannot be read.")
        return text_of(self.content)


@dataclass(frozen=True)
class Commit:
    """The team files of one commit, by their path in the repository."""

    revision: str
    files: Mapping[str, Blob]


class Mirror:
    """The mirror in `folder`, which is nobody else's. One thread uses it.

    Args:
        credentials: a file for servers that ask who we are.
        stopping: ends a command that runs.
        seconds: how long a fetch may take.
    """

    def __init__(
        self,
        address: Address,
        folder: Path,
        *,
        credentials: Path | None,
        stopping: threading.Event,
        seconds: float = FETCH_SECONDS,
    ) -> None:
        self.address = address
        self._folder = folder
        self._credentials = credentials
        self._seconds = seconds
        self._git = Git(folder, protocols=address.protocols, stopping=stopping)

    def kept(self) -> Commit | None:
        """The last good commit of an earlier life, if there is one."""
        try:
            return self._commit(self._git.run("rev-parse", "--verify", "--quiet", _GOOD), None)
        except (FairihubError, GitSaid):
            return None

    def fetched(self, before: Commit | None) -> Commit:
        """What the branch holds now; `before`, if that is the same.

        It is followed wherever it goes, also when its history is rewritten.

        Raises:
            FairihubError: `source-away` and others: the repository cannot be asked, or what it
                holds cannot be meant. The last good commit stays the last good one.
        """
        try:
            return self._followed(before)
        except GitSaid as problem:
            raise Unavailable(
                "source-away", f"{_reason(problem.said)}. Its teams stay as they were."
            ) from None
        except OSError as problem:
            raise Unavailable(
                "source-away", f"Its mirror in {self._folder} cannot be kept: {problem.strerror}."
            ) from None

    def _followed(self, before: Commit | None) -> Commit:
        try:
            return self._taken(before)
        except GitSaid:
            # A mirror that lost power or was killed may be what is at fault; then it goes.
            if not self._answers():
                raise
            self._forget()
            return self._taken(before)

    def _answers(self) -> bool:
        try:
            return bool(self._ask("ls-remote"))
        except GitSaid:
            return False

    def _taken(self, before: Commit | None) -> Commit:
        try:
            self._ask("fetch")
        except TooLarge:
            self._forget()
            raise
        commit = self._commit(self._git.run("rev-parse", "--verify", _FETCHED), before)
        if commit is not before:
            self._git.run("update-ref", _GOOD, commit.revision)
            self._git.run("gc", "--auto", "--quiet", seconds=self._seconds)
        return commit

    def _ask(self, command: str) -> bytes:
        if not (self._folder / "HEAD").exists():
            self._forget()
            self._folder.mkdir(mode=0o700, parents=True)
            self._git.run("init", "--quiet", "--bare", "--template=", "--", str(self._folder))
        wanted = self.address.wanted
        words = {
            "ls-remote": ("--quiet", "--exit-code", "--", self.address.url, wanted),
            "fetch": (
                "--quiet", "--force", "--no-tags", "--no-recurse-submodules", "--no-auto-gc",
                "--update-shallow", "--depth=1", "--", self.address.url, f"+{wanted}:{_FETCHED}",
            ),
        }  # fmt: skip
        server, sign_in = self.address.server, None
        if server is not None and self._credentials is not None:
            sign_in = (server, credentials_for(server, self._credentials))
        return self._git.run(
            command, *words[command], seconds=self._seconds, on_disk=MAX_ON_DISK, sign_in=sign_in
        )

    def _forget(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _commit(self, revision: bytes, before: Commit | None) -> Commit:
        name = revision.decode("ascii").strip()
        if before is not None and before.revision == name:
            return before
        found = {path: entry for path, entry in self._team_files(name) if entry.kind != _SUBMODULE}
        if len(found) > MAX_FILES:
            raise TooLarge(
                "too-many-teams",
                f"It holds {len(found):,} team files; at most {MAX_FILES:,} are read. "
                "All teams stay as they are until there are fewer.",
            )
        known = {b.stamp: b for b in before.files.values()} if before else {}
        contents = self._contents([e for e in found.values() if e.stamp not in known])
        files = {
            path: known.get(e.stamp) or Blob(e.stamp, contents.get(e.oid), e.problem)
            for path, e in found.items()
        }
        return Commit(name, files)

    def _team_files(self, commit: str) -> Iterator[tuple[str, _Entry]]:
        path = self.address.path
        there = dict(self._listed(commit, path)).get(path) if path else None
        if path and (there is None or there.kind != _FOLDER):
            yield from self._single_file(commit, path, there)
            return
        for name, entry in self._listed(commit, f"{path}/" if path else ""):
            last = name.rpartition("/")[2]
            if last.lower().endswith(SUFFIXES) and not last.startswith("."):
                yield name, entry

    def _single_file(
        self, commit: str, path: str, there: _Entry | None
    ) -> Iterator[tuple[str, _Entry]]:
        """A single file may be removed, and its team with it; a missing folder is an accident."""
        is_file = path.lower().endswith(SUFFIXES) or (there is not None and there.kind in _FILE)
        parent = path.rpartition("/")[0]
        if not is_file or (parent and parent not in dict(self._listed(commit, parent))):
            raise Unavailable(
                "no-such-path",
                f"It has no “{path}”. All teams stay as they are until it has. "
                "If no team is to be left, keep the folder with some other file in it.",
            )
        if there is not None:
            yield path, there

    def _listed(self, commit: str, path: str) -> Iterator[tuple[str, _Entry]]:
        words = ["ls-tree", "-z", "-l", "--full-tree", commit, "--", *([path] if path else [])]
        for row in self._git.run(*words, at_most=_MAX_LISTED).split(b"\0"):
            if row:
                facts, _, name = row.partition(b"\t")
                mode, _, oid, size = facts.split()
                entry = _Entry(mode, oid, int(size) if size.isdigit() else 0)
                yield name.decode("utf-8", "backslashreplace"), entry

    def _contents(self, entries: list[_Entry]) -> Mapping[bytes, bytes]:
        """The contents by object id, all by one process."""
        wanted = {e.oid: e.size for e in entries if e.problem is None}
        total = sum(wanted.values())
        if total > MAX_IN_MEMORY:
            raise TooLarge(
                "source-too-large",
                f"Its team files have {total / 2**20:.0f} MiB in all, more than the hub reads.",
            )
        if not wanted:
            return {}
        answer = self._git.run(
            "cat-file",
            "--batch",
            given=b"\n".join(wanted) + b"\n",
            at_most=total + 200 * len(wanted),
        )
        contents: dict[bytes, bytes] = {}
        at = 0
        for oid, size in wanted.items():
            begin = answer.index(b"\n", at) + 1
            if answer[at:begin].split() != [oid, b"blob", b"%d" % size]:
                raise GitSaid("an object is missing in the mirror")
            contents[oid] = answer[begin : begin + size]
            at = begin + size + 1
        return contents


@dataclass(frozen=True)
class _Entry:
    """A row of a tree."""

    kind: bytes
    oid: bytes
    size: int

    @property
    def stamp(self) -> str:
        return f"{self.kind.decode()} {self.oid.decode()}"

    @property
    def problem(self) -> FairihubError | None:
        if self.kind not in _FILE:
            return Unreadable("not-a-file", "This is a folder or a link, where a file should be.")
        if self.size > MAX_FILE_BYTES:
            return TooLarge(
                "file-too-large", f"The file is larger than {MAX_FILE_BYTES // 1024:,} KiB."
            )
        return None


def _reason(said: str) -> str:
    """What git said, in words that help an operator and stay the same from try to try."""
    known = (words for pattern, words in _REASONS if re.search(pattern, said, re.IGNORECASE))
    return next(known, f"Git says: {said.removeprefix('fatal: ').rstrip('.')}")
