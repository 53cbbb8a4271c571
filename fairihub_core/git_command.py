"""Runs git without a shell, a question, or a configuration but ours; bounded in time and size."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from fairihub_core.errors import TooLarge, Unavailable
from fairihub_core.git_address import Credentials
from fairihub_core.logins import printable

_PASSED_ON = (
    "PATH", "TMPDIR", "SSH_AUTH_SOCK", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy",
    "NO_PROXY", "no_proxy",
)  # fmt: skip
_SETTINGS = (
    "core.bigFileThreshold=1m",  # more than that git would hold in memory, and more than once
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.logAllRefUpdates=false",
    "credential.helper=",
    "fetch.recurseSubmodules=false",
    "gc.autoDetach=false",
    "gc.pruneExpire=now",
    "http.lowSpeedLimit=500",
    "http.lowSpeedTime=30",
)
_ANSWER = (
    '!f() { test "$1" = get && '
    'printf \'username=%s\\npassword=%s\\n\' "$FAIRIHUB_USER" "$FAIRIHUB_PASSWORD"; }; f'
)
"""A credential helper that answers out of the environment, and forgets nothing when told to."""
_MAX_SAID = 4096
_LOOK_SECONDS = 0.5


class GitSaid(Exception):
    """Git ended with an error; `said` is its last words, without secrets."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class Git:
    """Git, for the bare repository at `folder` only.

    Args:
        protocols: what it may speak, as GIT_ALLOW_PROTOCOL.
        stopping: ends a command that runs.
        worktree: where files may be written, with an index of its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        protocols: str,
        stopping: threading.Event,
        worktree: Path | None = None,
        index: Path | None = None,
    ) -> None:
        self.folder = folder
        self._protocols = protocols
        self._stopping = stopping
        self._apart = {
            name: str(path)
            for name, path in (("GIT_WORK_TREE", worktree), ("GIT_INDEX_FILE", index))
            if path is not None
        }

    def run(
        self,
        *arguments: str,
        given: bytes = b"",
        seconds: float = 30,
        at_most: int = 1024 * 1024,
        on_disk: int | None = None,
        sign_in: tuple[str, Credentials] | None = None,
    ) -> bytes:
        """What git prints.

        Args:
            at_most: how many bytes it may print.
            on_disk: how many bytes the repository may grow to meanwhile.
            sign_in: a server, and what it is told when it asks who we are.

        Raises:
            GitSaid: it failed.
            FairihubError: it took too long, printed too much, or is not there.
        """
        git = shutil.which("git")
        if git is None:
            raise Unavailable("no-git", "A repository needs git on the hub's machine.")
        settings = list(_SETTINGS)
        environment = self._environment()
        if sign_in is not None:
            server, credentials = sign_in
            settings.append(f"credential.{server}.helper={_ANSWER}")
            environment["FAIRIHUB_USER"] = credentials.user
            environment["FAIRIHUB_PASSWORD"] = credentials.password
        words = [git, *(w for s in settings for w in ("-c", s)), *arguments]
        with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as errors:
            with _started(words, given, answer, errors, environment) as process:
                self._watched(process, answer, seconds, at_most, on_disk)
            if process.returncode != 0:
                raise GitSaid(_last_words(errors, sign_in))
            answer.seek(0)
            return answer.read(at_most)

    def _watched(
        self,
        process: subprocess.Popen[bytes],
        answer: IO[bytes],
        seconds: float,
        at_most: int,
        on_disk: int | None,
    ) -> None:
        """Waits for the end of the process, as long as it keeps within its limits."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=min(_LOOK_SECONDS, max(end - time.monotonic(), 0)))
            if os.fstat(answer.fileno()).st_size > at_most:
                raise TooLarge("source-too-large", "It lists more than the hub reads.")
            if on_disk is not None and size_of(self.folder) > on_disk:
                raise TooLarge(
                    "source-too-large",
                    f"It is larger than {on_disk / 2**20:g} MiB. "
                    "Keep what is meant here in a repository of its own.",
                )
            if process.returncode is not None:
                return
            if self._stopping.is_set():
                raise Unavailable("source-away", "The hub is stopping.")
            if time.monotonic() >= end:
                raise Unavailable("source-away", f"It did not answer within {seconds:g} s.")

    def _environment(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "LC_ALL": "C.UTF-8",
            "HOME": "/nonexistent",  # no .netrc, no .gitconfig; ssh finds its keys without it
            "GIT_DIR": str(self.folder),
            **self._apart,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": self._protocols,
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }


@contextlib.contextmanager
def _started(
    words: list[str],
    given: bytes,
    answer: IO[bytes],
    errors: IO[bytes],
    environment: Mapping[str, str],
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which ends with all that it has started."""
    with tempfile.TemporaryFile() as standing:
        standing.write(given)
        standing.seek(0)
        process = subprocess.Popen(
            words,
            cwd="/",
            env=environment,
            stdin=standing,
            stdout=answer,
            stderr=errors,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def size_of(folder: Path) -> int:
    """How many bytes are below `folder`."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # git renames its files while it works
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _last_words(errors: IO[bytes], sign_in: tuple[str, Credentials] | None) -> str:
    errors.seek(max(errors.seek(0, os.SEEK_END) - _MAX_SAID, 0))
    said = errors.read().decode("utf-8", "replace")
    for secret in (sign_in[1].password, sign_in[1].user) if sign_in else ():
        said = said.replace(secret, "…")
    said = re.sub(r"://[^/@\s]*@", "://…@", said)
    lines = [line for line in said.splitlines() if line.strip()]
    grave = [line for line in lines if line.startswith(("fatal:", "error:", "ssh:"))]
    # Milliseconds would make a new finding of the same failure each time.
    return printable(re.sub(r" after \d+ ms", "", (grave or lines or ["no reason given"])[0]), 300)
