"""What a forked process would import by and by is found out in one that is thrown away."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from . import process

_PACKAGE = __package__


def rehearsed(kind: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    """Imports what `kind` needs and what its rehearsal imported; tells what is here then.

    `modules` are all the top names that are loaded, `late` those of them that a new interpreter
    would look for in the run's folder, `home_names` where the place of the home was noted, `set`
    what the modules have put into the environment.
    """
    began_with = dict(os.environ)
    for name in kind.IMPORTS + said["imports"]:
        importlib.import_module(name)
    before = set(sys.modules)
    told = _told_by_a_fork(kind, said["folder"])
    for name in told["modules"]:
        if name not in sys.modules:
            # What only another module can import has come with it, or is not needed.
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    late = {_top(name) for name in told["late"]} - {_top(name) for name in before}
    late |= {_top(name) for name in said["imports"]}
    return {
        "modules": sorted({_top(name) for name in sys.modules} - {_PACKAGE}),
        "late": sorted(late),
        "environment": {k: v for k, v in began_with.items() if v != process.ROOM},
        "set": [name for name in os.environ if name not in began_with],
        "user_site": _user_site(said["home"]),
        "digest": told["digest"],
        "home_names": _home_names(said["home"]),
    }


def _told_by_a_fork(kind: Any, folder: str) -> dict[str, Any]:
    place = tempfile.mkdtemp(prefix="rehearsal", dir=folder)
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            process.close_all({theirs.fileno()})
            theirs.sendall(json.dumps(kind.rehearse(place)).encode())
        finally:
            os._exit(0)
    theirs.close()
    parts = []
    while True:
        part = ours.recv(65536)
        if not part:
            break
        parts.append(part)
    ours.close()
    os.waitpid(pid, 0)
    shutil.rmtree(place, ignore_errors=True)
    told: dict[str, Any] = json.loads(b"".join(parts))
    return told


def _top(name: str) -> str:
    return name.partition(".")[0]


def _user_site(home: str) -> str | None:
    """Where a new interpreter would look for packages in the home; None if it would not."""
    import site

    if not site.ENABLE_USER_SITE:
        return None
    place = sysconfig.get_path("purelib", "posix_user")
    return os.path.relpath(place, home) if place.startswith(home) else None


def _home_names(home: str) -> list[tuple[str, str]]:
    """Modules and names whose value is a place in the home, which is another's in each run."""
    return [
        (module, name)
        for module, loaded in list(sys.modules.items())
        if _top(module) not in (_PACKAGE, "__main__")
        for name, value in list(getattr(loaded, "__dict__", {}).items())
        if isinstance(value, (str, PurePath)) and home in str(value)
    ]
