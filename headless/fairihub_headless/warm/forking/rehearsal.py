"""What a forked process would import by and by is found out in one that is thrown away."""

import importlib
import json
import os
import shutil
import socket
import sys
import sysconfig
import tempfile
from pathlib import PurePath

from . import process

_PACKAGE = __package__


def rehearsed(kind, said):
    """Imports what `kind` needs and what its rehearsal imported; tells what is here then.

    `modules` are all the top names that are loaded, `late` those of them that a new interpreter
    would look for in the run's folder, `home_names` where the place of the home was noted.
    """
    for name in kind.IMPORTS + said["imports"]:
        importlib.import_module(name)
    before = set(sys.modules)
    told = _told_by_a_fork(kind, said["folder"])
    for name in told["modules"]:
        if name not in sys.modules:
            try:
                importlib.import_module(name)
            except Exception:  # only another module can import it: it is there, or is not needed
                continue
    late = {_top(name) for name in told["late"]} - {_top(name) for name in before}
    late |= {_top(name) for name in said["imports"]}
    return {
        "modules": sorted({_top(name) for name in sys.modules} - {_PACKAGE}),
        "late": sorted(late),
        "environment": {k: v for k, v in os.environ.items() if v != process.ROOM},
        "user_site": _user_site(said["home"]),
        "digest": told["digest"],
        "home_names": _home_names(said["home"]),
    }


def _told_by_a_fork(kind, folder):
    place = tempfile.mkdtemp(prefix="rehearsal", dir=folder)
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            process.close_all({theirs.fileno()})
            told = json.dumps(kind.rehearse(place)).encode()
            theirs.sendall(told)
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
    return json.loads(b"".join(parts))


def _top(name):
    return name.partition(".")[0]


def _user_site(home):
    """Where a new interpreter would look for packages in the home; None if it would not."""
    import site

    if not site.ENABLE_USER_SITE:
        return None
    place = sysconfig.get_path("purelib", "posix_user")
    return os.path.relpath(place, home) if place.startswith(home) else None


def _home_names(home):
    """Modules and names whose value is a place in the home, which is another's in each run."""
    return [
        (module, name)
        for module, loaded in list(sys.modules.items())
        if _top(module) not in (_PACKAGE, "__main__")
        for name, value in list(getattr(loaded, "__dict__", {}).items())
        if isinstance(value, (str, PurePath)) and home in str(value)
    ]
