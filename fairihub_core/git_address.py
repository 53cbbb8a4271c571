"""What may name a repository, a branch and a path in it, and who signs in to its server.

Git takes an option for what begins with a hyphen, and runs a program for `ext::…`: such things
are refused before git sees them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from fairihub_core.errors import BadInput, Unavailable

_MAX_CREDENTIALS = 64 * 1024
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SCP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^\s:\-][^\s:]*")
_NO_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.(/|$)|\.lock(/|$)|^[-/.]|/$")


@dataclass(frozen=True)
class Credentials:
    """A user name and a password or token; neither is ever shown."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class Address:
    """A branch of a repository, and a folder or file in it, as settings name them.

    Raises:
        BadInput: `bad-repository`, one of them cannot be meant, or holds a password.
    """

    url: str
    branch: str | None = None
    """None: the branch that the repository itself calls its default."""
    path: str = ""

    def __post_init__(self) -> None:
        try:
            usable_url(self.url)
            if self.branch is not None:
                usable_branch(self.branch)
            usable_path(self.path)
        except ValueError as problem:
            said = f"A repository cannot be used: {problem}."
            raise BadInput("bad-repository", said) from None

    @property
    def protocols(self) -> str:
        """What git may speak to fetch this, also when it is sent elsewhere."""
        return "https:http" if urlsplit(self.url).scheme == "http" else "https:ssh:file"

    @property
    def server(self) -> str | None:
        """The server that may ask for credentials, as `https://host`."""
        url = urlsplit(self.url)
        return f"{url.scheme}://{url.netloc}" if url.scheme in ("https", "http") else None

    @property
    def wanted(self) -> str:
        """What is asked for of the repository."""
        return "HEAD" if self.branch is None else f"refs/heads/{self.branch}"


def usable_url(url: str) -> str:
    """The address as it was given; what is said of another repeats nothing of it.

    Raises:
        ValueError: it cannot be meant, or holds a password.
    """
    if not url or len(url) > 500 or not url.isprintable() or " " in url or url.startswith("-"):
        raise ValueError("its address cannot be read")
    if url.startswith("/") or _SCP.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        raise ValueError("its address cannot be read") from None
    _check_parts(parts)
    return url


def usable_branch(branch: str) -> str:
    """The name of a branch as it was given.

    Raises:
        ValueError: git takes it for something else.
    """
    if not branch or _NO_BRANCH.search(branch):
        raise ValueError("its branch is no name of a branch")
    return branch


def usable_path(path: str) -> str:
    """The path in the repository as it was given; empty for its top.

    Raises:
        ValueError: it leads elsewhere.
    """
    odd = not path.isprintable() or path.startswith("-")
    if path and (odd or any(part in ("", ".", "..") for part in path.split("/"))):
        raise ValueError("its path must lead down from the top of the repository: folder/folder")
    return path


def _check_parts(parts: SplitResult) -> None:
    host = parts.hostname or ""
    secret = parts.password is not None or (parts.scheme != "ssh" and parts.username is not None)
    if secret or parts.query or parts.fragment:
        raise ValueError(
            "its address holds a user name, a password or a token, which others can read there. "
            "Put it into a file and name that as `credentials`"
        )
    remote = parts.scheme in ("https", "ssh") or (parts.scheme == "http" and host in _LOOPBACK)
    if parts.scheme == "file" and not host and parts.path.startswith("/"):
        return
    odd = host.startswith("-") or (parts.username or "").startswith("-")
    if not (remote and host and not odd and parts.path.strip("/")):
        raise ValueError(
            "its address is written as https://…, ssh://…, file:///… or an absolute path"
        )


def credentials_for(server: str, file: Path) -> Credentials:
    """What `file` says for `server`; it has lines as git's credential store writes them.

    Read before each fetch, so that a token may be exchanged while the hub runs.

    Raises:
        Unavailable: `no-credentials`, the file cannot be read or says nothing for the server.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_CREDENTIALS).decode("utf-8", "replace")
    except OSError as problem:
        raise Unavailable(
            "no-credentials", f"The credentials in {file} cannot be read: {problem.strerror}."
        ) from None
    for line in text.splitlines():
        if (found := _credentials(line.strip(), server)) is not None:
            return found
    raise Unavailable(
        "no-credentials",
        f"{file} has no line for {server}; it is written as https://USER:TOKEN@HOST.",
    )


def _credentials(line: str, server: str) -> Credentials | None:
    try:
        url = urlsplit(line)
        wanted = urlsplit(server)
        same = (url.scheme, url.hostname, url.port) == (wanted.scheme, wanted.hostname, wanted.port)
    except ValueError:
        return None
    if not same or not url.username or url.password is None:
        return None
    user, password = unquote(url.username), unquote(url.password)
    # A line break would end the answer to git and begin another one.
    return Credentials(user, password) if (user + password).isprintable() else None
