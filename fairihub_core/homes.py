"""A member's home on one machine: the folder itself and the two links that fairihub makes in it."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fairihub_core.errors import BadInput, shortened
from fairihub_core.places import HOME_LINKS, Places

_HOME_TO_DATA = Path("..", "..", "..")
"""Links are relative, so that a data folder can be moved as a whole."""


@dataclass(frozen=True)
class Home:
    """A prepared home, and the names in it that the member's own files kept from us."""

    path: Path
    kept: tuple[str, ...] = ()


def prepare_home(places: Places, team: str, login: str, bucket: str | None) -> Home:
    """Makes the home of `login` in `team`, `~/shared` and, with a bucket, `~/s3`. Blocks.

    Only links of our own making are replaced or removed: what a member put there stays.
    """
    path = places.home(team, login)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    shared = places.library(team)
    shared.mkdir(parents=True, exist_ok=True)
    folder = places.bucket(bucket) if bucket else None
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = {"shared": shared, "s3": folder}
    kept = [name for name, to in wanted.items() if not _link(path / name, to, places)]
    return Home(path, tuple(kept))


def _link(link: Path, to: Path | None, places: Places) -> bool:
    """Lets `link` lead to `to`, or be gone. False if a file of the member's is in its place."""
    if os.path.lexists(link) and not _is_ours(link, places):
        return to is None
    if to is None:
        link.unlink(missing_ok=True)
        return True
    target = _HOME_TO_DATA / to.relative_to(places.data)
    with contextlib.suppress(OSError):
        if link.readlink() == target:
            return True
    # Of its own name: several runs of a member may begin at once.
    beside = link.with_name(f".fairihub-{link.name}-{uuid.uuid4().hex[:12]}")
    try:
        beside.symlink_to(target)
        # A rename onto the old link: nobody ever sees the home without it.
        beside.replace(link)
    finally:
        beside.unlink(missing_ok=True)
    return True


def _is_ours(link: Path, places: Places) -> bool:
    """Whether `link` leads where only our own links lead: to a bucket, or to a library."""
    if not link.is_symlink():
        return False
    target = Path(os.path.normpath(link.parent / os.readlink(link)))
    return target.parent in (places.library().parent, places.bucket("any").parent)


def own_places(home: Path, bucket: str | None) -> tuple[Path, ...]:
    """Where the links in `home` may lead: its team's library and, with a bucket, that.

    Nowhere, if it is no home in a data folder of ours.
    """
    real = home.resolve()
    if len(real.parents) < 3:
        return ()
    places = Places(real.parents[2])
    if real.parents[1] != places.homes:
        return ()
    return (places.library(real.parent.name), *([places.bucket(bucket)] if bucket else []))


def behind_own_link(home: Path, path: str, allowed: Iterable[Path]) -> tuple[Path, str]:
    """The folder from which to follow `path`, and the rest of it: behind `~/s3` or `~/shared`.

    A link is read once: what it is turned into after this check is of no effect.

    Raises:
        BadInput: `bad-path`, the link leads elsewhere than to one of `allowed`.
    """
    first, _, rest = path.partition("/")
    link = home / first
    if first not in HOME_LINKS or not link.is_symlink():
        return home, path
    target = link.resolve()
    if not any(target == place.resolve() for place in allowed):
        raise BadInput("bad-path", f"“{shortened(path, 200)}” passes through a link.")
    return target, rest
