"""What a fork server of kernels forks: IPython's kernel, ready but for the run that it is for."""

from __future__ import annotations

import atexit
import contextlib
import gc
import hashlib
import io
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

IMPORTS = ["ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell"]

_QUIET = 50


def rehearse(folder: str) -> dict[str, Any]:
    """Does all that a kernel does until it is asked, and tells what it had to import for it."""
    before = set(sys.modules)
    app = _app(folder)
    early: set[str] = set()
    init_path = app.init_path

    def noted_path() -> None:
        early.update(sys.modules)
        init_path()

    app.init_path = noted_path
    app.initialize([])
    app.shell.run_cell("None", silent=True)
    return {
        "modules": [name for name in sys.modules if name not in before],
        "late": [name for name in sys.modules if name not in early],
        "digest": digest(),
    }


def digest() -> str:
    """SHA-256 of the sorted lines `name==version` of all packages here."""
    from importlib import metadata

    lines = {
        "%s==%s" % (re.sub(r"[-_.]+", "-", name).lower(), found.version)
        for found in metadata.distributions()
        for name in [found.metadata["Name"]]
        if name
    }
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def prepared(folder: str, about: Mapping[str, Any]) -> tuple[Any, Sequence[int]]:
    """Begins a kernel that listens in `folder`; what it returns makes it the kernel of a run."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "forking"]:
        del sys.modules[name]
    app = _app(folder)
    app.initialize([])
    app.log_level = 30
    _leave_no_file(app)
    find_children = app.kernel._process_children
    # At its end it looks through all processes of the machine for its own; mostly there are none.
    app.kernel._process_children = lambda: find_children() if _has_children() else []

    def follow(order: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        _move(about["home"], about["home_names"])
        for name, value in about["set"].items():
            os.environ.setdefault(name, value)
        _make_own(app, order)
        return {"connection": _connection(app)}, lambda: _work(app)

    streams = [_taken(sys.stdout, 1), _taken(sys.stderr, 2)]
    return follow, [0, *streams]


def _work(app: Any) -> None:
    """Until it is asked to end; then ends as an interpreter does, but for what takes it so long.

    What was loaded is not taken down, module by module.
    """
    app.start()
    threading: Any = sys.modules["threading"]
    threading._shutdown()
    atexit._run_exitfuncs()  # among them IPython's, which lets go of all the notebook's variables
    gc.collect()
    files = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair)
    for thing in gc.get_objects():
        if issubclass(type(thing), files):
            with contextlib.suppress(Exception):
                thing.flush()
    os._exit(0)


def _has_children() -> bool:
    tasks = "/proc/self/task"
    try:
        return any(open(os.path.join(tasks, t, "children")).read() for t in os.listdir(tasks))
    except OSError:
        return True


def _taken(stream: Any, number: int) -> int:
    """Where what is written to a stream of the system goes: IPython reads the stream itself."""
    copy = getattr(stream, "_original_stdstream_copy", None)
    return number if copy is None else int(copy)


def _app(folder: str) -> Any:
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False  # what a run executed is not what its member typed
    config.IPKernelApp.log_level = _QUIET
    config.IPKernelApp.parent_handle = os.getppid()
    config.IPKernelApp.transport = "ipc"
    config.IPKernelApp.ip = os.path.join(folder, "s")
    config.IPKernelApp.connection_file = os.path.join(folder, "connection.json")
    app: Any = IPKernelApp.instance(config=config)
    app.init_poller = lambda: None  # the system ends this process with its parent
    return app


def _leave_no_file(app: Any) -> None:
    with contextlib.suppress(OSError):
        os.unlink(app.abs_connection_file)


def _move(home: str, home_names: Sequence[Sequence[str]]) -> None:
    """Puts the home of the run in the place of that of the fork server, wherever it was noted."""
    own = os.path.expanduser("~")
    for module, name in home_names:
        loaded = sys.modules.get(module)
        value = getattr(loaded, name, None)
        if isinstance(value, (str, PurePath)):
            setattr(loaded, name, type(value)(str(value).replace(home, own)))


def _make_own(app: Any, order: Mapping[str, Any]) -> None:
    """All that a new kernel derives from its environment, in the order in which it does."""
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [os.path.abspath(place) for place in given if place]
    sys.argv = [_launcher(), *order["arguments"]]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = list(order["command"])
    shell = app.shell
    shell.init_environment()
    if not os.environ.get("MPLBACKEND"):
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    _own_profile(app)
    app.connection_file = order["connection_file"]
    app.write_connection_file()


def _launcher() -> str:
    import ipykernel

    folder = os.path.dirname(os.path.dirname(os.path.abspath(ipykernel.__file__)))
    return os.path.join(folder, "ipykernel_launcher.py")


def _own_profile(app: Any) -> None:
    from IPython.core import profiledir
    from IPython.paths import get_ipython_dir
    from IPython.utils.path import get_home_dir

    shell, place = app.shell, get_ipython_dir()
    of_name: Any = profiledir.ProfileDir
    profile = of_name.create_profile_dir_by_name(place, "default", app.config)
    app.ipython_dir = shell.ipython_dir = place
    app.profile_dir = shell.profile_dir = app.kernel.profile_dir = profile
    if hasattr(shell, "_db"):
        shell._db = None
    elif hasattr(shell, "db"):
        shell.db = type(shell.db)(os.path.join(profile.location, "db"))
    shell.home_dir = get_home_dir()
    shell.starting_dir = os.getcwd()
    shell.user_ns["_dh"][:] = [type(shell.user_ns["_dh"][0])(os.getcwd())]


def _connection(app: Any) -> dict[str, Any]:
    return {
        "transport": app.transport,
        "ip": app.ip,
        "key": app.session.key.decode(),
        "signature_scheme": app.session.signature_scheme,
        "shell_port": app.shell_port,
        "iopub_port": app.iopub_port,
        "stdin_port": app.stdin_port,
        "control_port": app.control_port,
        "hb_port": app.hb_port,
    }
