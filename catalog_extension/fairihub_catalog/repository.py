"""The hub's own git repository of published notebooks: versions, authors, differences, undo."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
from pathlib import Path

from fairihub_core.errors import Missing, Unavailable
from fairihub_core.files import read_below, write_whole
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES

log = logging.getLogger("fairihub.catalog")

_SECONDS = 60
_LIMIT = 2 * MAX_NOTEBOOK_BYTES
_MAX_VERSIONS = 10_000
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


class Repository:
    """A git working tree at `folder`: `<team>/<slug>.ipynb`. Callers see to it that one writes.

    Without git on the machine it says so when it is opened, and refuses to publish.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._git = shutil.which("git")
        folder.mkdir(parents=True, exist_ok=True)
        if self._git is None:
            log.error("git is not installed: notebooks can be submitted, but not published")
        elif not (folder / ".git").exists():
            self._run("init", "--quiet", "--initial-branch=main")

    def content(self, team: str, slug: str) -> bytes | None:
        """The published notebook of that name, if there is one."""
        try:
            return read_below(self.folder, f"{team}/{slug}.ipynb", _LIMIT)
        except Missing:
            return None

    def slugs(self, team: str) -> frozenset[str]:
        """The slugs that are taken in `team`, in small letters."""
        folder = self.folder / team
        if not folder.is_dir():
            return frozenset()
        return frozenset(p.stem.lower() for p in folder.iterdir() if p.suffix == ".ipynb")

    def publish(
        self, team: str, slug: str, content: bytes, *, author: str, committer: str, message: str
    ) -> None:
        """Puts `content` at `<team>/<slug>.ipynb` and commits it; the same again changes nothing.

        Raises:
            Unavailable: `no-git` or `git-failed`; then nothing was published.
        """
        if self._git is None:
            raise Unavailable(
                "no-git", "Publishing needs git on the hub's machine. Ask the operator to add it."
            )
        path = self.folder / team / f"{slug}.ipynb"
        before = self.content(team, slug)
        path.parent.mkdir(mode=0o755, exist_ok=True)
        write_whole(path, content, mode=0o644)
        try:
            self._commit(f"{team}/{slug}.ipynb", author, committer, message)
        except Unavailable:
            if before is None:
                path.unlink(missing_ok=True)
            else:
                write_whole(path, before, mode=0o644)
            raise

    def trailer(self, team: str, slug: str, key: str) -> str:
        """What the last commit of that notebook says after `key:`; empty if it does not."""
        if self._git is None or slug not in self.slugs(team):
            return ""
        form = f"--format=%(trailers:key={key},valueonly)"
        return self._run("log", "-1", form, "--", f"{team}/{slug}.ipynb").strip()

    def version_of(self, path: str, content: bytes) -> str | None:
        """The commit that brought `content` to `path`, if it is the last one that touched it."""
        if self._git is None or not self._has_commits():
            return None
        said = self._run("log", "-1", "--format=%H", "--raw", "--no-abbrev", "--", path).split()
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
        return said[0] if blob.hexdigest() in said[1:] else None

    def at(self, path: str, version: str) -> tuple[bytes, str] | None:
        """What a commit brought to `path`, and its whole id; None if no commit of it is called so.

        Args:
            version: a commit, or the beginning of one; only those that touched this very file
                are looked through, so that nothing else in the repository can be read.
        """
        if self._git is None or not _COMMIT.fullmatch(version) or not self._has_commits():
            return None
        most = f"--max-count={_MAX_VERSIONS}"
        known = self._run("rev-list", most, "HEAD", "--", path).split()
        meant = [commit for commit in known if commit.startswith(version)]
        if len(meant) != 1 or not self._run("ls-tree", meant[0], "--", path):
            return None  # unknown, of two meanings, or the commit that removed it
        return self._said("cat-file", "blob", f"{meant[0]}:{path}"), meant[0]

    def _has_commits(self) -> bool:
        return bool(self._run("for-each-ref", "--count=1", "refs/heads").strip())

    def _commit(self, path: str, author: str, committer: str, message: str) -> None:
        who = {
            "GIT_AUTHOR_NAME": author,
            "GIT_AUTHOR_EMAIL": f"{author}@fairihub.invalid",
            "GIT_COMMITTER_NAME": committer,
            "GIT_COMMITTER_EMAIL": f"{committer}@fairihub.invalid",
        }
        self._run("add", "--", path)
        if self._run("status", "--porcelain", "--", path):
            self._run("commit", "--quiet", "--file=-", "--", path, given=message, **who)

    def _run(self, *arguments: str, given: str = "", **environment: str) -> str:
        return self._said(*arguments, given=given, **environment).decode("utf-8", "replace")

    def _said(self, *arguments: str, given: str = "", **environment: str) -> bytes:
        settings = ("core.hooksPath=/dev/null", "commit.gpgSign=false", "core.autocrlf=false")
        words = [str(self._git), *(w for s in settings for w in ("-c", s)), *arguments]
        try:
            done = subprocess.run(
                words,
                cwd=self.folder,
                input=given.encode("utf-8", "replace"),
                env=_environment(self.folder) | environment,
                capture_output=True,
                timeout=_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as problem:
            said = getattr(problem, "stderr", b"") or str(problem).encode()
            log.error("git %s failed: %s", arguments[0], said.decode("utf-8", "replace")[:500])
            raise Unavailable(
                "git-failed", "The notebook could not be stored. Try again; the log says why."
            ) from None
        return done.stdout


def _environment(folder: Path) -> dict[str, str]:
    """No configuration but our own, no question to anybody, no repository but this one."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "GIT_DIR": str(folder / ".git"),
        "GIT_WORK_TREE": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
