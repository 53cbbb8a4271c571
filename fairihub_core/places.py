"""Where things lie in the data folder of a hub on one machine, and in a member's home."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fairihub_core.errors import BadInput
from fairihub_core.teams import PUBLIC

HOME_LINKS = ("s3", "shared")
"""Links in a home that fairihub itself makes, and therefore follows; no others."""


@dataclass(frozen=True)
class Places:
    """The one data folder; everything that must survive a restart is below it."""

    data: Path

    @property
    def hub(self) -> Path:
        return self.data / "hub"

    @property
    def links(self) -> Path:
        return self.data / "links"

    @property
    def tokens(self) -> Path:
        return self.data / "tokens"

    @property
    def catalog(self) -> Path:
        return self.data / "catalog"

    @property
    def headless(self) -> Path:
        return self.data / "headless"

    @property
    def s3(self) -> Path:
        return self.data / "s3"

    @property
    def homes(self) -> Path:
        return self.data / "homes"

    def home(self, team: str, login: str) -> Path:
        """The home of one member in one team; members of two teams have two."""
        return self.homes / _folder_name(team) / _folder_name(login)

    def library(self, team: str = PUBLIC) -> Path:
        """The curated shared folder of a team, or the public one."""
        return self.data / "library" / _folder_name(team)

    def bucket(self, name: str) -> Path:
        return self.s3 / "buckets" / _folder_name(name)

    def secret(self, namespace: str, name: str) -> Path:
        """A folder with a file per key, as Kubernetes mounts a Secret."""
        return self.data / "secrets" / _folder_name(namespace) / _folder_name(name)


def _folder_name(name: str) -> str:
    if not name or name in (".", "..") or name.startswith(".") or set(name) & set("/\\\0"):
        raise BadInput("bad-name", f"“{name!r}” cannot be the name of a folder.")
    return name


def confined(
    root: Path, relative: str, *, links: tuple[str, ...] = HOME_LINKS, hidden: bool = False
) -> Path:
    """The path below `root` that `relative` names, whether or not it exists yet.

    Refuses what leaves the root: absolute paths, `..`, backslashes, NUL, hidden parts and
    links, save those of fairihub's own making in the first place of the path.

    Args:
        hidden: names that begin with a dot will do.

    Raises:
        BadInput: `bad-path`, saying what is wrong with it.
    """
    require_relative(relative, hidden=hidden)
    path = root
    for depth, part in enumerate(relative.split("/")):
        path = path / part
        if path.is_symlink() and not (depth == 0 and part in links):
            raise BadInput("bad-path", f"“{relative[:200]}” passes through a link.")
    return path


def require_relative(relative: str, *, hidden: bool = False) -> None:
    """Refuses what, by its words alone, cannot be a path below a root.

    Raises:
        BadInput: `bad-path`, saying what is wrong with it.
    """
    problem = _problem_of(relative, relative.split("/"), hidden)
    if problem:
        raise BadInput("bad-path", f"“{relative[:200]}” {problem}.")


def _problem_of(relative: str, parts: list[str], hidden: bool) -> str | None:
    if not relative or len(relative) > 1024:
        return "is empty" if not relative else "is too long: 1,024 characters at most"
    if any(ord(c) < 32 or ord(c) == 127 for c in relative) or "\\" in relative:
        return "contains a character that a path here cannot have"
    if relative.startswith(("/", "~")) or ":" in parts[0]:
        return "must be relative to the home folder"
    if ".." in parts:
        return "leaves the home folder"
    if any(len(part.encode("utf-8", "replace")) > 255 for part in parts):
        return "has a part that is too long: 255 bytes at most"
    if any(part in ("", ".") or (part.startswith(".") and not hidden) for part in parts):
        return "has an empty or hidden part"
    return None
