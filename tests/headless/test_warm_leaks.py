"""Nothing of a run is found by the next one; nobody can tell a warm kernel from a cold one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.headless.warm_house import warm_house_in

LOOK = """
import asyncio, atexit, builtins, json, locale, os, random, resource, secrets, signal, site, sys
import tempfile, threading, uuid, warnings
from multiprocessing import process as mp
shell = get_ipython()
environ = dict(os.environ, JPY_PARENT_PID="")
mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
fds = sorted(os.readlink(f"/proc/self/fd/{n}").partition(":")[0].partition("[")[0]
             for n in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{n}"))
old = os.umask(0); os.umask(old)
print(json.dumps({
    "alike": {
        "environ": environ, "cwd": os.getcwd(), "umask": old, "path": sys.path,
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "limits": {n: resource.getrlimit(getattr(resource, n))
                   for n in dir(resource) if n.startswith("RLIMIT_")},
        "signals": {int(n): str(signal.getsignal(n)).partition(" at ")[0]
                    for n in signal.valid_signals()},
        "mask": [int(n) for n in mask],
        "leader": os.getsid(0) == os.getpid(),
        "files": [name for name in fds if name.startswith("/") and "/proc" not in name],
        "argv": [word for word in sys.argv if "kernel-" not in word and ".json" not in word],
        "orig_argv": [word for word in sys.orig_argv if ".json" not in word],
        "executable": sys.executable, "flags": str(sys.flags), "prefix": sys.prefix,
        "filters": [str(entry) for entry in warnings.filters],
        "builtins": sorted(dir(builtins)),
        "names": sorted(name for name in globals() if not name.startswith("_i")),
        "history": [shell.history_manager.enabled, shell.execution_count],
        "ipython": [shell.ipython_dir, shell.profile_dir.location, str(shell.db), shell.home_dir,
                    shell.starting_dir, [str(place) for place in _dh]],
        "temp": [tempfile.gettempdir(), site.USER_SITE, site.ENABLE_USER_SITE],
        "locale": [locale.getlocale(), sys.getfilesystemencoding(), sys.stdout.encoding],
        "main": sorted(vars(sys.modules["__main__"]))[:5] and __name__,
        "loop": type(asyncio.get_running_loop()).__name__,
        "mark": sorted(entry for entry in open("/proc/self/environ").read().split("\\0")
                       if entry.startswith("JOB_NAME"))[:1],
        "parser": str(getattr(sys.modules.get("parso.cache"), "_default_cache_path", "")),
    },
    "modules": sorted(sys.modules),
    "threads": sorted(thread.name for thread in threading.enumerate()),
    "other": [random.random(), secrets.token_hex(8), str(uuid.uuid4()), os.urandom(8).hex(),
              bytes(mp.current_process().authkey).hex(), next(tempfile._get_candidate_names()),
              shell.kernel.session.key.decode(), shell.kernel.session.session],
    "left": [name for name in ("LEFT", "left_here") if name in os.environ or name in globals()],
}))
"""
DIRTY = """
import asyncio, atexit, builtins, json, os, random, resource, signal, socket, sys, tempfile
import threading, time, types, warnings
os.environ["LEFT"] = "1"; os.environ["PATH"] = "/nowhere"; os.chdir("/"); os.umask(0o777)
sys.path.insert(0, "/left"); sys.modules["left_here"] = types.ModuleType("left_here")
json.dumps_left = 1; builtins.left_here = 1; left_here = 1
builtins.print_left = print
warnings.simplefilter("error"); random.seed(1); tempfile.tempdir = "/left"
signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGUSR1, lambda *a: None)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
held = open(os.path.expanduser("~/left.txt"), "w"); listening = socket.create_server(("", 0))
threading.Thread(target=time.sleep, args=(600,), name="left", daemon=True).start()
asyncio.get_running_loop().set_debug(True); atexit.register(print, "left")
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)); os.nice(5)
get_ipython().execution_count = 99; get_ipython().db["left"] = 1
import subprocess; subprocess.Popen(["/bin/sleep", "86011"], start_new_session=True)
subprocess.Popen(["/usr/bin/env", "-i", "/bin/sleep", "86012"], start_new_session=True)
"""


async def test_a_warm_kernel_is_as_a_cold_one_whatever_was_done_before_it(tmp_path: Path) -> None:
    async with warm_house_in(tmp_path) as house:
        await house.warmed()
        dirty = await house.run(DIRTY)
        assert (dirty.state.value, dirty.environment.warm) == ("successful", True), house.log(dirty)
        warm, seen = await house.look(LOOK)
        again, then = await house.look(LOOK)
        with house.cold():
            cold, expected = await house.look(LOOK)
    assert [run.environment.warm for run in (warm, again, cold)] == [True, True, False]
    assert seen["alike"]["mark"] == [f"JOB_NAME={warm.id}"]
    for name in expected["alike"]:
        assert _without(seen["alike"][name], warm.id) == _without(
            expected["alike"][name], cold.id
        ), name
    assert seen["left"] == then["left"] == []
    assert "left" not in seen["threads"]
    assert "left_here" not in seen["modules"]
    assert not [name for name in seen["modules"] if name.partition(".")[0] == "forking"]
    missing, more = _differences(expected["modules"], seen["modules"])
    # What jupyter_client looks for the addresses of this machine with: a socket here needs none.
    assert missing <= {"ipykernel_launcher", "psutil", "pwd"}
    assert more <= {"gc"}
    assert not set(seen["other"]) & set(then["other"])
    assert not set(seen["other"]) & set(expected["other"])


def _differences(expected: list[str], seen: list[str]) -> tuple[set[str], set[str]]:
    """The modules that only a cold kernel has, and those that only a warm one has."""
    cold, warm = ({name.partition(".")[0] for name in names} for names in (expected, seen))
    return cold - warm, warm - cold


def _without(seen: Any, run_id: str) -> Any:
    """What was seen, but for the id of the run and the number of its attempt."""
    if isinstance(seen, str):
        return seen.replace(run_id, "ID").replace(f"/{run_id[:2]}/ID", "/ID")
    if isinstance(seen, list):
        return [_without(part, run_id) for part in seen]
    if isinstance(seen, dict):
        return {name: _without(part, run_id) for name, part in seen.items()}
    return seen


async def test_no_process_of_a_run_is_left_not_even_one_without_a_mark(tmp_path: Path) -> None:
    import psutil

    async with warm_house_in(tmp_path) as house:
        await house.warmed()
        run = await house.run(DIRTY)
        assert run.environment.warm
        left = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"])]
    assert ["/bin/sleep", "86011"] not in left
    assert ["/bin/sleep", "86012"] not in left
