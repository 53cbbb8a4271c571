"""The environment of a kernel: how it is told from others, and from itself after a change."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from fairihub_headless.warm.fitness import Facts
from fairihub_headless.warm.forking.wire import FACTS

_OWN_PYTHON = {
    "python",
    f"python{sys.version_info.major}",
    f"python{sys.version_info.major}.{sys.version_info.minor}",
}


def command_of(argv: Sequence[str]) -> tuple[str, ...]:
    """The command of a kernelspec; `python` alone means the interpreter of the service."""
    first = sys.executable if argv and argv[0] in _OWN_PYTHON else argv[0] if argv else ""
    return (first, *argv[1:])


def key_of(command: Sequence[str]) -> str:
    """A word for the environment of this command as it is now.

    Installing or removing a package changes it: what was imported before is not used after that.
    """
    seen = [_seen(place) for place in _places_of(Path(command[0]))]
    return hashlib.sha256(json.dumps([*command, *seen]).encode()).hexdigest()[:16]


def facts_of(folder: Path) -> Facts:
    """What the fork server in `folder` says of itself.

    Raises:
        OSError, ValueError, KeyError: it says nothing, or nothing that can be read.
    """
    told = json.loads((folder / FACTS).read_bytes())
    return Facts(
        modules=frozenset(told["modules"]),
        late=frozenset(told["late"]),
        environment=told["environment"],
        user_site=told["user_site"],
        digest=told["digest"],
    )


def _places_of(python: Path) -> Iterable[Path]:
    """The interpreter, and the folders whose times change with the packages that it finds."""
    yield python
    for prefix in dict.fromkeys((python.parent.parent, python.resolve().parent.parent)):
        yield prefix / "pyvenv.cfg"
        yield prefix / "conda-meta" / "history"
        yield from sorted(prefix.glob("lib/python3*/site-packages"))
        yield from sorted(prefix.glob("lib/python3*/dist-packages"))


def _seen(place: Path) -> str:
    try:
        found = os.stat(place)
    except OSError:
        return ""
    return f"{found.st_ino} {found.st_mtime_ns}"
