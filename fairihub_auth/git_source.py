"""Team files in a git repository: fetched at an interval and when told, the last good commit kept.

A branch is followed wherever it goes, also when it is rewritten. A repository that is away, a
branch or folder that is gone, and a commit with more than the hub reads leave the last good
commit in force, and become a finding.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path

from fairihub_auth.git_mirror import FETCH_SECONDS, Commit, Mirror
from fairihub_auth.sources import Source
from fairihub_core.errors import BadInput, FairihubError, Unavailable
from fairihub_core.git_address import Address

FIRST_SECONDS = 15.0
"""How long the start of the hub waits for the first fetch."""
BETWEEN_SECONDS = 1.0
"""However often somebody says that there is news."""

log = logging.getLogger("fairihub.teams")


class GitSource(Source):
    """The team files in one branch of a repository.

    Args:
        url: `https://…`, `ssh://…`, `user@host:path`, `file:///…` or an absolute path.
        name: what the webhook and findings call it.
        cache: a folder of the hub's own, for the mirror.
        branch: None for the repository's default.
        path: a folder in the repository, or one file; empty for its top.
        credentials: a file with lines `https://USER:TOKEN@HOST`, for repositories that ask.
        fetch_seconds: how long a fetch may take.

    Raises:
        BadInput: `bad-repository`, what is given cannot be meant.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        cache: Path,
        branch: str | None = None,
        path: str = "",
        interval_seconds: float = 60,
        credentials: Path | None = None,
        fetch_seconds: float = FETCH_SECONDS,
    ) -> None:
        address = Address(url, branch, path.strip("/"))
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
            raise BadInput("bad-repository", f"“{name[:40]}” is no name of a repository here.")
        self._name = name
        self._interval = interval_seconds
        self._stopping = threading.Event()
        self._poked = threading.Event()
        self._first = threading.Event()
        self._news: Callable[[], None] | None = None
        self._wait_until = 0.0
        self._folder = cache / name / f"{_digest(address)}.git"
        self._mirror = Mirror(
            address,
            self._folder,
            credentials=credentials,
            stopping=self._stopping,
            seconds=fetch_seconds,
        )
        self._latest: Commit | None = None
        self._listed: Commit | None = None
        self._away: FairihubError | None = None
        self._thread = threading.Thread(target=self._follow, name=f"git-{name}", daemon=True)

    @property
    def name(self) -> str:
        return self._name

    def stamps(self) -> Mapping[str, Hashable]:
        self._first.wait(max(self._wait_until - time.monotonic(), 0))
        if self._latest is None:
            raise self._away or Unavailable(
                "source-away", "It has not answered yet. Its teams stay as they were."
            )
        self._listed = self._latest
        return {name: blob.stamp for name, blob in self._listed.files.items()}

    def revision(self, name: str) -> str | None:
        return self._listed.revision if self._listed else None

    def away(self) -> FairihubError | None:
        return self._away

    def read(self, name: str) -> str:
        if self._listed is None:
            raise Unavailable("source-away", "It has not been listed yet.")
        return self._listed.files[name].text()

    def start(self, news: Callable[[], None]) -> None:
        self._news = news
        self._wait_until = time.monotonic() + FIRST_SECONDS
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._poked.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def poke(self) -> None:
        self._poked.set()

    def _follow(self) -> None:
        self._forget_others()
        self._latest = self._mirror.kept()
        while not self._stopping.is_set():
            began = time.monotonic()
            self._fetch()
            self._first.set()
            if self._news is not None:
                self._news()
            self._poked.wait(self._interval)
            self._stopping.wait(max(began + BETWEEN_SECONDS - time.monotonic(), 0))
            # Cleared only now: whoever pokes from here on knows of something newer.
            self._poked.clear()
        self._first.set()

    def _fetch(self) -> None:
        before = self._away
        try:
            self._latest = self._mirror.fetched(self._latest)
            self._away = None
        except FairihubError as problem:
            self._away = problem
        except Exception:
            if before is None or before.code != "internal":
                log.exception("%s: the repository could not be followed", self._name)
            self._away = Unavailable(
                "internal", "Fetching it failed, which is a defect of fairihub; the log says more."
            )

    def _forget_others(self) -> None:
        """Mirrors of what this source was before its settings were changed."""
        for folder in self._folder.parent.glob("*.git"):
            if folder != self._folder:
                shutil.rmtree(folder, ignore_errors=True)


def _digest(address: Address) -> str:
    return hashlib.sha256(f"{address.url}\0{address.branch}".encode()).hexdigest()[:12]
