"""The data folder of a hub on one machine: made, checked, held by one hub at a time."""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from fairihub_core.errors import BadInput, Conflict, Unavailable
from fairihub_core.files import write_whole
from fairihub_core.places import Places
from fairihub_core.teams import PUBLIC

VERSION = "1"
"""Grows when a data folder of before could not be used as it is."""


@dataclass(frozen=True)
class Running:
    """Where the hub of this data folder answers; written while it runs."""

    address: str
    pid: int


def opened(folder: Path) -> Places:
    """The data folder, made if it is new.

    Raises:
        BadInput: `not-a-data-folder` or `other-version`; nothing in it was touched.
    """
    places = Places(folder.resolve())
    version = places.data / "version"
    if version.is_file():
        found = version.read_text()[:20].strip()
        if found != VERSION:
            raise BadInput(
                "other-version",
                f"{folder} was made by another version of fairihub (data version “{found}”, this "
                f"one uses “{VERSION}”). Use that version, or another folder with --data.",
            )
        return places
    if places.data.exists() and (not places.data.is_dir() or any(places.data.iterdir())):
        raise BadInput(
            "not-a-data-folder",
            f"{folder} exists and is no data folder of fairihub. Name an empty or new one.",
        )
    try:
        _make(places)
    except OSError as problem:
        raise BadInput(
            "not-a-data-folder", f"{folder} cannot be made: {problem.strerror}."
        ) from None
    version.write_text(f"{VERSION}\n")
    return places


def _make(places: Places) -> None:
    places.data.mkdir(parents=True, exist_ok=True)
    places.data.chmod(0o700)
    for folder in (
        places.hub,
        places.links,
        places.tokens,
        places.catalog,
        places.headless,
        places.s3,
        places.homes,
        places.library(PUBLIC).parent,
        places.data / "secrets",
    ):
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def held(places: Places) -> Iterator[int]:
    """Holds the folder for one hub, by a file descriptor: a process that inherits it holds it too.

    The lock goes with the last of them, however they end.

    Raises:
        Conflict: `in-use`, another hub runs on it.
    """
    with (places.data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                "in-use", f"A hub is running on {places.data} already. Stop it, or use --data."
            ) from None
        try:
            yield lock.fileno()
        finally:
            _running_file(places).unlink(missing_ok=True)


def announce(places: Places, running: Running) -> None:
    write_whole(_running_file(places), json.dumps(asdict(running)).encode())


def running_hub(places: Places) -> Running:
    """The hub that runs on this folder.

    Raises:
        Unavailable: `not-running`.
    """
    try:
        return Running(**json.loads(_running_file(places).read_text()))
    except (OSError, ValueError, TypeError):
        raise Unavailable(
            "not-running", f"No hub runs on {places.data}. Start it: fairihub up --data …"
        ) from None


def token(places: Places, name: str) -> str:
    """A token of this folder's own, made at first use and kept for its owner's eyes only."""
    path = places.tokens / name
    if not path.is_file():
        write_whole(path, secrets.token_hex(32).encode())
    return path.read_text().strip()


def seed_library(places: Places, examples: Path, teams: Iterable[str]) -> None:
    """Copies the example notebooks of `teams` and of all, once: what is there is never touched."""
    for name in (*teams, PUBLIC):
        source, target = examples / name, places.library(name)
        if source.is_dir() and not target.exists():
            shutil.copytree(source, target)


def seed_secrets(places: Places, wanted: Iterable[tuple[str, str]]) -> None:
    """Gives each secret that the example teams name a random value, once."""
    for namespace, name in wanted:
        folder = places.secret(namespace, name)
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            write_whole(folder / "DEMO_API_KEY", secrets.token_urlsafe(24).encode())


def _running_file(places: Places) -> Path:
    return places.data / "running.json"
