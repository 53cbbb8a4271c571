"""Warm kernels of real runs: when they are taken, when not, and that their loss fails no run."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from fairihub_headless.engine import attempt
from tests.headless.warm_house import WarmHouse, until, warm_house_in


def _file(path: str, content: str = "") -> Callable[[WarmHouse], None]:
    return lambda house: house.put(content, path) and None


def _profile(house: WarmHouse) -> None:
    house.put("", ".ipython/profile_default/startup/00-mine.py")


def _secret_named(name: str) -> Callable[[WarmHouse], None]:
    def add(house: WarmHouse) -> None:
        (house.places.secret("uc1", "deep") / name).write_text("1")

    return add


def _own_kernel(house: WarmHouse) -> None:
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Mine",
        "language": "python",
    }
    house.put(json.dumps(spec), ".local/share/jupyter/kernels/mine/kernel.json")


CASES = {
    "a variable for Python": (_secret_named("PYTHONOPTIMIZE"), {}, "PYTHONOPTIMIZE acts"),
    "a variable for the loader": (_secret_named("LD_BIND_NOW"), {}, "LD_BIND_NOW acts"),
    "a variable for malloc": (_secret_named("MALLOC_ARENA_MAX"), {}, "MALLOC_ARENA_MAX acts"),
    "a module of theirs": (
        _file(".packages/queue.py", Path(queue.__file__).read_text()), {}, "“queue” of .packages",
    ),
    "one of the library": (_file(".packages/typing_left.py"), {}, None),
    "customization": (_file(".packages/sitecustomize.py"), {}, "“sitecustomize” of .packages"),
    "a profile": (_profile, {}, "startup/00-mine.py is executed"),
    "its configuration": (
        _file(".ipython/profile_default/ipython_config.py"), {}, "ipython_config.py configures",
    ),
    "a kernel in the home": (_own_kernel, {"kernel": "mine"}, "kernel “mine” lies in your home"),
}  # fmt: skip


async def test_a_run_that_would_notice_gets_a_cold_kernel_and_reads_why(tmp_path: Path) -> None:
    async with warm_house_in(tmp_path) as house:
        await house.warmed()
        for number, (prepare, inputs, words) in enumerate(CASES.values()):
            home = house.places.home("uc1", "ada")
            before = set(home.rglob("*")) if home.exists() else set()
            secrets = set(house.places.secret("uc1", "deep").iterdir())
            prepare(house)
            run = await house.run("1", path=f"{number}.ipynb", **inputs)
            assert run.state.value == "successful", house.log(run)
            if words is None:
                assert run.environment.warm, house.log(run)
            else:
                assert not run.environment.warm
                assert words in house.log(run)
            for path in sorted(set(home.rglob("*")) - before, reverse=True):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            for secret in set(house.places.secret("uc1", "deep").iterdir()) - secrets:
                secret.unlink()


async def test_fork_servers_that_are_killed_fail_no_run_and_come_back(tmp_path: Path) -> None:
    async with warm_house_in(tmp_path) as house:
        await house.warmed()
        run = await house.submit("import time\nwhile not __import__('os').path.exists('go'):"
                                 " time.sleep(0.05)\nprint('went on')")  # fmt: skip
        await house.until(run, lambda r: r.environment is not None)
        for kind in ("kernel", "worker"):
            (server,) = house.servers(kind)
            server.kill()
        house.put("", "go")
        during = await house.ended(run)
        assert (during.state.value, during.environment.warm) == ("successful", True)
        assert "went on" in house.log(during)
        after = await house.run("1")
        assert after.state.value == "successful", house.log(after)
        await until(lambda: bool(house.launcher.kernels()), "the fork server is back")
        again = await house.run("1")
        assert (again.state.value, again.environment.warm) == ("successful", True)


KILLS_ITS_GUARDIAN = """
import subprocess
subprocess.Popen(["/usr/bin/env", "-i", "/bin/sleep", "86013"], start_new_session=True)
os.kill(os.getppid(), 9)
"""


async def test_a_notebook_that_kills_its_fork_server_its_guardian_or_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[Any] = []
    verdict = attempt.verdict

    def noted(run: Any, witness: Any, *known: Any, started: bool) -> Any:
        ends.append(witness)
        return verdict(run, witness, *known, started=started)

    monkeypatch.setattr(attempt, "verdict", noted)
    async with warm_house_in(tmp_path) as house:
        await house.warmed()
        (server,) = house.servers("kernel")
        run = await house.run(f"import os\nos.kill({server.pid}, 9)", "print('still here')")
        assert (run.state.value, run.environment.warm) == ("successful", True)
        assert ends[-1].swept
        for cell in (KILLS_ITS_GUARDIAN, "os.kill(os.getpid(), 9)", "os._exit(0)"):
            await until(lambda: bool(house.launcher.kernels()), "the fork server is back")
            died = await house.run(f"import os\n{cell}", "print('never')")
            assert (died.state.value, died.failure.code) == ("failed", "kernel-died"), cell
            assert (died.finished - died.started).total_seconds() < 15
            assert ends[-1].swept is ("getppid" not in cell)
        await until(lambda: not _marked(run.id), "nothing is left")
        left = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"])]
        assert ["/bin/sleep", "86013"] not in left


def _marked(run_id: str) -> list[psutil.Process]:
    from fairihub_core.processes import marked

    return marked("JOB_NAME", run_id)


async def test_a_stopped_fork_server_costs_patience_once_and_is_replaced(tmp_path: Path) -> None:
    async with warm_house_in(tmp_path, warm_workers=0, warm_kernels=0) as house:
        await house.warmed()
        stopped = [*house.servers("kernel"), *house.servers("worker")]
        for server in stopped:
            server.suspend()
        run = await house.ended(await house.submit("1"), seconds=100)
        assert (run.state.value, run.environment.warm) == ("successful", False)
        assert (run.attempt, run.lost) == (2, 1)
        assert "the fork server gave none" in house.log(run)
        assert "was not heard of when it began, and was ended." in house.log(run)
        await until(lambda: bool(house.launcher.kernels()), "another fork server lives")
        assert not any(server.is_running() for server in stopped)


async def test_a_warm_run_is_interrupted_limited_and_leaves_no_history(tmp_path: Path) -> None:
    async with warm_house_in(tmp_path) as house:
        await house.warmed()
        run = await house.submit("import time\ntime.sleep(600)", "print('never')")
        await house.until(run, lambda r: r.environment is not None)
        await house.runs.dismiss(run.id, house.caller())
        ended = await house.ended(run)
        assert (ended.state.value, ended.environment.warm) == ("dismissed", True)
        partial = json.loads((house.runs.folder(ended).files / "executed.ipynb").read_text())
        assert partial["cells"][0]["outputs"][0]["ename"] == "KeyboardInterrupt"
        eater = await house.run("held = b'1' * 6 * 2**30")
        assert eater.failure.error.startswith("MemoryError")
        assert not list(house.places.home("uc1", "ada").rglob("history.sqlite*"))


async def test_nothing_is_left_when_the_service_has_gone(tmp_path: Path) -> None:
    async with warm_house_in(tmp_path) as house:
        await house.warmed()
        root = house.launcher.root
        await until(lambda: len(house.forked()) > 4, "the next kernel waits")
    await until(lambda: not house.forked(), "all fork servers have ended", 10)
    assert not root.exists()


async def test_fork_servers_whose_service_is_killed_end_and_leave_no_folder(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from fairihub_headless.settings import HeadlessSettings\n"
        "from fairihub_headless.warm.keeping import Warmth\n"
        "async def main():\n"
        "    warmth = Warmth(HeadlessSettings(data=Path(sys.argv[1])))\n    warmth.start()\n"
        "    while not warmth.workers():\n        await asyncio.sleep(0.05)\n"
        "    print(warmth.root, flush=True)\n    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    killed_service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert killed_service.stdout is not None
    root = Path((await killed_service.stdout.readline()).decode().strip())
    assert root.is_dir()
    killed_service.kill()
    await killed_service.wait()
    await until(lambda: not root.exists(), "its folder has gone")


async def test_an_environment_of_its_own_gets_a_fork_server_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, specs = tmp_path / "env", tmp_path / "specs"
    made = (sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(place))
    await asyncio.to_thread(subprocess.run, made, check=True)
    (site,) = place.glob("lib/python*/site-packages")
    (own,) = Path(sys.prefix).glob("lib/python*/site-packages")
    (site / "theirs.pth").write_text(f"{own}\n")
    folder = specs / "kernels" / "other"
    folder.mkdir(parents=True)
    argv = [f"{place}/bin/python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f",
            "{connection_file}"]  # fmt: skip
    spec = {"argv": argv, "display_name": "Other", "language": "python", "env": {"OTHER": "yes"}}
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(specs))
    look = "import json, os, sys\nprint(json.dumps({'is': [sys.prefix, os.environ['OTHER']]}))"
    async with warm_house_in(tmp_path / "hub") as house:
        first, _ = await house.look(look, kernel="other")
        assert not first.environment.warm
        await until(lambda: len(house.launcher.kernels()) == 1, "its fork server lives")
        second, seen = await house.look(look, kernel="other")
        assert second.environment.warm, house.log(second)
        assert seen["is"] == [str(place), "yes"]
        assert (second.environment.kernel, second.environment.display_name) == ("other", "Other")
        assert second.environment.digest == first.environment.digest is not None
        os.utime(site)
        (site / "new.py").write_text("")
        third, _ = await house.look(look, kernel="other")
        assert not third.environment.warm, "packages have changed since"


async def test_waiting_kernels_cost_little_memory(tmp_path: Path) -> None:
    async with warm_house_in(tmp_path, warm_kernels=3) as house:
        await house.warmed()
        (server,) = house.servers("kernel")
        # Each that waits is a guardian and a kernel.
        await until(lambda: len(server.children(recursive=True)) == 6, "three kernels wait")
        private = [_private(process) for process in server.children(recursive=True)]
        assert sum(private) / 3 < 40 * 2**20, private


def _private(process: psutil.Process) -> int:
    return int(process.memory_full_info().uss)
